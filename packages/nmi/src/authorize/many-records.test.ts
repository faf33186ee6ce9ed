// An editor of one namespace may create AzureAssignedIdentities there. NMI keeps a share of them, and all that MIC wrote for the pods
// of its node.
import {
  assignedIdentityName,
  canonicalResourceId,
  distinctAssignedIdentityName,
  type AzureAssignedIdentity,
} from '@pod-identity/crd-types';
import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, expect, it } from 'vitest';
import { binding, identity, pod, record, resourceIdOf, rules } from '../../test/builders.ts';
import { createTransport, list } from '../../test/transport.ts';
import { authorize } from './authorize.ts';
import { createClusterInformers } from './cluster-view.ts';
import type { AuthorizeRules } from './types.ts';

const flood = 5_000;
const shareBytes = 128 * 1024;
const reader = identity({ name: 'reader', namespace: 'shop' });
const writer = identity({ name: 'writer', namespace: 'shop' });
const victim = pod({ namespace: 'shop', uid: 'uid-1' });
const ask = { pod: victim, selector: { by: 'nothing' } } as const;

type Draft = Pick<AzureAssignedIdentity['metadata'], 'name' | 'namespace'> & { created: number };
const stored = (of: AzureAssignedIdentity, { created, ...metadata }: Draft) => ({
  ...of,
  metadata: {
    ...metadata,
    uid: metadata.name,
    resourceVersion: '1',
    creationTimestamp: new Date(created * 1000).toISOString(),
  },
});
/** Equal to MIC's own records, except for the name. */
const forged = (namespace: string, resource = 'reader') =>
  Array.from({ length: flood }, (_, n) =>
    stored(
      record(
        identity({ name: 'reader', namespace: 'shop', resourceID: resourceIdOf(resource) }),
        'Assigned',
        { pod: 'web', podNamespace: 'shop' },
      ),
      { namespace, name: `forged-${n}`, created: n },
    ),
  );
const names = { podNamespace: 'shop', podName: 'web', identityName: 'reader' };
const plainName = assignedIdentityName(names);
const genuine = (namespace: string, name = plainName) =>
  stored(record(reader, 'Assigned', { pod: 'web', podNamespace: 'shop' }), {
    namespace,
    name,
    created: flood,
  });

const stops: AbortController[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop.abort()));

const usual = { pods: [victim], bound: [reader] };

async function viewOf(records: readonly object[], of: AuthorizeRules, { pods, bound } = usual) {
  const objects: Readonly<Record<string, readonly object[]>> = {
    azureidentities: [reader, writer],
    azureidentitybindings: bound.map(({ metadata: { name } }) => binding(name, { namespace: 'shop' })),
    azureassignedidentities: records,
  };
  const withIds = (object: object) => ({
    ...object,
    metadata: { uid: 'u', resourceVersion: '1', ...(object as { metadata: object }).metadata },
  });
  const clock = createFakeClock();
  const { view, informers } = createClusterInformers({
    transport: createTransport(({ path }) =>
      list(...(objects[path.split('/').at(-1) ?? ''] ?? []).map(withIds)),
    ),
    clock,
    random: () => 0,
    node: 'node-1',
    byNodeLabel: true,
    mode: of.mode,
    forceNamespaced: of.forceNamespaced,
    log: createLog({ component: 'nmi', destination: { write: () => undefined } }),
    namespaceShareBytes: shareBytes,
    pods: {
      named: (namespace, name) => pods.find((one) => one.namespace === namespace && one.name === name),
      synced: Promise.resolve(),
    },
  });
  const stop = new AbortController();
  stops.push(stop);
  for (const informer of informers) void informer.run(stop.signal);
  await Promise.all(informers.map(({ synced }) => synced));
  return view;
}

const standard: AuthorizeRules = { ...rules, mode: 'standard', forceNamespaced: true };
const shared: AuthorizeRules = { ...standard, forceNamespaced: false };
const kept = (view: Awaited<ReturnType<typeof viewOf>>, resource: string) =>
  view.assignedOnNode(canonicalResourceId(resourceIdOf(resource))).length;

it('of 5,000 records that an editor made no more are kept than a share holds', async () => {
  const view = await viewOf(forged('hostile', 'other'), standard);
  expect(kept(view, 'other')).toBeGreaterThan(100);
  expect(kept(view, 'other') * 256).toBeLessThan(shareBytes);
  expect([view.leavesOutRecords('hostile'), view.leavesOutRecords('shop')]).toEqual([true, false]);
});

it.each([
  { what: 'in the namespace of its pods', namespace: 'shop', of: standard, name: plainName },
  { what: 'in the namespace that all records share', namespace: 'default', of: shared, name: plainName },
  {
    what: 'under its distinct name',
    namespace: 'default',
    of: shared,
    name: distinctAssignedIdentityName({ ...names, identityNamespace: 'shop', podUid: 'uid-1' }),
  },
])('what MIC wrote is kept, however many older ones there are $what', async ({ namespace, of, name }) => {
  const view = await viewOf([...forged(namespace, 'other'), genuine(namespace, name)], of);
  expect(authorize(ask, view, of)).toMatchObject({ kind: 'allow' });
});

it('a record for a pod that is not on this node is not taken for one of MIC', async () => {
  const view = await viewOf([...forged('shop', 'other'), genuine('shop')], standard, {
    ...usual,
    pods: [],
  });
  expect(authorize(ask, view, standard)).toMatchObject({ kind: 'pending' });
});

it('the flood of one namespace leaves out nothing of another', async () => {
  const view = await viewOf([...forged('hostile', 'other'), genuine('shop', 'any-name')], standard);
  expect(authorize(ask, view, standard)).toMatchObject({ kind: 'allow' });
});

it('what MIC wrote is kept for a pod that may act as several identities', async () => {
  const view = await viewOf([...forged('shop', 'other'), genuine('shop')], standard, {
    ...usual,
    bound: [writer, reader],
  });
  expect(kept(view, 'reader')).toBe(1);
});

it('a record for an identity that its pod may not act as is not taken for one of MIC', async () => {
  const view = await viewOf([...forged('shop', 'other'), genuine('shop')], standard, {
    ...usual,
    bound: [writer],
  });
  expect(kept(view, 'reader')).toBe(0);
});
