// A user of one namespace writes many objects of the largest size that API servers accept. All others are served as before.
import { readFile } from 'node:fs/promises';
import { createLimit } from '@pod-identity/kit/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sendRaw } from '../clients/ask.ts';
import { addIdentity, bind, untilAssigned, untilReady } from '../objects.ts';
import { describeRealServers, type ServerUnderTest } from '../servers.ts';
import * as names from '../../stage/names.ts';
import { nodeSettings } from '../../stage/node-settings.ts';
import { pathOf, type KubeObject } from '../../stage/objects.ts';
import type { Service } from '../../stage/service.ts';
import { openStage, type Stage, type StageNmi, type StagePod } from '../../stage/stage.ts';

const identities = 500;
const pods = 200;
const namespace = 'hostile';
const patienceMs = 480_000;

/** A megabyte: as much of it in annotations as the API server allows, the rest in fields without a limit in the schema. */
function largeIdentity(n: number): KubeObject {
  const isPieces = n % 25 === 0;
  const annotations = isPieces
    ? Object.fromEntries(Array.from({ length: 2_000 }, (_, key) => [`note-${key}`, 'x'.repeat(60)]))
    : { note: 'x'.repeat(200_000) };
  const unknown = isPieces
    ? Array.from({ length: 5_000 }, () => ({ a: '"'.repeat(60) }))
    : 'x'.repeat(800_000);
  return {
    apiVersion: 'aadpodidentity.k8s.io/v1',
    kind: 'AzureIdentity',
    metadata: { name: `large-${n}`, namespace, annotations } as KubeObject['metadata'],
    spec: { type: 0, resourceID: names.identityId(`large-${n}`), unknown },
  };
}

function largePod(n: number): KubeObject {
  const env = [{ name: 'LARGE', value: 'x'.repeat(900_000) }];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `large-${n}`, namespace },
    spec: { nodeName: names.nodeName(0), containers: [{ name: 'app', image: 'local.test/app:1', env }] },
  };
}

/** The peak memory of the process. */
async function peakMiB({ pid, name, lines }: Service): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => {
    throw new Error(`${name} has ended; its last lines: ${lines.slice(-5).join('\n')}`);
  });
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

describeRealServers('500 identities of 1 MB and 200 pods of 0.9 MB, on $name', (choice) => {
  let server: ServerUnderTest;
  let stage: Stage;
  let mic: Service;
  let nmi: StageNmi;
  let known: StagePod;
  /** Responses to a pod of another namespace while the objects arrived. */
  const meanwhile = new Set<number>();

  const start = async () => {
    mic = await stage.startMic('a');
    nmi = await stage.startNmi(0);
  };
  const ask = async (pod: StagePod) => (await sendRaw({ pod, nmi })).status;
  /** Repeats requests with 503: MIC can be ahead of NMI, which has not received the new pod's objects yet. */
  const served = async (pod: StagePod) => {
    const endsAt = performance.now() + patienceMs;
    let status = await ask(pod);
    while (status !== 200 && performance.now() < endsAt) status = await ask(pod);
    return status;
  };
  const newcomer = async (name: string) => {
    await bind(stage, { name, ...addIdentity(stage, name) });
    const pod = await stage.runPod({ name, node: 0, label: name });
    await untilAssigned(stage.kube, [name], { withinMs: patienceMs / 2 });
    return pod;
  };
  const create = async (count: number, objectOf: (n: number) => KubeObject) => {
    const inTurn = createLimit(8);
    const creating = Array.from({ length: count }, (_, n) =>
      inTurn(async () => {
        const body = objectOf(n);
        const { apiVersion, kind } = body;
        const path = pathOf({ apiVersion, kind, namespace });
        await stage.kube.request({ method: 'POST', path, body });
        if (n % 50 === 0) meanwhile.add(await ask(known));
      }),
    );
    await Promise.all(creating);
  };
  const expectAlive = async () => {
    expect(await peakMiB(mic)).toBeLessThan((await nodeSettings('mic')).memoryMiB);
    expect(await peakMiB(nmi.service)).toBeLessThan((await nodeSettings('nmi')).memoryMiB);
  };

  beforeAll(async () => {
    server = await choice.start();
    stage = await openStage({ ...server.options, asDeployed: true });
    await stage.install();
    await stage.kube.request({
      method: 'POST',
      path: '/api/v1/namespaces',
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    });
    await start();
    known = await newcomer('known');
    await Promise.all([create(identities, largeIdentity), create(pods, largePod)]);
  }, patienceMs);
  afterAll(async () => {
    await stage.stop();
    await server.stop();
  }, patienceMs);

  test(
    'both programs have read them and continue',
    async () => {
      expect(await served(await newcomer('after'))).toBe(200);
      expect([...meanwhile]).toEqual([200]);
      expect(await ask(known)).toBe(200);
      await expectAlive();
    },
    patienceMs,
  );

  test(
    'a request from an address without a pod makes NMI list all pods of the node, without other effects',
    async () => {
      const stranger = { ...known, address: known.address.replace(/\d+$/, '250') };
      expect(await ask(stranger)).toBeGreaterThanOrEqual(400);
      expect(await ask(known)).toBe(200);
      await expectAlive();
    },
    patienceMs,
  );

  test(
    'both programs start again with all these objects, and serve all pods',
    async () => {
      await Promise.all([mic.stop(), nmi.service.stop()]);
      await start();
      // While a program starts, /readyz fails and its callers get 503.
      await Promise.all([mic, nmi.service].map((service) => untilReady(service, patienceMs)));
      expect(await ask(known)).toBe(200);
      expect(await served(await newcomer('latest'))).toBe(200);
      await expectAlive();
    },
    patienceMs,
  );
});
