// What an editor of one namespace can write: the picture stays small enough to be made, kept and sent.
import { apiVersion } from '@pod-identity/crd-types';
import { beforeAll, expect, test } from 'vitest';
import { ClusterIndex, createTrims, Records } from '../../../mic/src/commands/plug-in.ts';
import type { ReadyCondition, World } from '../cluster/world.ts';
import { makePicture, type Made } from './make-picture.ts';

const [pods, bindings] = [600, 100];
const trims = createTrims();
const node = {
  name: 'node-0',
  providerId: 'azure:///subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm-0',
};
const refused: ReadyCondition = {
  status: 'False',
  reason: 'R',
  message: 'x'.repeat(16_000),
  isOutdated: false,
};

/** Names that are longer would have hashes in those of their records, which takes long. */
const named = (name: string, at: number) => ({ namespace: 'crowd', name: `${name}-${at}-`.padEnd(100, 'n') });

function crowdedWorld(): World {
  const index = new ClusterIndex({ forceNamespaced: true });
  index.apply({ kind: 'node', key: node.name, view: node });
  const key = ({ namespace, name }: { namespace: string; name: string }) => `${namespace}/${name}`;
  for (let at = 0; at < bindings; at += 1) {
    const metadata = named('it', at);
    const [identity, binding] = [
      {
        type: 0,
        resourceID: `/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i${at}`,
      },
      { azureIdentity: metadata.name, selector: 'x' },
    ];
    const of = { apiVersion, metadata };
    const views = {
      identity: trims.identity({ ...of, kind: 'AzureIdentity', spec: identity }),
      binding: trims.binding({ ...of, kind: 'AzureIdentityBinding', spec: binding }),
    };
    index.apply({ kind: 'identity', key: key(metadata), view: views.identity });
    index.apply({ kind: 'binding', key: key(metadata), view: views.binding });
  }
  const keys = Array.from({ length: pods }, (_, at) => {
    const metadata = { ...named('pod', at), labels: { aadpodidbinding: 'x' } };
    const raw = { metadata, spec: { nodeName: node.name, serviceAccountName: 'default' }, status: {} };
    index.apply({ kind: 'pod', key: key(metadata), view: trims.pod(raw) });
    return key(metadata);
  });
  const objects = index.settle().objects.keys();
  return {
    index,
    records: new Records(),
    pods: keys.flatMap((one) => index.pod(one) ?? []),
    identities: [...objects.identities].map((one) => ({
      view: index.objects.identity(one)!,
      ready: refused,
    })),
    bindings: [...objects.bindings].map((one) => ({ view: index.objects.binding(one)!, ready: undefined })),
    nodes: [node],
    hasRecords: true,
    hasObjects: true,
    unknown: [],
  };
}

let made: Made;
beforeAll(() => {
  const world = crowdedWorld();
  made = makePicture({ world, namespace: undefined, hasMic: true, now: 0, brokers: [] });
});

test('attack: thousands of pods with a hundred bindings each do not make a picture that is too long to be sent', () => {
  expect(made.things.filter(({ column }) => column === 'pod')).toHaveLength(pods);
  expect(JSON.stringify([made.things, made.lines]).length).toBeLessThan(20_000_000);
  expect(made.things.map(({ group = '' }) => group.length).toSorted((a, b) => b - a)[0]).toBeLessThan(100);
});

test('attack: a condition of an identity is not repeated at full length by each pod', () => {
  expect(made.things.map(({ about }) => about.length).toSorted((a, b) => b - a)[0]).toBeLessThan(600);
});

test('what is left out is said, and identities of left out lines do not look unused', () => {
  expect(made.things.filter(({ state }) => state === 'unused')).toEqual([]);
  expect(made.lines.length).toBeLessThan(60_000);
  expect(made.unknown).toEqual([
    'more than 50000 lines from pod:crowd to binding:crowd: the others are not shown',
  ]);
});
