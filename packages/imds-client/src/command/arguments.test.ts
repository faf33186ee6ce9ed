import { describe, expect, test } from 'vitest';
import { help, parseArguments } from './arguments.ts';

const resource = 'https://vault.azure.net';
const parse = (line: string) => parseArguments(line.split(' ').filter((word) => word !== ''));
const token = {
  kind: 'token',
  resource,
  identity: undefined,
  endpoint: undefined,
  timeoutMs: 60_000,
  isExplained: false,
};

describe('the arguments', () => {
  test.each<[string, object]>([
    [`token --resource ${resource}`, {}],
    [`token --resource=${resource}`, {}],
    [`token --resource=api://x?a=b`, { resource: 'api://x?a=b' }],
    [`token --resource ${resource} --client-id c`, { identity: { clientId: 'c' } }],
    [`token --object-id o --resource ${resource}`, { identity: { objectId: 'o' } }],
    [`token --resource ${resource} --resource-id /r`, { identity: { resourceId: '/r' } }],
    [`token --explain --resource ${resource}`, { isExplained: true }],
    [`token --resource ${resource} --endpoint http://h`, { endpoint: 'http://h' }],
    [`token --resource ${resource} --timeout 600`, { timeoutMs: 600_000 }],
  ])('%s', (line, expected) => {
    expect(parse(line)).toEqual({ ...token, ...expected });
  });

  test.each<[string, string]>([
    ['get', 'the command is token, not "get"'],
    ['token', '--resource is missing, such as --resource https://vault.azure.net'],
    ['token --resource', '--resource must have a value'],
    ['token --resource=', '--resource must have a value'],
    ['token --resource --explain', '--resource must have a value'],
    ['token --resource --client-id c', '--resource must have a value'],
    ['token --resource a --resource b', '--resource must be given once'],
    ['token --resouce a', 'there is no option "--resouce"'],
    [
      'token a',
      'no option is before "a": the audience is given by --resource, such as --resource https://vault.azure.net',
    ],
    [
      'token https://vault.azure.net/.default',
      'no option is before "https://vault.azure.net/.default": the audience is given by --resource, such as --resource https://vault.azure.net',
    ],
    ...['--scope', '--scopes', '--scope=x', '--Audience'].map((word): [string, string] => [
      `token ${word} https://vault.azure.net/.default`,
      `there is no option "${word}": the audience is given by --resource, such as --resource https://vault.azure.net`,
    ]),
    ...['--explain=true', '--explain=false', '--explain='].map((word): [string, string] => [
      `token --resource a ${word}`,
      '--explain has no value: give --explain alone, or leave it out',
    ]),
    ['token --clientId c --resource a', 'there is no option "--clientId": it is --client-id'],
    ['token --RESOURCE=a', 'there is no option "--RESOURCE=a": it is --resource'],
    ...['/.default', '/.DEFAULT', '/.default/'].map((end): [string, string] => [
      // With a slash of its own: that belongs to the audience.
      `token --resource api://a/${end}`,
      `--resource must be an audience, not a scope: leave out "${end}"`,
    ]),
    ['token --\u202e\u009b2J', 'there is no option "--\\u202e\\u009b2J"'],
    [
      'token --resource a --client-id c --object-id o',
      'the identity must be named once: by --client-id, --object-id or --resource-id',
    ],
    ...['0', '601', '1.5', '-1', '1e2', 'x'].map((seconds): [string, string] => [
      `token --resource a --timeout=${seconds}`,
      `--timeout must be a whole number of seconds from 1 to 600, not "${seconds}"`,
    ]),
  ])('%s: %s', (line, problem) => {
    expect(parse(line)).toEqual({ kind: 'problem', problem });
  });

  test.each(['', '--help', '-h', 'token --help', 'token --resource a -h'])('%j asks for help', (line) => {
    expect(parse(line)).toEqual({ kind: 'help' });
  });

  test('ask for the version', () => {
    expect(parse('--version')).toEqual({ kind: 'version' });
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

  test('are not repeated at any length', () => {
    for (const word of [
      `--${'x'.repeat(9999)}`,
      'x'.repeat(9999),
      `--resource a/.default${'/'.repeat(9999)}`,
    ])
      expect(JSON.stringify(parse(`token ${word}`)).length).toBeLessThan(300);
  });
});
