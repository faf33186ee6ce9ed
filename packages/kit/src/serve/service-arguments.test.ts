import { expect, it } from 'vitest';
import { argumentsAfter, readServiceArguments } from './service-arguments.ts';

const line = (...words: string[]) => words.map((word) => `${word}\0`).join('');

it('the arguments of the service follow its file, as they are', () => {
  const words = ['/usr/bin/node', '--enable-source-maps', '/app/nmi.js', '--node=n 1', '', '--audit'];
  expect(argumentsAfter('/app/nmi.js', line(...words))).toEqual(['--node=n 1', '', '--audit']);
  expect(argumentsAfter('/app/nmi.js', line('/usr/bin/node', '/app/nmi.js'))).toEqual([]);
});

it.each([
  ['another program', line('/pause')],
  ['another file', line('/usr/bin/node', '/app/mic.js', '--identity-access=rbac')],
  ['a program of the same name', line('/app/nmi.js', '--identity-access=rbac')],
  ['nothing', ''],
])('%s as process 1 has no arguments for us', (_, commandLine) => {
  expect(argumentsAfter('/app/nmi.js', commandLine)).toBeUndefined();
});

it('process 1 of this machine is no service', () => {
  expect(readServiceArguments('/no/such/file.js')).toBeUndefined();
});
