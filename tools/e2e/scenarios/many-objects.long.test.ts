// Users of several namespaces fill their shares of NMI's memory with the objects that take most of its heap. NMI has the heap of its
// manifest, starts again as often as it likes, and serves all others as before.
import { defaultIdentityAnnotation } from '@pod-identity/crd-types';
import { createLimit } from '@pod-identity/kit/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sendRaw } from '../clients/ask.ts';
import { addIdentity, bind, untilAssigned, untilReady } from '../objects.ts';
import * as names from '../../stage/names.ts';
import { pathOf, type KubeObject } from '../../stage/objects.ts';
import { openStage, type Stage, type StageNmi, type StagePod } from '../../stage/stage.ts';
import { within } from '../../stage/within.ts';

const patienceMs = 480_000;
const namespaces = ['hostile-0', 'hostile-1', 'hostile-2', 'hostile-3'];
const apiVersion = 'aadpodidentity.k8s.io/v1';
const many = <T>(count: number, of: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => of(at));

/** In number and shape those that once ended every NMI of a cluster five seconds after its start. */
function objectsOf(namespace: string): KubeObject[] {
  const named = (kind: string, name: string, spec: object): KubeObject => ({
    apiVersion,
    kind,
    metadata: { name, namespace },
    spec,
  });
  const expressions = (at: number) =>
    many(8, (key) => ({ key: `k${at}-${key}`, operator: 'NotIn', values: many(16, String) }));
  return [
    ...many(3_637, (at) =>
      named('AzureIdentity', `id-${at}`, { type: 0, resourceID: names.identityId(`id-${at}`) }),
    ),
    ...many(1_552, (at) =>
      named('AzureIdentityBinding', `binding-${at}`, {
        azureIdentity: `id-${at}`,
        podSelector: { matchExpressions: expressions(at) },
      }),
    ),
    ...many(1_679, (at) =>
      named('AzurePodIdentityException', `exception-${at}`, {
        podLabels: Object.fromEntries(many(70, (key) => [`k${at}-${key}`, ''])),
      }),
    ),
  ];
}

let stage: Stage;
let nmi: StageNmi;
let known: StagePod;

beforeAll(async () => {
  stage = await openStage({ asDeployed: true });
  await stage.install();
  await stage.startMic('a');
  nmi = await stage.startNmi(0);
  await bind(stage, { name: 'known', ...addIdentity(stage, 'known') });
  known = await stage.runPod({ name: 'known', node: 0, label: 'known' });
  await untilAssigned(stage.kube, ['known']);
  const inTurn = createLimit(16);
  for (const namespace of namespaces) {
    await stage.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await Promise.all(objectsOf(namespace).map((object) => inTurn(() => stage.create(object))));
    await stage.runPod({ name: 'web', namespace, node: 0, label: 'any' });
  }
}, patienceMs);
afterAll(async () => stage.stop(), patienceMs);

/** Changes every object of the hostile namespaces while NMI doesn't run, and makes it list all of them again. */
async function changeAllUnseen() {
  process.kill(nmi.service.pid, 'SIGSTOP');
  const inTurn = createLimit(16);
  const body = { metadata: { annotations: { [defaultIdentityAnnotation]: 'true' } } };
  const change = (object: KubeObject) =>
    stage.kube.request({
      method: 'PATCH',
      path: pathOf({ ...object, namespace: object.metadata.namespace ?? '', name: object.metadata.name }),
      body,
      contentType: 'application/merge-patch+json',
    });
  await Promise.all(namespaces.flatMap(objectsOf).map((object) => inTurn(() => change(object))));
  stage.sim.kube.compact();
  stage.sim.kube.dropWatches();
  process.kill(nmi.service.pid, 'SIGCONT');
}

const ask = async (pod: StagePod) => (await sendRaw({ pod, nmi })).status;

test(
  'a pod of another namespace gets its token, and one of a further namespace too that comes to the node',
  async () => {
    expect(await ask(known)).toBe(200);
    await bind(stage, { name: 'late', ...addIdentity(stage, 'late') });
    const late = await stage.runPod({ name: 'late', node: 0, label: 'late' });
    await untilAssigned(stage.kube, ['late']);
    expect(await ask(late)).toBe(200);
  },
  patienceMs,
);

test(
  'NMI starts again with all these objects, and serves the pod',
  async () => {
    await nmi.service.stop();
    nmi = await stage.startNmi(0);
    await untilReady(nmi.service, patienceMs);
    expect(await ask(known)).toBe(200);
    expect(nmi.service.lines.some((line) => line.includes('a namespace has more objects than count'))).toBe(
      true,
    );
  },
  patienceMs,
);

test(
  'NMI lists all of them again after they have changed, and serves the pod',
  async () => {
    const listed = stage.sim.kube.journal.next({
      method: 'GET',
      path: /azurepodidentityexceptions$/,
      query: /^(?!.*watch=)/,
      since: stage.sim.kube.journal.mark(),
    });
    await changeAllUnseen();
    await within(patienceMs, 'NMI to list the exceptions again', listed);
    await untilReady(nmi.service, patienceMs);
    expect(await ask(known)).toBe(200);
  },
  patienceMs,
);
