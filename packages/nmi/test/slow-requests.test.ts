// Requests to the API server that namespaces cause and that get no response: reviews (a slow authorizer) and Secrets (slow encryption at
// rest). The clock stands still, so none of them times out: whoever needs one of their connections waits without end.
import { setImmediate } from 'node:timers/promises';
import { accessAnnotation, apiVersion } from '@pod-identity/crd-types';
import { createFakeClock, type FakeClock } from '@pod-identity/kit/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { addressOf, assignedPod, startStage, vaultResource, type Nmi, type Stage } from './harness.ts';

let stage: Stage;
let clock: FakeClock;
beforeEach(async () => {
  stage = await startStage();
  clock = createFakeClock(Date.now());
});
afterEach(async () => {
  const state = { isOver: false };
  const over = stage.stop().finally(() => (state.isOver = true));
  while (!state.isOver) {
    await clock.advance(1_000);
    await setImmediate();
  }
  await over;
});

const patience = { deadline: Infinity, caller: { gone: new AbortController().signal } };
const identitiesOfNamespace = 16;
const clientIdOf = (of: string, at: number) => `00000000-0000-4000-8000-${of}0000000000${at + 10}`;

const principal = (_: string, of: object) => ({ type: 1, tenantID: clientIdOf('f', 0), ...of });
const managed = (name: string, of: object) => ({
  type: 0,
  resourceID: `/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`,
  ...of,
});

interface Hostile {
  readonly spec: (name: string, of: object) => object;
  readonly mode: string;
}

/** A namespace with many identities, and a pod that may use all of them by its binding; its address. */
async function hostile(namespace: string, of: string, { spec, mode }: Hostile) {
  const { client } = stage.cluster;
  const metadata = { name: namespace, annotations: { [accessAnnotation]: mode } };
  await client.request('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata });
  for (let at = 0; at < identitiesOfNamespace; at += 1) {
    const name = `evil-${at}`;
    await client.request('POST', `/apis/${apiVersion}/namespaces/${namespace}/azureidentities`, {
      apiVersion,
      kind: 'AzureIdentity',
      metadata: { name, namespace },
      spec: spec(`${of}-${at}`, { clientID: clientIdOf(of, at), clientPassword: { name, namespace } }),
    });
    await stage.cluster.binding({ namespace, name, identity: name, selector: 'evil' });
  }
  return addressOf(
    await stage.cluster.pod({ namespace, name: 'evil', label: 'evil', serviceAccountName: 'default' }),
  );
}

/** A request for one of the identities. */
const askOne = (nmi: Nmi, { from, of, at }: { from: string; of: string; at: number }) =>
  nmi.send({ from, query: `${vaultResource}&client_id=${clientIdOf(of, at)}`, isAlone: true });
/** Requests for all others at once. */
const askForOthers = (nmi: Nmi, from: string, of: string) => {
  for (let at = 1; at < identitiesOfNamespace; at += 1) askOne(nmi, { from, of, at }).catch(() => undefined);
};

interface Attack extends Hostile {
  readonly path: RegExp;
}
const reviews: Attack = { spec: managed, mode: 'rbac', path: /subjectaccessreviews$/ };
const secrets: Attack = { spec: principal, mode: 'namespace', path: /\/secrets\// };

// `held`: by one namespace after the other, until all places are taken.
it.each<[string, number, Attack & { readonly held: readonly number[] }]>([
  ['reviews', 1, { ...reviews, held: [8] }],
  ['reviews', 5, { ...reviews, held: [8, 12, 14, 15, 16] }],
  ['Secrets', 1, { ...secrets, held: [4] }],
  ['Secrets', 4, { ...secrets, held: [4, 6, 7, 8] }],
])(
  '%s of %i hostile namespaces get no response: the first token of a pod of another one does not wait',
  async (...row) => {
    const [, count, { path, held, ...given }] = row;
    const { from } = await assignedPod(stage, 'victim');
    const addresses: string[] = [];
    for (let at = 0; at < count; at += 1) addresses.push(await hostile(`evil-${at}`, `${at}`, given));
    const nmi = await stage.nmi(['--pod-requests-per-second=0'], clock);
    await nmi.agent.readiness.whenReady(patience);
    for (const [at, address] of addresses.entries()) await askOne(nmi, { from: address, of: `${at}`, at: 0 });
    const hanging = stage.sim.kube.faults.add({ match: { path }, then: { hang: true } });
    for (const [at, address] of addresses.entries()) {
      askForOthers(nmi, address, `${at}`);
      await expect.poll(() => hanging.fired).toBe(held[at]);
    }
    await expect(nmi.send({ from, isAlone: true })).resolves.toMatchObject({ status: 200 });
    expect(hanging.fired).toBe(held.at(-1));
  },
);
