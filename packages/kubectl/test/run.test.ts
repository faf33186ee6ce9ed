import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { constants } from 'node:os';
import { join } from 'node:path';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import type { PlugInCommand } from '../src/cli/command.ts';
import { fromSources } from '../../../tools/stage/places.ts';
import { afterwards, kubeconfigFor, plugIn } from './fixture.ts';

/** Of the requests to it the first ones are answered, the others never. */
async function silentServer(answered: number) {
  let requests = 0;
  const silent = Promise.withResolvers<undefined>();
  const server = createServer((_, response) => {
    requests += 1;
    if (requests <= answered) response.end('{}');
    else silent.resolve(undefined);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  afterwards(() => server.closeAllConnections());
  afterwards(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, silent: silent.promise };
}

const ask: PlugInCommand = {
  name: 'ask',
  summary: 'reads twice',
  examples: [],
  run: async ({ kube, signal }) => {
    await kube.request({ method: 'GET', path: '/version', signal });
    await kube.request({ method: 'GET', path: '/version', signal });
    return 0;
  },
};

test.each([
  { what: 'never anything, within ten seconds', answered: 0, words: [], ms: 9_000 },
  {
    what: 'never anything, after --request-timeout',
    answered: 0,
    words: ['--request-timeout=3s'],
    ms: 3_000,
  },
  { what: 'nothing any more, later', answered: 1, words: [], ms: 30_000 },
  {
    what: 'nothing any more, after --request-timeout',
    answered: 1,
    words: ['--request-timeout=12'],
    ms: 12_000,
  },
])('attack: a server that says $what, is named', async ({ answered, words, ms }) => {
  const { url, silent } = await silentServer(answered);
  const clock = createFakeClock();
  const call = ['ask', ...words, '--kubeconfig', await kubeconfigFor(url)];
  let isOver = false;
  const running = plugIn(call, { commands: [ask], clock }).finally(() => void (isOver = true));
  await silent;
  await clock.advance(ms - 1);
  expect(isOver).toBe(false);
  await clock.advance(1);
  const { code, err } = await running;
  expect(code).toBe(2);
  expect(err).toContain(url);
  expect(err.split('\n')).toHaveLength(1);
});

test('a server that refuses connections is named', async () => {
  const { code, err } = await plugIn(['status', '--kubeconfig', await kubeconfigFor('http://127.0.0.1:1')]);
  expect([code, err]).toEqual([2, expect.stringContaining('http://127.0.0.1:1 cannot be reached')]);
});

test.each([
  [['nothing'], /unknown command|too many arguments/],
  [['status', '--output', 'xml'], /Allowed choices are wide, json, yaml/],
  [['status', '--kubeconfig', '/nonexistent'], /cannot read the kubeconfig \/nonexistent/],
  [['status', '--request-timeout', 'soon'], /--request-timeout must be/],
  [['logs'], /missing required argument 'pod'/],
])('%j is refused in a line, with exit code 2', async (argv, expected) => {
  const { code, err } = await plugIn(argv);
  expect(code).toBe(2);
  expect(err).toMatch(expected);
  expect(err).not.toMatch(/^ +at /m);
});

test('--help says what there is, and what exit codes mean', async () => {
  const { code, out } = await plugIn(['--help']);
  expect(code).toBe(0);
  expect(out).toMatch(/^ {2}status \[options\] /m);
  expect(out).toMatch(/Exit codes:/);
});

test('a reader that goes, such as head, ends the plug-in without a message, as it ends kubectl', async () => {
  const main = join(import.meta.dirname, '../src/main.ts');
  const child = spawn(process.execPath, [...fromSources, main, '--help'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.destroy();
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => (err += part));
  const closed = once(child, 'close');
  expect([await closed, err]).toEqual([[128 + constants.signals.SIGPIPE, null], '']);
});
