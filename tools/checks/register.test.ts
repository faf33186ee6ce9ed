import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { hasTest } from '../docs/quoted-tests.ts';
import { inputsRead, namesFields, tableFiles } from '../inputs/inputs-read.ts';
import { faultsOf, register } from '../inputs/register.ts';

const root = join(import.meta.dirname, '..', '..');
const sourceOf = (path: string) => readFileSync(join(root, path), 'utf8');

test('each field, header, parameter and key of a Secret that is read has one entry, and each entry is read', () => {
  expect(faultsOf(register, inputsRead())).toEqual([]);
});

test('a new field without an entry is named, and so are an entry without a field and a second entry', () => {
  const [first] = register.filter(({ reads }) => reads.length > 0);
  const reads = [...inputsRead(), { id: 'AzureIdentity.spec.new', upTo: 1 }];
  expect(faultsOf([...register, { ...first!, reads: ['header gone', 'header host'] }], reads)).toEqual([
    'AzureIdentity.spec.new is read and has no entry',
    'header gone has an entry and is not read',
    'header host has several entries',
  ]);
});

test('all source files that say which fields are read are in the register: a table elsewhere would be missed', () => {
  const sources = globSync('packages/{crd-types,kit,mic,nmi}/src/**/*.ts', { cwd: root }).filter(
    (path) => !/\.test\.ts$|\/test(?:ing)?\//.test(path),
  );
  expect(sources.filter((path) => namesFields(sourceOf(path))).sort()).toEqual(tableFiles.toSorted());
});

describe.each(register)('$input', ({ tests }) => {
  it('names tests that write it at its bound', () => {
    expect(Object.keys(tests)).not.toEqual([]);
    for (const [file, titles] of Object.entries(tests))
      for (const title of titles) expect(hasTest(sourceOf(file), title), `${file}: ${title}`).toBe(true);
  });
});
