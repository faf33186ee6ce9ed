import { canonicalResourceId, type AzureAssignedIdentity } from '@pod-identity/crd-types';
import { KubeError } from '@pod-identity/kit/kube';
import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, expect, it } from 'vitest';
import { identity, record, resourceIdOf } from '../../../test/builders.ts';
import { createTransport, list } from '../../../test/transport.ts';
import { createRecordHints } from './record-hints.ts';

const reader = identity({ name: 'reader' });
const id = canonicalResourceId(resourceIdOf('reader'));
const stored = (object: AzureAssignedIdentity, at = 0) => ({
  ...object,
  metadata: { ...object.metadata, name: `r-${at}`, uid: `uid-${at}`, resourceVersion: '1' },
});
const onNode = (nodename: string) => {
  const { spec, ...rest } = record(reader, 'Assigned');
  return { ...rest, spec: { ...spec, nodename } };
};

const stops: AbortController[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop.abort()));

const start = async (
  records: readonly AzureAssignedIdentity[],
  { node = 'node-1', byNodeLabel = true, isRefused = false } = {},
) => {
  const clock = createFakeClock();
  const hints: [namespace: string, identity: string][] = [];
  const transport = createTransport(() => {
    if (isRefused) throw new KubeError('denied', 'no', { status: 403 });
    return list(...records.map(stored));
  });
  const watch = createRecordHints({
    transport,
    clock,
    random: () => 0,
    log: createLog({ component: 'nmi', destination: { write: () => undefined } }),
    node,
    byNodeLabel,
    onAssigned: (...hint) => hints.push(hint),
  });
  const stop = new AbortController();
  stops.push(stop);
  void watch.run(stop.signal);
  await clock.advance(1);
  return { hints, watch, query: transport.requests[0]?.query };
};

it('tells of records of this node that are Assigned, or older than states, and of no others', async () => {
  const { hints } = await start([
    record(reader, 'Assigned'),
    record(reader, '', { podNamespace: 'shop' }),
    record(reader, 'Created', { podNamespace: 'created' }),
    record(reader, 'Unassigned', { podNamespace: 'unassigned' }),
    onNode('node-2'),
  ]);
  expect(hints).toEqual([
    ['default', id],
    ['shop', id],
  ]);
});

it('attack: of 5,000 records that editors made none is kept', async () => {
  const { hints, watch } = await start(Array.from({ length: 5_000 }, () => record(reader, 'Assigned')));
  expect(hints).toHaveLength(5_000);
  expect([...watch.store.values()]).toEqual([]);
});

it('asks for the records of its node, unless told otherwise or the name does not fit into a label', async () => {
  expect((await start([])).query).toMatchObject({ labelSelector: 'nodename=node-1', limit: '100' });
  const fits = 'n'.repeat(63);
  expect((await start([], { node: fits })).query).toMatchObject({ labelSelector: `nodename=${fits}` });
  for (const over of [{ byNodeLabel: false }, { node: 'n'.repeat(64) }])
    expect((await start([], over)).query?.['labelSelector']).toBeUndefined();
});

it('tells nothing while the API server refuses them', async () => {
  expect((await start([record(reader, 'Assigned')], { isRefused: true })).hints).toEqual([]);
});
