// `nmi canary` as a process, before real listeners.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { fromSources } from '../../../tools/stage/places.ts';
import { startStage, type Stage } from './harness.ts';

const main = join(import.meta.dirname, '..', 'src', 'main.ts');
const closers: (() => unknown)[] = [];
afterEach(() => Promise.all(closers.splice(0).map((close) => close())));

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.stop());

/** What the canary logs first about the metadata address, and its readiness then. */
const runCanary = async (node: string, metadata: { readonly host: string; readonly port: number }) => {
  const at = ['--metadata-ip', metadata.host, '--metadata-port', `${metadata.port}`];
  const probe = ['--http-probe-address=127.0.0.1', '--http-probe-port=0'];
  const child = spawn(process.execPath, [...fromSources, main, 'canary', '--node', node, ...at, ...probe], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  closers.push(async () => {
    if (child.exitCode !== null) return;
    child.kill();
    await once(child, 'close');
  });
  const told: { port?: string | undefined; verdict?: string } = {};
  for await (const line of createInterface({ input: child.stdout })) {
    told.port ??= /admin server listening.* port=(\d+)/.exec(line)?.[1];
    if (/reason=|answers calls of pods/.test(line)) told.verdict ??= line;
    if (told.port !== undefined && told.verdict !== undefined) break;
  }
  const answer = await fetch(`http://127.0.0.1:${told.port ?? ''}/readyz`);
  return { status: answer.status, body: await answer.text(), verdict: told.verdict };
};
const nodeName = () => stage.cluster.nodes[0]?.name ?? '';

it('is ready while NMI of its node answers, without an identity, and asks for no token', async () => {
  const nmi = await stage.nmi();
  const told = await runCanary(nodeName(), { host: '127.0.0.1', port: nmi.port });
  expect(told).toMatchObject({ status: 200, body: 'ready\n' });
  expect(await nmi.metricsText()).toMatch(/nmi_outcomes_total\{outcome="canary"\} [1-9]/);
  expect(nmi.audit).toEqual([]);
  expect(stage.imdsCalls()).toBe(0);
});

it('is not ready when NMI of another node answers', async () => {
  const nmi = await stage.nmi();
  const told = await runCanary('elsewhere', { host: '127.0.0.1', port: nmi.port });
  expect(told).toMatchObject({ status: 503, body: expect.stringMatching(/^other-node: /) as string });
  expect(told.body).toContain(`'${nodeName()}'`);
});

it('is not ready when the metadata service of the machine answers, and gets no token of it', async () => {
  const [node] = stage.cluster.nodes;
  const { hostname: host, port } = new URL(stage.sim.azure.imdsUrl(node?.machine ?? ''));
  const told = await runCanary(nodeName(), { host, port: Number(port) });
  expect(told).toMatchObject({ status: 503, body: expect.stringMatching(/^other-server: /) as string });
  expect(stage.imdsCalls()).toBe(0);
});

it('is not ready when calls are refused', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  const told = await runCanary(nodeName(), { host: '127.0.0.1', port });
  expect(told).toMatchObject({ status: 503, body: expect.stringMatching(/^refused: /) as string });
  expect(told.verdict).toContain('reason=refused');
});
