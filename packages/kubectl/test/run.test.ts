import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import type { PlugInCommand } from '../src/cli/command.ts';
import { afterwards, kubeconfigFor, plugIn } from './fixture.ts';

async function silentServer(): Promise<{ readonly url: string; readonly connected: Promise<unknown> }> {
  const server = createServer((socket) => afterwards(() => socket.destroy()));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  afterwards(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, connected: once(server, 'connection') };
}

test('attack: a server that accepts connections and says nothing is named within ten seconds', async () => {
  const { url, connected } = await silentServer();
  const kubeconfig = await kubeconfigFor(url);
  const started = Promise.withResolvers<undefined>();
  const command: PlugInCommand = {
    name: 'ask',
    summary: 'reads',
    examples: [],
    run: async (session) => {
      const { kube, signal } = session;
      const reading = session.services();
      started.resolve(undefined);
      await reading;
      await kube.request({ method: 'GET', path: '/version', signal });
      return 0;
    },
  };
  const clock = createFakeClock();
  const running = plugIn(['ask', '--kubeconfig', kubeconfig], { commands: [command], clock });
  await started.promise;
  await connected;
  await clock.advance(10_000);
  const { code, err } = await running;
  expect(code).toBe(2);
  expect(err).toContain(url);
  expect(err.split('\n')).toHaveLength(1);
});

test.each([
  ['a server that refuses connections', 'http://127.0.0.1:1', /http:\/\/127\.0\.0\.1:1 cannot be reached/],
])('%s is named', async (_, server, expected) => {
  const { code, err } = await plugIn(['status', '--kubeconfig', await kubeconfigFor(server)]);
  expect(code).toBe(2);
  expect(err).toMatch(expected);
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
