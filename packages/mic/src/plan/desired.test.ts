import { describe, expect, it } from 'vitest';
import { indexOf, type ClusterSnapshot } from '../snapshot/test/cluster-snapshot.ts';
import { Records } from './records.ts';
import { decidePod, skipsOf } from './desired.ts';
import { plan } from './test/cluster-plan.ts';
import { binding, identity, node, pod, rules, snapshot } from './test/builders.ts';
import type { AccessReason, Skip, SkipReason } from './types.ts';

const names = Array.from({ length: 101 }, (_, at) => `b${at + 100}`);

const behavior = { annotations: { 'aadpodidentity.k8s.io/Behavior': 'namespaced' } };
const servicePrincipal = { type: 1, clientID: 'c', tenantID: 't', clientPassword: { name: 's' } };

describe('a pod gets nothing, or not everything, and the reason is told', () => {
  const rows: Record<
    Exclude<SkipReason, AccessReason | 'not-listed' | 'no-label'>,
    [Partial<ClusterSnapshot>, object][]
  > = {
    'not-scheduled': [[{ pods: [pod({ node: '' })] }, {}]],
    finished: [
      [{ pods: [pod({ phase: 'Succeeded' })] }, {}],
      [{ pods: [pod({ phase: 'Failed' })] }, {}],
    ],
    'no-account': [[{ pods: [pod({ serviceAccount: '' })] }, {}]],
    'empty-label': [[{ pods: [pod({ label: '' })] }, {}]],
    'no-binding': [
      [{ bindings: [] }, {}],
      [{ bindings: [binding({ selector: 'Demo' })] }, {}],
    ],
    'not-selected': [
      [
        { bindings: [binding({ namespace: 'shop', spec: { serviceAccountName: 'other' } })] },
        { binding: 'shop/reader-binding' },
      ],
    ],
    'identity-missing': [
      [{ identities: [] }, { binding: 'default/reader-binding', identity: 'default/reader' }],
      // C35: the same name in another namespace is a different identity.
      [{ identities: [identity({ namespace: 'elsewhere' })] }, { identity: 'default/reader' }],
    ],
    'identity-invalid': [
      [
        { identities: [identity({ spec: { type: 0, resourceID: 'nonsense' } })] },
        {
          identity: 'default/reader',
          unbound: { fault: expect.stringContaining('spec.resourceID') as unknown },
        },
      ],
    ],
    'other-namespace': [[{ identities: [identity({ metadata: behavior })] }, { identity: 'default/reader' }]],
    shadowed: [
      [
        {
          identities: [identity(), identity({ namespace: 'shop' })],
          bindings: [binding(), binding({ namespace: 'shop' })],
        },
        { identity: 'shop/reader' },
      ],
    ],
    'too-many-bindings': [
      [
        {
          identities: names.map((name) => identity({ namespace: 'shop', name })),
          bindings: names.map((name) =>
            binding({ namespace: 'shop', azureIdentity: name, metadata: { name } }),
          ),
        },
        { binding: 'shop/b200' },
      ],
      // A surplus binding is not evaluated: its invalid identity is reported only when the binding counts.
      [
        {
          identities: names.map((name) =>
            identity({ namespace: 'shop', name, ...(name === 'b200' && { spec: { type: 7 } }) }),
          ),
          bindings: names.map((name) =>
            binding({ namespace: 'shop', azureIdentity: name, metadata: { name } }),
          ),
        },
        { binding: 'shop/b200' },
      ],
    ],
    'node-missing': [[{ nodes: [] }, {}]],
    'node-without-host': [
      [
        { nodes: [node('node-0', '')] },
        {
          binding: 'default/reader-binding',
          identity: 'default/reader',
          detail: expect.stringContaining('providerID') as unknown,
        },
      ],
    ],
  };
  const table = Object.entries(rows).flatMap(([reason, worlds]) =>
    worlds.map(([world, more]) => [reason, world, more] as const),
  );

  it.each(table)('%s', (reason, different, more) => {
    expect(plan(snapshot(different), rules).skips).toMatchObject([
      { pod: { name: 'web-0' }, reason, ...more },
    ]);
  });

  it('all reasons are told, not only the first', () => {
    const { skips } = plan(snapshot({ pods: [pod({ node: '' })], bindings: [] }), rules);
    expect(skips.map(({ reason }) => reason)).toEqual(['not-scheduled', 'no-binding']);
  });
});

it('a pod that is not known gets nothing, and there is nothing to tell', () => {
  const index = indexOf(snapshot(), rules);
  expect(decidePod(index, 'shop/nobody', new Records())).toMatchObject({ assignments: [], skips: [] });
  expect(skipsOf(index, 'shop/nobody')).toEqual([]);
});

it('C35 service principals need no resource id and no Azure host', () => {
  for (const nodes of [[node()], [node('node-0', '')]]) {
    const index = indexOf(snapshot({ nodes, identities: [identity({ spec: servicePrincipal })] }), rules);
    const { assignments, skips } = decidePod(index, 'shop/web-0', new Records());
    expect(assignments).toMatchObject([{ objectName: 'web-0-shop-reader' }]);
    expect(assignments[0]).not.toHaveProperty('resourceId');
    expect(skips).toEqual([]);
  }
});

const faultOf = (skip: Skip | undefined) =>
  skip?.unbound?.why === 'identity-invalid' ? skip.unbound.fault : '';

describe('an identity that is not valid', () => {
  const skips = (different: Partial<ClusterSnapshot>) =>
    skipsOf(indexOf(snapshot(different), rules), 'shop/web-0');

  it('of an invalid identity at most ten problems are told, and how many more there are', () => {
    const selector = Object.fromEntries(
      Array.from({ length: 20 }, (_, at) => [`k${at}${'x'.repeat(900)}`, 1]),
    );
    const [skip] = skips({ identities: [identity({ spec: { type: 1, allowedNamespaces: { selector } } })] });
    expect(skip).toMatchObject({ reason: 'identity-invalid' });
    expect(faultOf(skip)).toMatch(/^spec\.allowedNamespaces\.selector\.k0x.*; and 10 more$/);
    expect(faultOf(skip).length).toBeLessThan(4_000);
  });
});

it('on a node without a host a pod gets its service principals, and a reason for each other identity', () => {
  const index = indexOf(
    snapshot({
      nodes: [node('node-0', '')],
      identities: [identity(), identity({ name: 'app', spec: servicePrincipal })],
      bindings: [binding(), binding({ azureIdentity: 'app' })],
    }),
    rules,
  );
  const { assignments, skips } = decidePod(index, 'shop/web-0', new Records());
  expect(assignments.map(({ identity: { metadata } }) => metadata.name)).toEqual(['app']);
  expect(skips.map(({ reason, identity: key }) => [reason, key])).toEqual([
    ['node-without-host', 'default/reader'],
  ]);
});

it('a skip names a binding and an identity only where there are some', () => {
  const [skip] = skipsOf(indexOf(snapshot({ bindings: [] }), rules), 'shop/web-0');
  expect(Object.keys(skip ?? {}).sort()).toEqual(['pod', 'reason', 'unbound']);
});
