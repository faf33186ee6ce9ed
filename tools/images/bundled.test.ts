import { expect, test } from 'vitest';
import { bundledPackages } from './bundled.ts';

const from = 'packages/mic';
const lock = {
  packages: {
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a', license: 'MIT' },
    'node_modules/@scope/b': { version: '2.0.0', integrity: 'sha512-b' },
    'packages/mic/node_modules/a': { version: '3.0.0', integrity: 'sha512-c', license: 'ISC', name: 'other' },
  },
};
const bundle = (...paths: readonly string[]) => ({
  outputs: {
    'dist/mic.js': { inputs: Object.fromEntries(paths.map((path) => [path, { bytesInOutput: 1 }])) },
  },
});

test('each package of which a file is in the bundle, as the lock file names it', () => {
  const metafile = bundle(
    '../../node_modules/a/index.js',
    '../../node_modules/a/lib/more.js',
    '../../node_modules/@scope/b/x.js',
    'node_modules/a/index.js',
    '../kit/src/core/index.ts',
    'src/main.ts',
    'lean-http:node:http',
  );
  expect(bundledPackages(metafile, lock, from)).toEqual([
    {
      name: '@scope/b',
      version: '2.0.0',
      license: 'NOASSERTION',
      integrity: 'sha512-b',
      folder: 'node_modules/@scope/b',
    },
    { name: 'a', version: '1.0.0', license: 'MIT', integrity: 'sha512-a', folder: 'node_modules/a' },
    {
      name: 'other',
      version: '3.0.0',
      license: 'ISC',
      integrity: 'sha512-c',
      folder: 'packages/mic/node_modules/a',
    },
  ]);
});

test('a file of which nothing is left in the bundle does not count', () => {
  const inputs = { '../../node_modules/a/index.js': { bytesInOutput: 0 } };
  expect(bundledPackages({ outputs: { 'dist/mic.js': { inputs } } }, lock, from)).toEqual([]);
});

test('a package that the lock file does not name is an error', () => {
  expect(() => bundledPackages(bundle('../../node_modules/c/index.js'), lock, from)).toThrow(
    'package-lock.json does not name node_modules/c',
  );
});
