import { expect, test } from 'vitest';
import { readArguments, takenByNpm } from './arguments.mjs';

test.each([
  [['--keep', '--verbose'], { keep: true, verbose: true, 2018: false }],
  [['--2018', '--kubeconfig', import.meta.filename], { 2018: true, kubeconfig: import.meta.filename }],
  [[], { keep: false }],
])('npm start -- %j runs the demo', (args, values) => {
  expect(readArguments(args)).toMatchObject({ values });
});

test('options of npm start without `--`, which npm takes as its own, count as well', () => {
  const env = { npm_config_keep: 'true', npm_config_2018: '', npm_config_all: 'x' };
  expect(takenByNpm({ ...env, npm_config_kubeconfig: 'true' })).toEqual(['--keep', '--kubeconfig']);
  expect(takenByNpm({ ...env, npm_config_kubeconfig: 'a' })).toEqual(['--keep', '--kubeconfig=a']);
});

test.each([
  [['--unknown'], "npm start: Unknown option '--unknown'\n"],
  [['--kubeconfig'], "npm start: Option '--kubeconfig <value>' argument missing\n"],
  [['--kubeconfig', '/no/such/file'], 'npm start: there is no file /no/such/file\n'],
  [['keep'], "npm start: Unexpected argument 'keep'\n"],
])('npm start -- %j prints what is wrong and the usage, for exit code 2', (args, problem) => {
  const { text = '', code } = readArguments(args);
  expect([code, text.slice(0, problem.length)]).toEqual([2, problem]);
  expect(text).toContain('\nUsage: npm start -- ');
});

test('--help prints the usage within 80 columns, for exit code 0', () => {
  const { text = '', code } = readArguments(['--help']);
  expect([code, text.split('\n')[0]]).toEqual([
    0,
    'Usage: npm start -- [--keep] [--kubeconfig FILE] [--2018] [--verbose]',
  ]);
  expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
});
