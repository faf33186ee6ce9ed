import type { NamesReview } from '@pod-identity/policy';
import { describe, expect, it } from 'vitest';
import { PairRegistry } from '../access/pair-registry.ts';
import { skipsOf } from '../plan/desired.ts';
import {
  binding,
  clientIdOf,
  facts,
  factsMap,
  hostOf,
  identity,
  instanceOf,
  node,
  pod,
  resourceIdOf,
} from '../plan/test/builders.ts';
import { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { AccessGroup } from '../snapshot/index/rights.ts';
import { conditionsOf } from './conditions-writer.ts';
import { reportSkip } from './report.ts';

const key = 'shop/web-0';
const vmss1 = hostOf(instanceOf('vmss1'));

const bookOf = (pairsPerNamespace: number) =>
  new PairRegistry<AccessGroup>({ pairsPerNamespace, recheckMs: 300_000 });

/** A pod of ServiceAccount `shop/web` with an identity of its namespace, and one answer of the API server. */
function worldOf(
  mode: 'namespace' | 'warn' | 'rbac',
  answer?: NamesReview,
  {
    book: registry = bookOf(100),
    spec = { type: 0, resourceID: resourceIdOf('reader') },
  }: {
    book?: PairRegistry<AccessGroup>;
    spec?: Readonly<Record<string, unknown>>;
  } = {},
) {
  const index = new ClusterIndex({ forceNamespaced: true }, { mode, registry });
  const namespace = 'shop';
  const [of, by] = [identity({ namespace, spec }), binding({ namespace })];
  index.apply({ kind: 'node', key: 'node-0', view: node() });
  index.apply({ kind: 'identity', key: of.key, view: of });
  index.apply({ kind: 'binding', key: by.key, view: by });
  index.apply({ kind: 'pod', key, view: pod({ serviceAccount: 'web' }) });
  const pair = answer && registry.next(0);
  if (pair) index.rightsChanged(registry.record(pair, answer, { now: 0, chance: 1 }));
  return index.settle();
}

const conditionIn = (index: ClusterIndex) => {
  const world = { index, facts: factsMap(facts(vmss1, ['reader'])) };
  return conditionsOf({ kind: 'AzureIdentity', key: 'shop/reader' }, world, 'now')?.[0];
};
const eventsOf = (index: ClusterIndex, of = key) =>
  skipsOf(index, of).flatMap((skip) => reportSkip(skip).events);

const allowed: NamesReview = { kind: 'allowed', level: 0 };
const refused: NamesReview = { kind: 'refused' };

it('a pod whose rights are asked about is not told so when its namespace has others that wait', () => {
  const [registry, other] = [bookOf(1), 'shop/web-1'];
  const index = worldOf('rbac', allowed, { book: registry });
  index.apply({ kind: 'pod', key: other, view: pod({ name: 'web-1', serviceAccount: 'other' }) });
  // A new term.
  index.rightsChanged(registry.forget());
  index.settle();
  expect(eventsOf(index)).toEqual([]);
  expect(eventsOf(index, other)).toEqual([expect.objectContaining({ reason: 'AccessNotReviewed' })]);
});

it('a pod whose namespace needs more rights than are asked about is told so by an Event', () => {
  const left = worldOf('rbac', undefined, { book: bookOf(0) });
  expect(eventsOf(left)).toEqual([expect.objectContaining({ reason: 'AccessNotReviewed', type: 'Warning' })]);
  expect(eventsOf(worldOf('rbac'))).toEqual([]);
});

describe('a right that is missing', () => {
  it('is an Event on the pod and the condition of the AzureIdentity, in the same words', () => {
    const index = worldOf('rbac', refused);
    const [event] = eventsOf(index);
    expect(event).toMatchObject({ type: 'Warning', reason: 'AccessDenied', involved: { kind: 'Pod' } });
    const condition = conditionIn(index);
    expect(condition).toMatchObject({ status: 'False', reason: 'AccessDenied' });
    // Events are truncated: only the condition contains the roles.
    expect(condition?.message.split('\n')[0]).toBe(event?.message);
    expect(condition?.message).toContain('kind: ClusterRoleBinding');
  });

  it('is told in mode warn as what rbac would do, and the pod has its identity', () => {
    const index = worldOf('warn', refused);
    expect(eventsOf(index)).toMatchObject([{ reason: 'AccessWouldBeDenied' }]);
    expect(conditionIn(index)).toMatchObject({ status: 'True', reason: 'AccessWouldBeDenied' });
    expect(conditionIn(index)?.message).toContain('In mode rbac: ServiceAccount shop/web may not use');
  });
});

it.each([
  ['is not known yet', undefined],
  ['is there', allowed],
])('a right that %s has no Event', (_, answer) => {
  const index = worldOf('rbac', answer);
  expect([eventsOf(index), conditionIn(index)?.reason]).toEqual([[], 'Attached']);
});

it('an id for which nobody can be given a right is told with the reason', () => {
  const spec = { type: 1, tenantID: 'contoso.com', clientID: '\u0435' };
  const index = worldOf('rbac', undefined, { spec });
  expect(conditionIn(index)?.message).toContain('ASCII');
});

const bookAfter = (mode: 'namespace', given: { spec?: Readonly<Record<string, unknown>> }) => {
  const book = bookOf(100);
  worldOf(mode, undefined, { ...given, book });
  return book.census().unknown;
};

describe('the right on a federated identity (type 3)', () => {
  const [tenantID, clientID] = ['72f988bf-86f1-41af-91ab-2d7cd011db47', clientIdOf('reader')];
  const federated = { spec: { type: 3, clientID, tenantID } };

  it.each(['namespace', 'warn', 'rbac'] as const)('is enforced in mode %s, and told so', (mode) => {
    const index = worldOf(mode, refused, federated);
    expect(eventsOf(index)).toMatchObject([{ reason: 'AccessDenied' }]);
    expect(conditionIn(index)).toMatchObject({ status: 'False', reason: 'AccessDenied' });
    expect(conditionIn(index)?.message).toContain(`federatedidentities ${tenantID}/${clientID}`);
  });

  it('that is there is told, and that no host carries the identity', () => {
    for (const mode of ['namespace', 'warn'] as const) {
      const index = worldOf(mode, allowed, federated);
      expect(conditionIn(index)).toMatchObject({ status: 'True', reason: 'NoAttachmentNeeded' });
      expect(conditionIn(index)?.message).toContain('from the broker');
    }
  });

  it.each(['namespace', 'warn', 'rbac'] as const)(
    'that a new pod needs is reviewed again within seconds in mode %s, however long it has been denied',
    (mode) => {
      const book = bookOf(100);
      const index = worldOf(mode, undefined, { ...federated, book });
      let deniedAt = 0;
      for (let denials = 0; denials < 60; denials += 1) {
        deniedAt = book.nextAt ?? NaN;
        const pair = book.next(deniedAt);
        index.rightsChanged(book.record(pair!, refused, { now: deniedAt, chance: 1 }));
        index.settle();
      }
      expect(book.nextAt).toBe(deniedAt + 300_000);
      index.apply({ kind: 'pod', key: 'shop/web-1', view: pod({ name: 'web-1', serviceAccount: 'web' }) });
      index.settle();
      expect(book.nextAt).toBe(deniedAt + 10_000);
    },
  );

  it('is reviewed alone in mode namespace', () => {
    expect(bookAfter('namespace', federated)).toBe(1);
    expect(bookAfter('namespace', {})).toBe(0);
  });
});
