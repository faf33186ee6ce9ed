import { assignedIdentityFinalizer, podUidAnnotation } from '@pod-identity/crd-types';
import { describe, expect, it } from 'vitest';
import { assigned, identity, idOf, rawBinding, rawIdentity, resourceIdOf } from '../plan/test/builders.ts';
import { bindingMeaning, identityMeaning } from './meaning.ts';
import { createTrims } from './trims.ts';

const trims = createTrims();
const rawPod = (more: object = {}) => ({
  metadata: {
    namespace: 'shop',
    name: 'web-0',
    uid: 'u',
    creationTimestamp: '2023-11-14T22:13:20Z',
    labels: { aadpodidbinding: 'demo' },
    managedFields: [{}],
  },
  spec: { nodeName: 'node-0', serviceAccountName: 'default', containers: [{}] },
  status: { phase: 'Running', podIP: '10.0.0.1' },
  ...more,
});

describe('a pod', () => {
  it('keeps what decisions need and nothing else', () => {
    expect(trims.pod(rawPod())).toEqual({
      uid: 'u',
      namespace: 'shop',
      name: 'web-0',
      nodeName: 'node-0',
      bindingLabel: 'demo',
      serviceAccount: 'default',
      finished: false,
    });
  });

  it.each([{ metadata: { name: 'x', labels: {} } }, { metadata: { name: 'x' } }, {}])(
    'without the label it is left out: %j',
    (more) => expect(trims.pod({ ...rawPod(), metadata: {}, ...more })).toBeUndefined(),
  );

  it.each([
    ['Succeeded', true],
    ['Failed', true],
    ['Pending', false],
    [undefined, false],
  ])('in phase %j finished is %j', (phase, finished) => {
    expect(trims.pod(rawPod({ status: { phase } }))?.finished).toBe(finished);
  });

  it.each([
    ['a ServiceAccount', { serviceAccountName: 'default' }, { app: 'web' }],
    ['none', {}, undefined],
    ['an empty one', { serviceAccountName: '' }, undefined],
  ])('with %s, labels for podSelectors are kept only if it may have an identity', (_, spec, kept) => {
    const metadata = { namespace: 'shop', name: 'a', labels: { app: 'web' } };
    expect(trims.wholePod({ metadata, spec })?.labels).toEqual(kept);
    const labels = { app: 'web', aadpodidbinding: 'demo' };
    const labelled = trims.wholePod({ metadata: { ...metadata, labels }, spec });
    expect([labelled?.bindingLabel, labelled?.labels]).toEqual(['demo', kept && labels]);
  });

  it('unscheduled it is still one', () => {
    expect(trims.pod(rawPod({ spec: {} }))).toMatchObject({ nodeName: '' });
  });
});

it('a node keeps its name and providerID', () => {
  expect(trims.node({ metadata: { name: 'n' }, spec: { providerID: 'azure:///x' } })).toEqual({
    name: 'n',
    providerId: 'azure:///x',
  });
  expect(trims.node({ metadata: { name: 'n' } })).toEqual({ name: 'n', providerId: '' });
  expect(trims.node(null)).toBeUndefined();
});

describe('a node with a taint', () => {
  const key = 'aadpodidentity.k8s.io/nmi-not-ready';
  const raw = (taints: unknown) => ({
    metadata: { name: 'n', uid: 'u', creationTimestamp: '2023-11-14T22:13:20Z' },
    spec: { providerID: 'azure:///x', taints },
  });

  it('is a tainted node if MIC is configured with its taint, and only then', () => {
    const view = createTrims({ startupTaint: key }).node(raw([{ key: 'gpu' }, { key }]));
    expect(view?.tainted).toEqual({ name: 'n', uid: 'u', createdAt: 1_700_000_000_000 });
    expect(trims.node(raw([{ key }]))).not.toHaveProperty('tainted');
  });
});

describe('an identity', () => {
  it('C35 has its resource in canonical form; a service principal has none', () => {
    expect(identity()).toMatchObject({ kind: 'valid', key: 'default/reader', resourceId: idOf('reader') });
    const principal = identity({ spec: { type: 1, resourceID: resourceIdOf('reader'), clientID: 'ABC' } });
    expect(principal).toMatchObject({ kind: 'valid', clientId: 'abc' });
    expect(principal).not.toHaveProperty('resourceId');
  });

  it('C35 that is invalid leaves with its problems, its generation and its conditions', () => {
    const ready = {
      type: 'Ready',
      status: 'True',
      reason: 'Attached',
      message: 'm',
      lastTransitionTime: 't',
    };
    const view = trims.identity(
      rawIdentity({
        spec: { type: 7 },
        metadata: { generation: 3 },
        status: { conditions: [ready] },
      }),
    );
    expect(view).toMatchObject({
      kind: 'invalid',
      key: 'default/reader',
      reference: { generation: 3, conditions: [ready] },
      problems: expect.arrayContaining([expect.objectContaining({ path: 'spec.type' })]) as unknown,
    });
  });

  it('without a client id has none', () => {
    const plain = identity({ spec: { type: 0, resourceID: resourceIdOf('reader') } });
    expect(plain).not.toHaveProperty('clientId');
  });

  it('is kept without annotations that nothing reads, such as what kubectl last applied', () => {
    const annotations = {
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
      note: 'n',
      'aadpodidentity.k8s.io/Behaviour': 'x',
    };
    const view = identity({ metadata: { annotations } });
    expect(view.kind === 'valid' && view.identity.metadata.annotations).toEqual({
      'aadpodidentity.k8s.io/Behaviour': 'x',
    });
  });
});

describe('a binding', () => {
  it('names its identity in its own namespace', () => {
    expect(trims.binding(rawBinding({ namespace: 'ns' }))).toMatchObject({
      kind: 'valid',
      key: 'ns/reader-binding',
      identityKey: 'ns/reader',
    });
  });

  it('that is invalid leaves with its problems', () => {
    expect(trims.binding(rawBinding({ selector: '' }))).toMatchObject({
      kind: 'invalid',
      key: 'default/reader-binding',
      problems: [{ path: 'spec.selector' }],
    });
  });
});

describe('an assigned identity', () => {
  it('has the same meaning as the objects that it was made from, however they are spelled', () => {
    const spec = { type: 0, resourceID: resourceIdOf('reader').toUpperCase() };
    const plain = assigned({ identity: { spec: { type: 0, resourceID: resourceIdOf('reader') } } });
    expect(assigned({ identity: { spec } }).meaning).toBe(plain.meaning);
    expect(assigned({ identity: { spec: { ...spec, clientID: 'c' } } }).meaning).not.toBe(plain.meaning);
    expect(assigned({ binding: { selector: 'other' } }).meaning).not.toBe(assigned().meaning);
  });

  const metadata = { namespace: 'default', name: 'a', uid: 'u', resourceVersion: '5' };
  const raw = (more: object) => ({ metadata, spec: { pod: 'web-0', podNamespace: 'shop' }, ...more });

  it.each([
    ['its annotation', { annotations: { [podUidAnnotation]: 'pod-uid' } }],
    ['its owner', { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'web-0', uid: 'pod-uid' }] }],
    [
      'the one of its owners that is a pod',
      {
        ownerReferences: [
          { apiVersion: 'v1', kind: 'Node', name: 'node-0', uid: 'node-uid' },
          { apiVersion: 'v1', kind: 'Pod', name: 'web-0', uid: 'pod-uid' },
        ],
      },
    ],
  ])('tells the pod’s uid by %s', (_, more) => {
    expect(trims.assigned(raw({ metadata: { ...metadata, ...more } }))?.podUid).toBe('pod-uid');
  });

  it('of the original may lack the uid, the copies and the state', () => {
    const view = trims.assigned(raw({ metadata: { ...metadata, finalizers: [assignedIdentityFinalizer] } }));
    expect(view).toMatchObject({
      podName: 'web-0',
      podNamespace: 'shop',
      state: '',
      hasFinalizer: true,
      identity: '/',
    });
    expect(view).not.toHaveProperty('podUid');
  });

  it('that was deleted and is kept by a finalizer is known to end', () => {
    const deletionTimestamp = '2023-11-14T22:14:00Z';
    expect(trims.assigned(raw({ metadata: { ...metadata, deletionTimestamp } }))?.isEnding).toBe(true);
    expect(trims.assigned(raw({}))).not.toHaveProperty('isEnding');
  });

  it('of a service principal needs no resource on the host, whatever its copy says', () => {
    const copyOf = (type: number) => ({
      azureIdentityRef: {
        metadata: { namespace: 'default', name: 'reader' },
        spec: { type, resourceID: resourceIdOf('reader'), clientID: 'c' },
      },
    });
    const viewOf = (type: number) =>
      trims.assigned(raw({ spec: { pod: 'web-0', podNamespace: 'shop', ...copyOf(type) } }));
    expect(viewOf(0)).toMatchObject({ resourceId: idOf('reader') });
    expect(viewOf(1)).toMatchObject({ identity: 'default/reader' });
    expect(viewOf(1)).not.toHaveProperty('resourceId');
  });

  it('that cannot be understood is left out: nobody may delete what he does not know', () => {
    expect(trims.assigned({ spec: {} })).toBeUndefined();
  });
});

it.each([
  ['type', { type: 1 }],
  ['resource', { resourceID: 'other' }],
  ['client', { clientID: 'other' }],
  ['tenant', { tenantID: 'other' }],
  ['secret', { clientPassword: { name: 'other' } }],
  ['secret’s namespace', { clientPassword: { name: 's', namespace: 'other' } }],
  ['further tenants', { auxiliaryTenantIDs: ['other'] }],
  ['endpoint', { adEndpoint: 'https://other' }],
])('the meaning of an identity changes with its %s', (_, change) => {
  const view = identity();
  if (view.kind !== 'valid') throw new TypeError('invalid');
  const base = { ...view.identity, spec: { ...view.identity.spec, clientPassword: { name: 's' } } };
  const changed = { ...base, spec: { ...base.spec, ...change } as typeof base.spec };
  expect(identityMeaning(changed)).not.toBe(identityMeaning(base));
});

it('the meaning of a binding is what it names and selects', () => {
  const view = trims.binding(rawBinding());
  const other = trims.binding(rawBinding({ name: 'renamed', metadata: { labels: { a: 'b' } } }));
  if (view?.kind !== 'valid' || other?.kind !== 'valid') throw new TypeError('invalid');
  expect(bindingMeaning(other.binding)).toBe(bindingMeaning(view.binding));
});

it('attack: an identity keeps nothing of large annotations, labels, conditions and unknown fields', () => {
  const junk = 'x'.repeat(100_000);
  const raw = rawIdentity();
  const annotations = { junk, 'aadpodidentity.k8s.io/Behavior': 'namespaced' };
  const view = trims.identity({
    ...raw,
    metadata: { ...raw.metadata, annotations, labels: { junk }, finalizers: [junk] },
    spec: { ...raw.spec, junk },
    status: { conditions: [{ type: 'Other', status: 'True', message: junk }] },
  });
  expect(view).toMatchObject({ kind: 'valid' });
  expect(JSON.stringify(view)).toContain('"aadpodidentity.k8s.io/Behavior":"namespaced"');
  expect(JSON.stringify(view)).not.toContain('xxx');
});

describe('attack: an assigned identity with a text that is larger than any use needs', () => {
  const raw = {
    metadata: { name: 'web-0-shop-reader', namespace: 'default', uid: 'a' },
    spec: {
      azureIdentityRef: rawIdentity(),
      azureBindingRef: rawBinding(),
      pod: 'web-0',
      podNamespace: 'shop',
      nodename: 'node-0',
    },
    status: { status: 'Assigned' },
  };
  const junk = 'x'.repeat(100_000);

  it('in the copies in it is known as one that fits nothing, so that it is replaced', () => {
    expect(trims.assigned(raw)?.meaning).not.toBe('');
    for (const spec of [
      {
        ...raw.spec,
        azureIdentityRef: { ...rawIdentity(), spec: { ...rawIdentity().spec, clientID: junk } },
      },
      { ...raw.spec, azureBindingRef: { ...rawBinding(), spec: { azureIdentity: junk, selector: 's' } } },
    ]) {
      const view = trims.assigned({ ...raw, spec });
      expect(view).toMatchObject({ name: 'web-0-shop-reader', meaning: '' });
      expect(JSON.stringify(view)).not.toContain('xxx');
    }
  });

  it.each(['pod', 'podNamespace', 'nodename'])(
    'as its own %s is not used: whose it is cannot be told',
    (key) => {
      expect(trims.assigned({ ...raw, spec: { ...raw.spec, [key]: junk } })).toBeUndefined();
    },
  );
});

it('attack: labels of a pod that are larger than 16 KiB are not known, so that no expression of their absence matches', () => {
  const labels = Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`label-${n}`, 'value']));
  const view = trims.wholePod({
    metadata: { namespace: 'shop', name: 'a', labels: { ...labels, aadpodidbinding: 'demo' } },
    spec: { serviceAccountName: 'default' },
  });
  expect(view).toMatchObject({ bindingLabel: 'demo' });
  expect(view).not.toHaveProperty('labels');
});

it('labels are kept by pods alone: none of 2,500 large label sets is kept by the trims', () => {
  const labelled = (number: number) =>
    trims.wholePod({
      metadata: { namespace: 'shop', name: 'a', labels: { app: `${number}`.padEnd(16_000, 'x') } },
      spec: { serviceAccountName: 'default' },
    });
  const first = Array.from({ length: 2500 }, (_, number) => labelled(number)?.labels);
  const kept = first.filter((labels, number) => labelled(number)?.labels === labels);
  expect(kept).toHaveLength(0);
});
