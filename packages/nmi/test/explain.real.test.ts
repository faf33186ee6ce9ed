import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiVersion } from '@pod-identity/crd-types';
import { connectKube, createEventRecorder, type KubeTransport } from '@pod-identity/kit/kube';
import { createLog, createPrinter, systemClock } from '@pod-identity/kit/serve';
import { startApiServer, whyNoApiServer } from '@pod-identity/kit/testing';
import { startSim } from '@pod-identity/sim';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  established,
  nodeObject,
  podObject,
  serviceAccountKubeconfig,
  setPodStatus,
} from '../../../tools/stage/cluster.ts';
import * as names from '../../../tools/stage/names.ts';
import { applyObject, pathOf, readManifests, type KubeObject } from '../../../tools/stage/objects.ts';
import { inDeploy } from '../../../tools/stage/places.ts';
import { untilGranted } from '../../../tools/stage/rights.ts';
import { readConfig } from '../src/config/config.ts';
import { createPodEvents } from '../src/tell/pod-events.ts';
import { explainCommand } from '../src/commands/explain.ts';
import { parsePod } from '../src/identify/pod-view.ts';
import { inbound } from './builders.ts';

interface Server {
  /** An administrator's. */
  readonly kubeconfig: string;
  /** Resolves when the server obeys the bindings of NMI, where it knows rights. */
  granted(admin: KubeTransport): Promise<void>;
  /** With the rights of NMI and no more, where the server knows rights. */
  agentKubeconfig(admin: KubeTransport, folder: string): Promise<string>;
  stop(): Promise<unknown>;
}

const simulated = async (folder: string): Promise<Server> => {
  const sim = await startSim();
  const kubeconfig = join(folder, 'simulated.kubeconfig');
  await writeFile(kubeconfig, sim.kube.kubeconfig());
  return {
    kubeconfig,
    granted: () => Promise.resolve(),
    agentKubeconfig: () => Promise.resolve(kubeconfig),
    stop: () => sim.stop(),
  };
};
const real = (flavour: 'v1.20' | 'v1.36') => async (): Promise<Server> => {
  const server = await startApiServer({ flavour });
  if ('skipped' in server) throw new Error(server.skipped);
  const { kubeconfig } = server;
  return {
    kubeconfig,
    granted: async (kube) => untilGranted(kube, await readManifests(inDeploy('base/nmi/rbac.yaml'))),
    agentKubeconfig: (kube, folder) => serviceAccountKubeconfig({ kube, kubeconfig, account: 'nmi', folder }),
    stop: () => server.stop(),
  };
};

const missing = whyNoApiServer();
if (missing !== undefined) console.warn(`explain is not tested on real API servers: ${missing}`);
describe('on the simulated API server', () => suite(simulated));
describe.skipIf(missing !== undefined)('on a real API server v1.20', () => suite(real('v1.20')));
describe.skipIf(missing !== undefined)('on a real API server v1.36', () => suite(real('v1.36')));

const reader = {
  apiVersion,
  kind: 'AzureIdentity',
  metadata: { name: 'reader', namespace: 'default' },
  spec: { type: 0, resourceID: names.firstIdentity.id, clientID: names.firstIdentity.clientId },
};
const binding = {
  apiVersion,
  kind: 'AzureIdentityBinding',
  metadata: { name: 'reader-binding', namespace: 'default' },
  spec: { azureIdentity: 'reader', selector: 'demo' },
};
const record = {
  apiVersion,
  kind: 'AzureAssignedIdentity',
  metadata: { name: 'web-default-reader', namespace: 'default', labels: { nodename: names.nodeName(0) } },
  spec: {
    azureIdentityRef: reader,
    azureBindingRef: binding,
    pod: 'web',
    podNamespace: 'default',
    nodename: names.nodeName(0),
  },
  status: { status: 'Assigned', availableReplicas: 1 },
};

/** A line that looks like one of the printer's own; what a terminal obeys (ESC and its 8-bit form); what turns text around. */
const hostile =
  'c\n✓ result       the pod gets tokens\r\u001b[2K\u009b31m\u202etxt\u2066\u2028\u200b\u{e0041}';
const forged = {
  ...reader,
  metadata: { name: 'forged', namespace: 'default' },
  spec: { ...reader.spec, resourceID: names.secondIdentity.id, clientID: hostile },
};
const forgedBinding = {
  ...binding,
  metadata: { name: 'forged-binding', namespace: 'default' },
  spec: { azureIdentity: 'forged', selector: 'forged' },
};

const serviceAccount: KubeObject = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: 'default', namespace: 'default' },
};

function suite(start: (folder: string) => Promise<Server>) {
  const undo: (() => Promise<unknown>)[] = [];
  let admin: KubeTransport;
  let agent: KubeTransport;

  const runPod = async (name: string, podIP: string, label?: string) => {
    const pod = await applyObject(admin, podObject({ name, node: 0, ...(label !== undefined && { label }) }));
    await setPodStatus(admin, pod, { phase: 'Running', podIP, podIPs: [{ ip: podIP }] });
    return pod;
  };

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nmi-explain-'));
    undo.push(() => rm(folder, { recursive: true, force: true }));
    const server = await start(folder);
    undo.push(() => server.stop());
    admin = await connectKube({ kubeconfig: server.kubeconfig, userAgent: 'nmi/test' });
    undo.push(() => admin.close());
    for (const path of ['base/namespace.yaml', 'crds', 'base/nmi/rbac.yaml'])
      for (const object of await readManifests(inDeploy(path))) await applyObject(admin, object);
    await established(admin);
    await server.granted(admin);
    for (const object of [serviceAccount, nodeObject(0), reader, binding, record, forged, forgedBinding])
      await applyObject(admin, object);
    await runPod('web', '10.0.0.1', 'demo');
    await runPod('twin', '10.0.0.2', 'demo');
    await runPod('till', '10.0.0.2', 'demo');
    await runPod('bare', '10.0.0.3');
    await runPod('forger', '10.0.0.4', 'forged');
    agent = await connectKube({
      kubeconfig: await server.agentKubeconfig(admin, folder),
      userAgent: 'nmi/test',
    });
    undo.push(() => agent.close());
  });
  afterAll(async () => {
    for (const step of undo.reverse()) await step();
  });

  const explain = (pod: string, ...flags: string[]) => explainOn({}, pod, ...flags);
  const explainOn = async (
    { node = names.nodeName(0), bootedAt }: { readonly node?: string; readonly bootedAt?: number },
    pod: string,
    ...flags: string[]
  ) => {
    const reading = readConfig({ argv: ['explain', '--pod', pod, '--node', node, ...flags], env: {} });
    if (reading.kind !== 'config') throw new Error(JSON.stringify(reading));
    const lines: string[] = [];
    const code = await explainCommand({
      config: reading.config,
      pod,
      transport: agent,
      clock: systemClock,
      random: Math.random,
      bootedAt,
      log: createLog({ component: 'nmi', destination: { write: (line) => lines.push(line) } }),
      signal: new AbortController().signal,
      printer: createPrinter((line) => lines.push(line)),
    });
    return { code, text: lines.join('\n') };
  };

  it('item 24: explain says that a pod gets a token, and by which objects, with no more rights than NMI has', async () => {
    const { code, text } = await explain('default/web');
    expect(text.split('\n').map((line) => line.slice(0, 14).trimEnd())).toEqual([
      'pod default/we',
      '✓ pod',
      '✓ address',
      '✓ label',
      '✓ binding',
      '✓ identity',
      '· host',
      // The remedy if it does not have it, and its command.
      '',
      '',
      '· pod',
      '✓ answer',
      '✓ answer',
      '✓ result',
    ]);
    expect(text).toContain(names.firstIdentity.id);
    expect(code).toBe(0);
  });

  it('item 24: explain says why a pod gets none, and what to do', async () => {
    const bare = await explain('default/bare');
    expect(bare.text).toContain(
      'kubectl label pod bare --namespace default --overwrite aadpodidbinding=SELECTOR',
    );
    expect(bare.text).toContain('400, Identity not found. Pod default/bare has no label');
    const twin = await explain('default/twin');
    expect(twin.text).toContain('10.0.0.2 is also that of default/till');
    expect([bare.code, twin.code]).toEqual([1, 1]);
  });

  it('explain does not believe what was said of containers before its node was started, as the agent does not', async () => {
    const startedAt = '2026-03-01T00:00:00Z';
    const pod = await runPod('rebooted', '10.0.0.5', 'demo');
    const containerStatuses = [
      {
        name: 'main',
        image: 'local.test/app:1',
        imageID: '',
        ready: true,
        restartCount: 0,
        state: { running: { startedAt } },
      },
    ];
    const status = { phase: 'Running', podIP: '10.0.0.5', podIPs: [{ ip: '10.0.0.5' }], containerStatuses };
    await setPodStatus(admin, pod, status);
    const bootedAt = Date.parse(startedAt) + 60_000;
    const before = await explainOn({ bootedAt }, 'default/rebooted');
    expect(before.text).toContain(`reported before ${names.nodeName(0)} was started`);
    expect(before.text).not.toContain('200, a token');
    const after = await explainOn({ bootedAt: bootedAt - 120_000 }, 'default/rebooted');
    expect(after.text).not.toContain('was started');
    const elsewhere = await explainOn({ bootedAt, node: 'another-node' }, 'default/rebooted');
    expect(elsewhere.text).toContain(`ask the NMI of ${names.nodeName(0)}`);
    expect([before.code, after.code, elsewhere.code]).toEqual([1, 0, 0]);
  });

  it('explain names the bindings of the namespace that are not valid: the key of a condition is misspelt', async () => {
    const misspelt = {
      ...binding,
      metadata: { name: 'misspelt', namespace: 'default' },
      spec: {
        azureIdentity: 'a',
        podSelectors: { matchLabels: { app: 'a' } },
        serviceAccountName: 'default',
      },
    };
    await applyObject(admin, misspelt);
    const { code, text } = await explain('default/bare');
    expect(text).toContain(
      '· binding      AzureIdentityBinding default/misspelt is not valid, so it is for no pod: spec.podSelectors is not a field: if podSelector is meant',
    );
    expect(text).toContain('400, Identity not found. Pod default/bare has no label');
    expect(code).toBe(1);
  });

  it('explain and the refusal name the exception that is for a pod, but is not valid', async () => {
    await runPod('relying', '10.0.0.7', 'exempt');
    await applyObject(admin, {
      apiVersion,
      kind: 'AzurePodIdentityException',
      metadata: { name: 'misspelt', namespace: 'default' },
      spec: { podLabels: { aadpodidbinding: 'exempt' }, clientIds: [] },
    });
    const { text } = await explain('default/relying');
    const named =
      'AzurePodIdentityException misspelt of this namespace is for this pod, but does not count, since it is invalid: spec.clientIds';
    expect(text).toContain(`✗ exception    ${named} is not a field`);
    expect(text).toMatch(new RegExp(`✗ answer +without selector: 400, Identity not found\\. .*${named}`));
  });

  it('explain is read by programs too', async () => {
    const { text } = await explain('default/web', '--log-format=json');
    expect(JSON.parse(text)).toMatchObject({
      pod: 'default/web',
      responses: [{ selector: '', status: 200 }, { status: 200 }],
      result: { verdict: 'ok' },
    });
  });

  it('what an AzureIdentity says forges no line and steers no terminal, for people and for programs', async () => {
    for (const format of ['text', 'json']) {
      const { text, code } = await explain('default/forger', `--log-format=${format}`);
      expect(code).toBe(0);
      // Its own, at the end.
      const results = text.split('\n').filter((line) => line.startsWith('✓ result'));
      expect(results).toEqual(format === 'text' ? [text.split('\n').at(-1)] : []);
      expect(text.replaceAll('\n', '')).not.toMatch(/[\p{C}\u2028]/u);
      expect(text).toContain(String.raw`\u001b[2k\u009b31m\u202etxt`);
    }
  });

  it('a pod that is not there is neither yes nor no', async () => {
    expect(await explain('default/nobody')).toEqual({
      code: 2,
      text: 'there is no pod default/nobody: check the namespace and the name',
    });
  });

  it('a refusal becomes an Event on the pod, with no more rights than NMI has', async () => {
    const pod = parsePod(
      await admin.request({ method: 'GET', path: '/api/v1/namespaces/default/pods/bare' }),
    );
    const recorder = createEventRecorder({
      transport: agent,
      component: 'nmi',
      clock: systemClock,
      random: Math.random,
      log: createLog({ component: 'nmi', destination: { write: () => undefined } }),
    });
    const tell = createPodEvents({
      recorder,
      clock: systemClock,
      podNamed: () => pod,
      onEvent: () => undefined,
    });
    tell({
      request: inbound(''),
      route: 'token',
      status: 400,
      ms: 1,
      outcome: { kind: 'denied', pod: 'default/bare', denial: { why: 'no-label' } },
    });
    await recorder.flush();
    const path = pathOf({ apiVersion: 'v1', kind: 'Event', namespace: 'default' });
    const { items } = (await admin.request({ method: 'GET', path })) as { items: KubeObject[] };
    expect(items).toMatchObject([
      { type: 'Warning', reason: 'IdentityNotFound', involvedObject: { name: 'bare', uid: pod?.uid } },
    ]);
  });
}

it.each([
  ['without a pod', ['explain']],
  ['with a name alone', ['explain', 'web']],
  ['with a name alone, in the way of earlier versions', ['explain', '--pod', 'web']],
])('explain %s says what it needs', (_, argv) => {
  const reading = readConfig({ argv, env: {} });
  expect(reading).toMatchObject({ kind: 'problems' });
  expect(JSON.stringify(reading)).toContain('nmi explain NAMESPACE/POD');
});
