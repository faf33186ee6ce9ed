// The README names each export, so that a reader finds in it what the package has.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as library from '../src/index.ts';

const folder = join(import.meta.dirname, '..');
const readme = readFileSync(join(folder, 'README.md'), 'utf8');
/** Types are not in the module at run time. A check in CI keeps the report equal to the sources. */
const report = readFileSync(join(folder, 'api/index.api.md'), 'utf8');

const declared = [
  ...report.matchAll(/^export (?:declare )?(?:const|function|interface|type|class) (\w+)/gm),
].map(([, name = '']) => name);

test('each export is named in the README', () => {
  expect(declared.length).toBeGreaterThan(100);
  const names = [...new Set([...Object.keys(library), ...declared])];
  expect(names.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
});

test('the README names nothing as an export that is none', () => {
  const [, exported = ''] = /^## Exports$(.*?)^## /ms.exec(readme) ?? [];
  const named = [...exported.matchAll(/^- (.*?)(?=^- |^$)/gms)].flatMap(([item]) => [
    ...item.matchAll(/`(\w+)`/g),
  ]);
  expect(named.length).toBeGreaterThan(100);
  const known = new Set([...Object.keys(library), ...declared, ...fields]);
  expect(named.map(([, name = '']) => name).filter((name) => !known.has(name))).toEqual([]);
});

/** Fields and labels that descriptions of exports mention. */
const fields = ['selector', 'podSelector', 'serviceAccountName', 'allowedNamespaces'];
