import { findingLines, type NamesReview } from '@pod-identity/policy';
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
  now,
  pod,
  resourceIdOf,
} from '../plan/test/builders.ts';
import { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { AccessGroup } from '../snapshot/index/rights.ts';
import { conditionsOf } from './conditions-writer.ts';
import { Records } from '../plan/records.ts';
import { explainPod } from './explain-pod.ts';
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

const explained = (
  index: ClusterIndex,
  more: { readonly hasManyRights?: boolean; readonly allowsAnybody?: boolean } = {},
) => {
  const isOpen = index.accessMode('shop') === 'namespace';
  const { findings, result } = explainPod(
    { namespace: 'shop', name: 'web-0' },
    { index, records: new Records(), now, factsOf: () => facts(vmss1, ['reader']), isOpen, ...more },
  );
  return findingLines(`pod ${key}`, [...findings, result]).join('\n');
};
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

it('a pod whose namespace needs more rights than are asked about is told so by an Event and in explain', () => {
  const left = worldOf('rbac', undefined, { book: bookOf(0) });
  const text = explained(left);
  expect(eventsOf(left)).toEqual([expect.objectContaining({ reason: 'AccessNotReviewed', type: 'Warning' })]);
  expect(eventsOf(worldOf('rbac'))).toEqual([]);
  expect(text).toContain('is not known yet');
  expect(text).toContain('Pods of this namespace need more rights than MIC asks about');
  expect(explained(worldOf('rbac'))).not.toContain('more rights than MIC asks about');
  expect(explained(worldOf('rbac', allowed), { hasManyRights: true })).toContain('more rights than MIC asks');
});

describe('a right that is missing', () => {
  it('is told in explain with the roles to paste, each line as it has to be', () => {
    const text = explained(worldOf('rbac', refused));
    expect(text).toContain('✗ access       ServiceAccount shop/web may not use AzureIdentity shop/reader');
    expect(text).toMatch(/\napiVersion: rbac\.authorization\.k8s\.io\/v1\nkind: ClusterRole\n/);
    expect(text).toMatch(/\n---\n/);
    expect(text).toContain(
      `kubectl azure-pod-identity access shop/web ${resourceIdOf('reader').toLowerCase()}`,
    );
    expect(text).toContain('✗ result');
  });

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

  it('takes one line of the log', () => {
    const [skip] = skipsOf(worldOf('rbac', refused), key);
    const { lines } = reportSkip(skip!);
    expect(lines.map(({ message }) => message.includes('\n'))).toEqual([false]);
  });

  it('is told in mode warn as what rbac would do, and the pod has its identity', () => {
    const index = worldOf('warn', refused);
    expect(explained(index)).toMatch(/· access .*--identity-access=rbac would refuse it/);
    expect(explained(index)).toContain('carries it');
    expect(eventsOf(index)).toMatchObject([{ reason: 'AccessWouldBeDenied' }]);
    expect(conditionIn(index)).toMatchObject({ status: 'True', reason: 'AccessWouldBeDenied' });
    expect(conditionIn(index)?.message).toContain('In mode rbac: ServiceAccount shop/web may not use');
  });
});

it('a right that is not known yet is waited for, without an Event', () => {
  const index = worldOf('rbac');
  expect(explained(index)).toMatch(/… access .*is not known yet/);
  expect([eventsOf(index), conditionIn(index)?.reason]).toEqual([[], 'Attached']);
});

it('a right that stays unknown, since the API server refuses no one, is told with that reason', () => {
  expect(explained(worldOf('rbac'), { allowsAnybody: true })).toMatch(
    /· access .*refuses no one[^]*--authorization-mode=Node,RBAC[^]*… access .*is not known yet/,
  );
});

it('a right that is there is told', () => {
  const index = worldOf('rbac', allowed);
  expect(explained(index)).toContain(
    '✓ access       ServiceAccount shop/web may use AzureIdentity shop/reader',
  );
  expect([eventsOf(index), conditionIn(index)?.reason]).toEqual([[], 'Attached']);
});

it('an id for which nobody can be given a right is told with the reason', () => {
  const spec = { type: 1, tenantID: 'contoso.com', clientID: '\u0435' };
  const index = worldOf('rbac', undefined, { spec });
  expect(explained(index)).toMatch(/✗ access .*nobody can be given the right[^]*ASCII/);
  expect(conditionIn(index)?.message).toContain('ASCII');
});

it('mode namespace says that whoever writes an AzureIdentity may use it', () => {
  expect(explained(worldOf('namespace'))).toContain('· access       whoever may write an AzureIdentity');
});

const bookAfter = (mode: 'namespace', given: { spec?: Readonly<Record<string, unknown>> }) => {
  const book = bookOf(100);
  worldOf(mode, undefined, { ...given, book });
  return book.pairsOf('shop');
};

describe('the right on a federated identity (type 3)', () => {
  const [tenantID, clientID] = ['72f988bf-86f1-41af-91ab-2d7cd011db47', clientIdOf('reader')];
  const federated = { spec: { type: 3, clientID, tenantID } };

  it.each(['namespace', 'warn', 'rbac'] as const)('is enforced in mode %s, and told so', (mode) => {
    const index = worldOf(mode, refused, federated);
    expect(eventsOf(index)).toMatchObject([{ reason: 'AccessDenied' }]);
    expect(conditionIn(index)).toMatchObject({ status: 'False', reason: 'AccessDenied' });
    expect(conditionIn(index)?.message).toContain(`federatedidentities ${tenantID}/${clientID}`);
    const text = explained(index);
    expect(text).toContain('✗ access       ServiceAccount shop/web may not use AzureIdentity shop/reader');
    expect(text).toContain(
      `kubectl azure-pod-identity access shop/web federatedidentities/${tenantID}/${clientID}`,
    );
    expect(text).toContain('resources: [federatedidentities]');
    expect(text).not.toContain('would refuse it');
  });

  it('that is there is told, and that no host carries the identity', () => {
    for (const mode of ['namespace', 'warn'] as const) {
      const index = worldOf(mode, allowed, federated);
      expect(explained(index)).toContain(
        '✓ access       ServiceAccount shop/web may use AzureIdentity shop/reader',
      );
      expect(explained(index)).toContain('need not carry anything for a federated identity');
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
