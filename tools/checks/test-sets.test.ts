// `npm test` and `bootstrap.mjs test:rest` together run every test file once, and `npm test` none that needs more than Node and npm.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { createVitest, type TestSpecification } from 'vitest/node';
import { repository } from '../stage/places.ts';

const vitest = await createVitest({
  watch: false,
  config: join(repository, 'vitest.config.ts'),
  reporters: ['default'],
});
const specifications = await vitest.globTestSpecifications();
await vitest.close();

const isRest = ({ project }: TestSpecification) => project.name === 'rest';
const files = (of: readonly TestSpecification[]) =>
  of.map(({ moduleId }) => relative(repository, moduleId)).toSorted();
const [rest, small] = [specifications.filter(isRest), specifications.filter((one) => !isRest(one))];

/** With the working tree's new files. */
const list = ['ls-files', '--cached', '--others', '--exclude-standard', '*.test.ts', '*.test-d.ts'];
const onDisk = execFileSync('git', list, { cwd: repository, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(repository, path)))
  .toSorted();

test('every test file is in exactly one of the two sets', () => {
  expect(files(specifications)).toEqual(onDisk);
});

test('the end of a name says that a file is not in npm test', () => {
  expect(files(rest)).toEqual(onDisk.filter((path) => /\.(real|kernel|fuzz|long)\.test\.ts$/.test(path)));
});

test('no file of npm test starts a real server, a cluster or a network namespace', () => {
  const real =
    /\b(startApiServer|whyNoApiServer|whyNoCluster|whyNoKernel|whyNoNamespaces|describeServers|describeRealServers|describePlaces|findHelm|providePrograms)\(|root: true/;
  const own = ['tools/checks/test-sets.test.ts'];
  const starts = files(small).filter((path) => real.test(readFileSync(join(repository, path), 'utf8')));
  expect(
    starts.filter((path) => !path.startsWith('packages/kit/src/testing/') && !own.includes(path)),
  ).toEqual([]);
});
