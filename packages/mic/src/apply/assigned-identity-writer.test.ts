import type { AzureAssignedIdentity } from '@pod-identity/crd-types';
import { KubeError } from '@pod-identity/kit/kube';
import { describe, expect, test } from 'vitest';
import { assigned, binding, identity, pod } from '../plan/test/builders.ts';
import type { Assignment } from '../plan/types.ts';
import { createTrims } from '../snapshot/views.ts';
import { createAssignedIdentityWriter } from './assigned-identity-writer.ts';
import { createFakeResource } from './test/fake-kube.ts';

function assignmentOf({ podNamespace = 'shop', objectNamespace = 'default' } = {}): Assignment {
  const [identityView, bindingView] = [
    identity({
      metadata: {
        uid: 'identity-uid',
        resourceVersion: '7',
        annotations: { 'aadpodidentity.k8s.io/Behavior': 'namespaced', team: 'a' },
      },
    }),
    binding({ metadata: { uid: 'binding-uid', resourceVersion: '8' } }),
  ];
  if (identityView.kind !== 'valid' || bindingView.kind !== 'valid') throw new TypeError('invalid');
  return {
    ...{
      key: 'k',
      pod: pod({ namespace: podNamespace }),
      identity: identityView.identity,
      binding: bindingView.binding,
    },
    ...{ meaning: 'm', objectNamespace, objectName: 'web-0-shop-reader' },
  };
}

function setUp() {
  const sent: string[] = [];
  let failure: KubeError | undefined;
  let holds = true;
  const resource = createFakeResource<AzureAssignedIdentity>('assigned', async (name, apply) => {
    await Promise.resolve();
    sent.push(name);
    if (failure) throw failure;
    return apply();
  });
  const writer = createAssignedIdentityWriter({
    resource,
    term: { signal: new AbortController().signal, holds: () => holds },
  });
  const only = () => [...resource.objects.values()][0]!;
  return {
    ...{ sent, resource, writer, only },
    view: () => createTrims().assigned(only())!,
    fail: (code: KubeError['code']) => (failure = new KubeError(code, `${code}!`)),
    lapse: () => (holds = false),
  };
}

describe('what is written', () => {
  test('carries what readers of the original look for, in the state that it has', async () => {
    const { writer, only } = setUp();
    const outcome = await writer.create(assignmentOf(), 'Assigned');
    expect(outcome).toEqual({ kind: 'written', resourceVersion: only().metadata.resourceVersion });
    expect(only()).toMatchObject({
      apiVersion: 'aadpodidentity.k8s.io/v1',
      kind: 'AzureAssignedIdentity',
      metadata: {
        ...{ name: 'web-0-shop-reader', namespace: 'default', labels: { nodename: 'node-0' } },
        annotations: { 'aadpodidentity.k8s.io/pod-uid': 'uid-shop-web-0' },
      },
      spec: {
        azureIdentityRef: {
          ...{ apiVersion: 'aadpodidentity.k8s.io/v1', kind: 'AzureIdentity' },
          metadata: { name: 'reader', namespace: 'default', uid: 'identity-uid', resourceVersion: '7' },
          spec: { type: 0 },
        },
        azureBindingRef: {
          kind: 'AzureIdentityBinding',
          spec: { azureIdentity: 'reader', selector: 'demo' },
        },
        ...{ pod: 'web-0', podNamespace: 'shop', nodename: 'node-0' },
      },
      status: { status: 'Assigned', availableReplicas: 1 },
    });
    expect(only().metadata.finalizers).toBeUndefined();
  });

  test('of the annotations of the identity only the one that means something is copied', async () => {
    const { writer, only } = setUp();
    await writer.create(assignmentOf(), 'Created');
    expect(only().spec.azureIdentityRef.metadata.annotations).toEqual({
      'aadpodidentity.k8s.io/Behavior': 'namespaced',
    });
  });

  test.each([
    [
      'in the namespace of its pod it is owned by the pod',
      'shop',
      'shop',
      [{ apiVersion: 'v1', kind: 'Pod', name: 'web-0', uid: 'uid-shop-web-0' }],
    ],
    ['elsewhere it cannot be', 'shop', 'default', undefined],
  ])('%s', async (...[, podNamespace, objectNamespace, owners]) => {
    const { writer, only } = setUp();
    await writer.create(assignmentOf({ podNamespace, objectNamespace }), 'Created');
    expect(only().metadata.ownerReferences).toEqual(owners);
  });

  test('our own trim reads it back as the assignment that it is', async () => {
    const { writer, view } = setUp();
    await writer.create(assignmentOf(), 'Assigned');
    expect(view()).toMatchObject({
      ...{
        podNamespace: 'shop',
        podName: 'web-0',
        podUid: 'uid-shop-web-0',
        nodeName: 'node-0',
        state: 'Assigned',
      },
      ...{ identity: 'default/reader', binding: 'default/reader-binding', hasFinalizer: false },
      meaning: assigned().meaning.length > 0 ? expect.any(String) : '',
    });
  });
});

test('a confirm is one merge patch of the status, of exactly the version that was seen', async () => {
  const { writer, view, only, resource, sent } = setUp();
  await writer.create(assignmentOf(), 'Created');
  const seen = view();
  await writer.confirm(seen);
  expect(only().status.status).toBe('Assigned');
  expect(await writer.confirm(seen)).toMatchObject({ kind: 'stale' });
  expect(sent).toEqual(['create assigned', 'patch assigned', 'patch assigned']);
  expect(resource.objects.size).toBe(1);
});

test('an update replaces the whole object, leftovers and finalizer included', async () => {
  const { writer, view, only, resource } = setUp();
  await writer.create(assignmentOf(), 'Assigned');
  resource.put({
    ...only(),
    metadata: { ...only().metadata, finalizers: ['azureassignedidentity.finalizers.aadpodidentity.k8s.io'] },
  });
  await writer.update(assignmentOf(), view(), 'Assigned');
  expect(only().metadata.finalizers).toBeUndefined();
});

describe('a removal', () => {
  test('is one DELETE, of that very object', async () => {
    const { writer, view, sent, resource } = setUp();
    await writer.create(assignmentOf(), 'Assigned');
    const seen = view();
    expect(await writer.remove({ ...seen, uid: 'another' })).toMatchObject({ kind: 'stale' });
    expect(await writer.remove(seen)).toEqual({ kind: 'removed' });
    expect(sent.slice(1)).toEqual(['delete assigned', 'delete assigned']);
    expect(resource.objects.size).toBe(0);
  });

  test("C9 takes off the original's finalizer first, and leaves those of others", async () => {
    const { writer, view, only, resource, sent } = setUp();
    await writer.create(assignmentOf(), 'Assigned');
    const finalizers = ['azureassignedidentity.finalizers.aadpodidentity.k8s.io', 'else.example/wait'];
    resource.put({ ...only(), metadata: { ...only().metadata, finalizers } });
    const finalizersLeft: unknown[] = [];
    resource.onChange = (_key, object) => finalizersLeft.push(object?.metadata.finalizers);
    expect(await writer.remove(view())).toEqual({ kind: 'removed' });
    expect(sent.slice(1)).toEqual(['patch assigned', 'delete assigned']);
    expect(finalizersLeft[0]).toEqual(['else.example/wait']);
  });

  test('of what is gone already has succeeded', async () => {
    const { writer } = setUp();
    expect(await writer.remove(assigned())).toEqual({ kind: 'removed' });
  });
});

describe('a name that is taken', () => {
  test('by the same assignment (the answer to an earlier POST was lost): taken over', async () => {
    const { writer, only } = setUp();
    await writer.create(assignmentOf(), 'Created');
    expect(await writer.create(assignmentOf(), 'Assigned')).toMatchObject({ kind: 'written' });
    expect(only().status.status).toBe('Assigned');
  });

  test('W-S14 by another pod: not overwritten', async () => {
    const { writer, only, resource } = setUp();
    await writer.create(assignmentOf(), 'Created');
    resource.put({ ...only(), spec: { ...only().spec, pod: 'somebody-else' } });
    expect(await writer.create(assignmentOf(), 'Assigned')).toMatchObject({ kind: 'stale' });
    expect(only().spec.pod).toBe('somebody-else');
  });
});

test('after the term nothing is sent', async () => {
  const { writer, sent, lapse } = setUp();
  lapse();
  const outcomes = [
    await writer.create(assignmentOf(), 'Assigned'),
    await writer.update(assignmentOf(), assigned(), 'Assigned'),
    await writer.confirm(assigned()),
    await writer.remove(assigned({ finalizers: ['azureassignedidentity.finalizers.aadpodidentity.k8s.io'] })),
  ];
  expect(outcomes.map(({ kind }) => kind)).toEqual(['fenced', 'fenced', 'fenced', 'fenced']);
  expect(sent).toEqual([]);
});

test.each([
  ['conflict', 'stale'],
  ['gone', 'stale'],
  ['not-found', 'removed'],
  ['aborted', 'fenced'],
  ['throttled', 'failed'],
  ['denied', 'failed'],
  ['unauthorized', 'failed'],
  ['invalid', 'failed'],
  ['unavailable', 'failed'],
  ['transport', 'failed'],
] as const)('%s is answered as %s, not thrown', async (code, kind) => {
  const { writer, fail } = setUp();
  fail(code);
  expect(await writer.confirm(assigned())).toMatchObject({ kind });
});
