// What an editor of one namespace writes may be larger than anything that is meant: it is not valid, and the owner is told.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connectKube } from '@pod-identity/kit/kube';
import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, expect, test } from 'vitest';
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuthorizeRules } from '../src/authorize/types.ts';
import { authorize } from './builders.ts';
import { createClusterInformers } from '../src/authorize/cluster-view.ts';
import { createPodInformer } from '../src/identify/pod-directory.ts';
import { explainDenial } from '../src/respond/refusal-texts.ts';
import { explainPod } from '../src/explain/explain.ts';
import type { PodView } from '../src/identify/pod-view.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const log = createLog({ component: 'test', format: 'json', level: 'error' });

/** Lists by the end of their path; watches say nothing. */
async function serve(lists: Readonly<Record<string, readonly object[]>>) {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://server');
    response.writeHead(200, { 'content-type': 'application/json' });
    const items = lists[pathname.split('/').at(-1) ?? ''] ?? [];
    if (searchParams.has('watch')) response.flushHeaders();
    else response.end(JSON.stringify({ metadata: { resourceVersion: '1' }, items }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const folder = mkdtempSync(join(tmpdir(), 'pod-identity-nmi-'));
  const kubeconfig = join(folder, 'kubeconfig');
  const { port } = server.address() as AddressInfo;
  const clusters = [{ name: 'k', cluster: { server: `http://127.0.0.1:${port}` } }];
  const contexts = [{ name: 'c', context: { cluster: 'k', user: 'u' } }];
  const users = [{ name: 'u', user: {} }];
  writeFileSync(kubeconfig, JSON.stringify({ 'current-context': 'c', clusters, contexts, users }));
  const transport = await connectKube({ kubeconfig, userAgent: 'test' });
  const over = new AbortController();
  cleanups.push(
    () => rmSync(folder, { recursive: true }),
    () => new Promise((resolve) => server.close(resolve)),
    () => server.closeAllConnections(),
    () => transport.close(),
    () => over.abort(),
  );
  return { transport, signal: over.signal };
}

const common = { node: 'node-1', clock: createFakeClock(), random: () => 0, log };
const rules: AuthorizeRules = {
  mode: 'managed',
  forceNamespaced: true,
  authorities: new Set<string>(),
  identityAccess: 'namespace',
  exceptionNamespaces: new Set(),
};
const resourceID =
  '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i';
const podObject = (name: string, metadata: object = {}) => ({
  metadata: { name, namespace: 'shop', uid: name, labels: { aadpodidbinding: 'demo' }, ...metadata },
  spec: { nodeName: 'node-1', containers: [{ name: 'c', env: [{ name: 'E', value: 'x'.repeat(900_000) }] }] },
  status: { phase: 'Running', podIP: '10.0.0.1' },
});

async function viewOf(lists: Parameters<typeof serve>[0]) {
  const { transport, signal } = await serve(lists);
  const { view, informers } = createClusterInformers({
    ...common,
    transport,
  });
  for (const informer of informers) void informer.run(signal);
  await Promise.all(informers.map(({ synced }) => synced));
  return view;
}

async function podsOf(...items: readonly object[]) {
  const { transport, signal } = await serve({ pods: items });
  const pods = createPodInformer({
    ...common,
    transport,
    lastResponseMs: () => Infinity,
    onFailed: () => undefined,
  });
  void pods.informer.run(signal);
  await pods.informer.synced;
  return pods;
}

const binding = (spec: object, metadata: object = {}) => ({
  metadata: { name: 'b', namespace: 'shop', ...metadata },
  spec: { azureIdentity: 'i', selector: 'demo', ...spec },
});
const identity = (spec: object, metadata: object = {}) => ({
  metadata: { name: 'i', namespace: 'shop', ...metadata },
  spec: { type: 0, resourceID, ...spec },
});
const pod: PodView = {
  uid: 'u',
  key: 'shop/web',
  namespace: 'shop',
  name: 'web',
  nodeName: 'node-1',
  phase: 'Running',
  addresses: ['10.0.0.1'],
  isEnding: false,
  labels: { aadpodidbinding: 'demo' },
  serviceAccount: 'sa',
};
const ask = { pod, selector: { by: 'nothing' } } as const;

test('attack: large annotations and unknown fields change nothing, and nothing of them is kept', async () => {
  const junk = 'x'.repeat(1_000_000);
  const view = await viewOf({
    azureidentities: [identity({ unknown: [junk] }, { annotations: { junk }, managedFields: [{ junk }] })],
    azureidentitybindings: [binding({}, { annotations: { junk } })],
  });
  expect(authorize(ask, view, rules).kind).toBe('allow');
  expect(JSON.stringify(view.identityOf('shop', 'i'))).not.toContain('xxx');
});

test('an identity whose own field is too large is not used, and its pod is told which field', async () => {
  const view = await viewOf({
    azureidentities: [identity({ clientID: 'x'.repeat(2_000) })],
    azureidentitybindings: [binding({})],
  });
  expect(authorize(ask, view, rules)).toEqual({
    kind: 'deny',
    denial: {
      why: 'identity-invalid',
      identity: 'shop/i',
      binding: 'shop/b',
      fault: 'spec.clientID has more than 1024 characters: shorten it',
    },
  });
});

test('an exception with too many client ids frees nothing, above all not every identity of the node', async () => {
  const clientIDs = Array.from(
    { length: 1_000 },
    (_, n) => `00000000-0000-0000-0000-${n.toString().padStart(12, '0')}`,
  );
  const view = await viewOf({
    azurepodidentityexceptions: [
      {
        metadata: { name: 'e', namespace: 'shop' },
        spec: { podLabels: { aadpodidbinding: 'demo' }, clientIDs },
      },
    ],
  });
  expect(authorize(ask, view, rules)).toMatchObject({ kind: 'deny', denial: { why: 'no-binding' } });
});

const unknownKeys = Object.fromEntries(Array.from({ length: 1_001 }, (_, n) => [`a${n}`, 1]));

test('attack: an exception whose misspelt clientID comes after a thousand unknown keys frees nothing, above all not every identity of the node', async () => {
  const spec = { podLabels: { aadpodidbinding: 'demo' }, ...unknownKeys, clientID: [] };
  const view = await viewOf({
    azurepodidentityexceptions: [{ metadata: { name: 'e', namespace: 'shop' }, spec }],
  });
  const fault = expect.stringMatching(/^spec has more than 1000 keys, /);
  expect(authorize(ask, view, rules)).toMatchObject({
    kind: 'deny',
    denial: { why: 'no-binding', invalidException: { namespace: 'shop', name: 'e', fault } },
  });
});

test('attack: an identity whose misspelt allowedNamespace comes after a thousand unknown keys is not used, and its pod is told why', async () => {
  const view = await viewOf({
    azureidentities: [identity({ ...unknownKeys, allowedNamespace: { names: ['pay'] } })],
    azureidentitybindings: [binding({})],
  });
  expect(authorize(ask, view, rules)).toMatchObject({
    denial: {
      why: 'identity-invalid',
      identity: 'shop/i',
      fault: expect.stringMatching(/^spec has more than 1000 keys, /),
    },
  });
});

test('attack: a binding whose misspelt podSelectors comes after eight keys like selector selects nothing', async () => {
  const likeSelector = Object.fromEntries(Array.from('abcdefgh', (letter) => [`selector${letter}`, 'x']));
  const view = await viewOf({
    azureidentities: [identity({})],
    azureidentitybindings: [binding({ ...likeSelector, podSelectors: { matchLabels: { app: 'other' } } })],
  });
  expect(authorize(ask, view, rules)).toMatchObject({ kind: 'deny', denial: { why: 'no-binding' } });
});

test('attack: of a pod of 0.9 MB little is kept, also when it is asked for live', async () => {
  const pods = await podsOf(podObject('web'));
  const [known] = pods.filedUnder('10.0.0.1');
  expect(known).toMatchObject({ key: 'shop/web', labels: { aadpodidbinding: 'demo' } });
  const found = await pods.readAll();
  expect(found).toEqual([known]);
});

test('a Namespace whose labels are too large accepts no identity of another one, and its pods are told why', async () => {
  const accepting = { 'identities-from.aadpodidentity.k8s.io/shop': 'true' };
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`label-${n}`, 'v'.repeat(63)]));
  const decide = async (labels: object) => {
    const view = await viewOf({
      namespaces: [{ metadata: { name: 'pay', uid: 'pay', labels } }],
      azureidentities: [identity({ allowedNamespaces: { names: ['pay'] } })],
      azureidentitybindings: [binding({})],
    });
    const guest = { ...pod, key: 'pay/web', namespace: 'pay' };
    return authorize({ ...ask, pod: guest }, view, { ...rules, identityAccess: 'rbac' });
  };
  expect(await decide(accepting)).toMatchObject({ kind: 'allow' });
  const refused = await decide({ ...accepting, ...many });
  expect(refused).toMatchObject({ kind: 'deny', denial: { why: 'other-namespace' } });
  const text = 'denial' in refused ? explainDenial('pay/web', refused.denial) : '';
  expect(text).toContain('its labels have more than 2048 characters; remove some of its labels');
});

test('attack: a pod whose labels are too large keeps its address, gets no token, and is told why', async () => {
  const labels = Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`label-${n}`, 'value']));
  const pods = await podsOf(podObject('web', { labels: { ...labels, aadpodidbinding: 'demo' } }));
  const [known] = pods.filedUnder('10.0.0.1');
  if (!known) throw new Error('the pod must be known by its address');
  const view = await viewOf({ azureidentities: [identity({})], azureidentitybindings: [binding({})] });
  const fault = 'metadata.labels has more than 16384 characters';
  expect(authorize({ ...ask, pod: known }, view, rules)).toEqual({
    kind: 'deny',
    denial: { why: 'pod-too-large', fault },
  });
  const { findings } = explainPod({
    pod: known,
    neighbours: [known],
    view,
    rules,
    reviewed: new Map(),
    holdMs: 0,
    bindingGraceMs: 0,
    now: 0,
    notAssignedStatus: 503,
    attached: () => [],
  });
  expect(findings.map(({ text }) => text).join()).toContain(fault);
});

const at = (second: number) => ({ startedAt: `2026-03-01T00:00:${second.toString().padStart(2, '0')}Z` });

test('a pod with many labels, addresses and containers is read whole, as far as they are meant', async () => {
  const labels = Object.fromEntries(Array.from({ length: 150 }, (_, n) => [`label-${n}`, 'v'.repeat(63)]));
  const podIPs = ['10.0.0.1', ...Array.from({ length: 60 }, (_, n) => `fd00::${n + 1}`)].map((ip) => ({
    ip,
  }));
  const containerStatuses = Array.from({ length: 40 }, (_, n) => ({
    name: `container-${n}`,
    image: 'i'.repeat(400),
    state: { running: at(n) },
  }));
  const object = podObject('web', { labels });
  const pods = await podsOf({ ...object, status: { ...object.status, podIPs, containerStatuses } });
  const [known] = pods.filedUnder('fd00::60');
  expect(known?.tooLarge).toBeUndefined();
  expect(known).toMatchObject({ labels, startedAt: Date.parse(at(39).startedAt) });
});
