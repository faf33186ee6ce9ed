// Each input of NMI at its bound, written from one namespace, while a pod of another namespace asks for its token. tools/inputs has the register.
import { apiVersion, fieldLimits } from '@pod-identity/crd-types';
import { objectFields, withField, type ObjectField } from '@pod-identity/kit/testing';
import type { KubeObject } from '@pod-identity/sim';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { podFields } from '../src/identify/pod-view.ts';
import { readParameters } from '../src/request/token-request.ts';
import { readHeaders } from '../src/request/wire.ts';
import { addressOf, assignedPod, startStage, vaultResource, type Nmi, type Stage } from './harness.ts';

/** The API server sets these; by the others it finds the object, and NMI its node. */
const isPlace = ({ path }: ObjectField) =>
  /^(?:apiVersion|kind|metadata\.(?:resourceVersion|generation|\w+Timestamp)|metadata\.name|metadata\.namespace|metadata\.labels\.nodename|spec\.nodeName|spec\.nodename)$/.test(
    path.join('.'),
  );
const isCopy = ({ path }: ObjectField) =>
  path.includes('azureIdentityRef') || path.includes('azureBindingRef');

const leaves = Object.entries({ ...fieldLimits, Pod: podFields })
  .flatMap(([kind, fields]) => objectFields(kind, fields))
  .filter((leaf) => !isPlace(leaf) && !isCopy(leaf));
const titleOf = ({ kind, path }: ObjectField) => `${kind}.${path.join('.')}`;

const valid = (node: string): Readonly<Record<string, object>> => ({
  AzureIdentity: { spec: { type: 0, resourceID: 'r', clientID: 'c' } },
  AzureIdentityBinding: { spec: { azureIdentity: 'a', selector: 's' } },
  AzurePodIdentityException: { spec: { podLabels: { k: 'v' } } },
  AzureAssignedIdentity: {
    spec: { pod: 'p', podNamespace: 'n', nodename: node, azureIdentityRef: {}, azureBindingRef: {} },
    status: { status: 'Created', availableReplicas: 1 },
  },
  Pod: { spec: { nodeName: node } },
});

let stage: Stage;
let nmi: Nmi;
let victim: string;
let hostile: string;
const namespaceOf = (leaf: ObjectField) => `hostile-${leaves.indexOf(leaf)}`;

/** Stored unchanged: the original's schemas, and those before Kubernetes 1.16, allow any value. */
const write = (leaf: ObjectField, name: string, bytes: number) => {
  const { kind } = leaf;
  const named = {
    apiVersion: kind === 'Pod' ? 'v1' : apiVersion,
    kind,
    ...valid(stage.cluster.nodes[0]!.name)[kind],
    metadata: {
      name,
      namespace: namespaceOf(leaf),
      uid: `${namespaceOf(leaf)}-${name}`,
      resourceVersion: '1',
      labels: { nodename: stage.cluster.nodes[0]!.name },
    },
  };
  stage.sim.kube.seed([withField(named, leaf, bytes) as unknown as KubeObject]);
};

beforeAll(async () => {
  stage = await startStage();
  ({ from: victim } = await assignedPod(stage, 'victim'));
  const [node] = stage.cluster.nodes;
  for (const leaf of leaves) {
    const namespace = namespaceOf(leaf);
    await stage.cluster.client.request('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
    await stage.cluster.pod({ name: 'pod', namespace, label: 's', node: node!.name });
    write(leaf, 'at-limit', leaf.upTo);
    write(leaf, 'over-limit', leaf.upTo + 1);
  }
  hostile = addressOf(
    await stage.cluster.pod({ name: 'caller', namespace: 'hostile-0', label: 's', node: node!.name }),
  );
  nmi = await stage.nmi();
});
afterAll(() => stage.stop());

const expectVictimServed = async () => expect((await nmi.send({ from: victim })).status).toBe(200);

describe('of objects', () => {
  it.each(leaves.map((leaf) => [titleOf(leaf), leaf] as const))(
    'the field %s at its limit in one namespace: a pod of another one gets its identity as before',
    async (_, leaf) => {
      await expectVictimServed();
      const told = nmi.lines.filter((line) => line.includes(` key=${namespaceOf(leaf)}/`));
      expect(told).toEqual([
        expect.stringContaining(
          `key=${namespaceOf(leaf)}/over-limit field=${leaf.path.join('.')} maxBytes=${leaf.upTo} `,
        ),
      ]);
    },
  );
});

describe('of requests', () => {
  it.each(readHeaders)(
    'the header %s of 15,000 characters from one namespace: another one gets its token as before',
    async (name) => {
      const headers = { Metadata: 'true', [name]: 'x'.repeat(15_000) };
      const outcome = await nmi.send({ from: hostile, headers, isAlone: true }).then(
        ({ status }) => status,
        () => 'closed' as const,
      );
      expect(outcome === 'closed' || (outcome >= 400 && outcome < 500)).toBe(true);
      await expectVictimServed();
    },
  );

  it.each(readParameters)(
    'the parameter %s of 2,048 characters from one namespace: another one gets its token as before',
    async (name) => {
      const given = new URLSearchParams(vaultResource);
      given.set(name, 'x'.repeat(2_048));
      const { status } = await nmi.send({ from: hostile, query: given.toString() });
      expect(status >= 400 && status !== 500).toBe(true);
      await expectVictimServed();
      given.set(name, 'x'.repeat(2_049));
      expect((await nmi.send({ from: hostile, query: given.toString() })).status).toBe(400);
    },
  );
});
