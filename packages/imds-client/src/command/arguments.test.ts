import { describe, expect, test } from 'vitest';
import { version } from '../version.ts';
import { help, parseArguments } from './arguments.ts';

const resource = 'https://vault.azure.net';
const parse = (line: string) => parseArguments(line.split(' ').filter((word) => word !== ''));
const token = {
  request: { resource, identity: undefined },
  endpoint: undefined,
  timeoutMs: 60_000,
  isExplained: false,
};

describe('the arguments', () => {
  test.each<[string, object]>([
    [`token --resource ${resource}`, {}],
    [`token --resource=${resource}`, {}],
    [`token --resource=api://x?a=b`, { request: { resource: 'api://x?a=b', identity: undefined } }],
    [`token --resource ${resource} --client-id c`, { request: { resource, identity: { clientId: 'c' } } }],
    [`token --object-id o --resource ${resource}`, { request: { resource, identity: { objectId: 'o' } } }],
    [
      `token --resource ${resource} --resource-id /r`,
      { request: { resource, identity: { resourceId: '/r' } } },
    ],
    [`token --explain --resource ${resource}`, { isExplained: true }],
    [`token --resource ${resource} --endpoint http://h`, { endpoint: 'http://h' }],
    [`token --resource ${resource} --timeout 600`, { timeoutMs: 600_000 }],
  ])('%s', (line, expected) => {
    expect(parse(line)).toEqual({ ...token, ...expected });
  });

  const missing = 'the audience is given by --resource, such as --resource https://vault.azure.net';
  test.each<[string, string]>([
    ['get', 'the command is token, not "get"'],
    ['token', `--resource is missing: ${missing}`],
    ['token --resource=', 'resource must be a string of one word'],
    ['token --resource a --client-id=', 'identity.clientId must be a string of one word'],
    ['token a', `"a" is not expected: ${missing}`],
    [
      'token https://vault.azure.net/.default',
      `"https://vault.azure.net/.default" is not expected: ${missing}`,
    ],
    [
      'token --resource api://a/.default',
      'resource must be an audience, not a scope: leave out /.default, or use createImdsCredential',
    ],
    [
      'token --resource a --client-id c --object-id o',
      'identity must be named once, not by clientId and objectId',
    ],
    ...['0', '601', '1.5', '-1', '1e2', 'x'].map((seconds): [string, string] => [
      `token --resource a --timeout=${seconds}`,
      `--timeout must be a whole number of seconds from 1 to 600, not "${seconds}"`,
    ]),
  ])('%s: %s', (line, problem) => {
    expect(() => parse(line)).toThrow(new TypeError(problem));
  });

  // In the words of Node.js, which differ by its version.
  test.each([
    ['token --resource', '--resource'],
    ['token --resource --explain', '--resource'],
    ['token --resource --client-id c', '--resource'],
    ['token --resouce a', '--resouce'],
    ['token --scope https://vault.azure.net/.default', '--scope'],
    ['token --clientId c --resource a', '--clientId'],
    ['token --resource a --explain=true', '--explain'],
  ])('%s is refused with the name of %s', (line, name) => {
    const refused: unknown = expect.objectContaining({ message: expect.stringContaining(name) as unknown });
    expect(() => parse(line)).toThrow(TypeError);
    expect(() => parse(line)).toThrow(refused);
  });

  test.each(['', '--help', '-h', 'token --help', 'token --resource a -h'])('%j asks for help', (line) => {
    expect(parse(line)).toBe(help);
  });

  test('ask for the version', () => {
    expect(parse('--version')).toBe(`${version}\n`);
  });

  test('are all in the help', () => {
    for (const name of [
      'resource',
      'client-id',
      'object-id',
      'resource-id',
      'explain',
      'endpoint',
      'timeout',
    ])
      expect(help).toContain(`  --${name}`);
  });
});
