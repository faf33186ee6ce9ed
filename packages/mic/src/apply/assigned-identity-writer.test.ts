import type { AzureAssignedIdentity } from '@pod-identity/crd-types';
import { KubeError } from '@pod-identity/kit/kube';
import { describe, expect, test, vi } from 'vitest';
import { assignment, validBinding, validIdentity } from '../plan/test/assignment.ts';
import { assigned, pod } from '../plan/test/builders.ts';
import type { Assignment } from '../plan/types.ts';
import { createTrims } from '../snapshot/trims.ts';
import { createAssignedIdentityWriter } from './assigned-identity-writer.ts';
import { createFakeResource } from './test/fake-kube.ts';

function assignmentOf({ podNamespace = 'shop', objectNamespace = 'default' } = {}): Assignment {
  return assignment({
    pod: pod({ namespace: podNamespace }),
    identity: validIdentity({
      metadata: {
        uid: 'identity-uid',
        resourceVersion: '7',
        annotations: { 'aadpodidentity.k8s.io/Behavior': 'namespaced', team: 'a' },
      },
    }),
    binding: validBinding({ metadata: { uid: 'binding-uid', resourceVersion: '8' } }),
    objectNamespace,
  });
}

const finalizer = 'azureassignedidentity.finalizers.aadpodidentity.k8s.io';

function setUp() {
  const sent: string[] = [];
  const ending = new AbortController();
  let failure: Error | undefined;
  let holds = true;
  let onSend: (name: string) => void = () => undefined;
  const resource = createFakeResource<AzureAssignedIdentity>('assigned', async (name, apply) => {
    await Promise.resolve();
    sent.push(name);
    onSend(name);
    if (failure) throw failure;
    return apply();
  });
  const writer = createAssignedIdentityWriter({
    resource,
    term: { signal: ending.signal, holds: () => holds },
  });
  const only = () => [...resource.objects.values()][0]!;
  return {
    sent,
    resource,
    writer,
    only,
    view: () => createTrims().assigned(only())!,
    fail: (code: KubeError['code']) => (failure = new KubeError(code, `${code}!`)),
    crash: () => (failure = new TypeError('bug')),
    onSend: (listener: (name: string) => void) => (onSend = listener),
    lapse: () => (holds = false),
    end: () => ending.abort(),
  };
}

describe('what is written', () => {
  test('contains the fields that readers of the original use, in its state', async () => {
    const { writer, only } = setUp();
    const outcome = await writer.create(assignmentOf(), 'Assigned');
    expect(outcome).toEqual({ kind: 'written', resourceVersion: only().metadata.resourceVersion });
    expect(only()).toMatchObject({
      apiVersion: 'aadpodidentity.k8s.io/v1',
      kind: 'AzureAssignedIdentity',
      metadata: {
        name: 'web-0-shop-reader',
        namespace: 'default',
        labels: { nodename: 'node-0' },
        annotations: { 'aadpodidentity.k8s.io/pod-uid': 'uid-shop-web-0' },
      },
      spec: {
        azureIdentityRef: {
          apiVersion: 'aadpodidentity.k8s.io/v1',
          kind: 'AzureIdentity',
          metadata: { name: 'reader', namespace: 'default', uid: 'identity-uid', resourceVersion: '7' },
          spec: { type: 0 },
        },
        azureBindingRef: {
          kind: 'AzureIdentityBinding',
          spec: { azureIdentity: 'reader', selector: 'demo' },
        },
        pod: 'web-0',
        podNamespace: 'shop',
        nodename: 'node-0',
      },
      status: { status: 'Assigned', availableReplicas: 1 },
    });
    expect(only().metadata.finalizers).toBeUndefined();
  });

  test('only the version of the response is read', async () => {
    const { writer, resource } = setUp();
    const create = vi.spyOn(resource, 'create');
    await writer.create(assignmentOf(), 'Assigned');
    expect(create.mock.lastCall?.[1]?.fields).toEqual({
      members: { metadata: { members: { resourceVersion: { upTo: 1024 } } } },
    });
  });

  test('only the annotation of the identity with a meaning is copied', async () => {
    const { writer, only } = setUp();
    await writer.create(assignmentOf(), 'Created');
    expect(only().spec.azureIdentityRef.metadata.annotations).toEqual({
      'aadpodidentity.k8s.io/Behavior': 'namespaced',
    });
  });

  test('no annotation is copied from an identity without that one', async () => {
    const { writer, only } = setUp();
    await writer.create({ ...assignmentOf(), identity: validIdentity() }, 'Created');
    expect(only().spec.azureIdentityRef.metadata).toEqual({ name: 'reader', namespace: 'default' });
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

  test('the trim of MIC reads it back as the same assignment', async () => {
    const { writer, view } = setUp();
    await writer.create(assignmentOf(), 'Assigned');
    expect(view()).toMatchObject({
      podNamespace: 'shop',
      podName: 'web-0',
      podUid: 'uid-shop-web-0',
      nodeName: 'node-0',
      state: 'Assigned',
      identity: 'default/reader',
      binding: 'default/reader-binding',
      hasFinalizer: false,
      meaning: assigned().meaning.length > 0 ? expect.any(String) : '',
    });
  });
});

test('a confirm is one merge patch of the status, of exactly the version in the view', async () => {
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
  test('is one DELETE, of exactly that object', async () => {
    const { writer, view, sent, resource } = setUp();
    await writer.create(assignmentOf(), 'Assigned');
    const seen = view();
    expect(await writer.remove({ ...seen, uid: 'another' })).toMatchObject({ kind: 'stale' });
    expect(await writer.remove(seen)).toEqual({ kind: 'removed' });
    expect(sent.slice(1)).toEqual(['delete assigned', 'delete assigned']);
    expect(resource.objects.size).toBe(0);
  });

  test("C9 removes the original's finalizer first, and keeps those of others", async () => {
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

  test('keeps a finalizer that is added at that moment: the next plan handles it', async () => {
    const { writer, view, only, resource, onSend } = setUp();
    await writer.create(assignmentOf(), 'Assigned');
    resource.put({ ...only(), metadata: { ...only().metadata, finalizers: [finalizer] } });
    const theirs = [finalizer, 'else.example/wait'];
    onSend((name) => {
      if (name === 'patch assigned')
        resource.put({ ...only(), metadata: { ...only().metadata, finalizers: theirs } });
    });
    expect(await writer.remove(view())).toMatchObject({ kind: 'stale' });
    expect(only().metadata.finalizers).toEqual(theirs);
  });

  test('of an object that lost its finalizer meanwhile adds none', async () => {
    const { writer, view, resource } = setUp();
    await writer.create(assignmentOf(), 'Assigned');
    const left: unknown[] = [];
    resource.onChange = (_key, object) => object && left.push(object.metadata.finalizers);
    expect(await writer.remove({ ...view(), hasFinalizer: true })).toEqual({ kind: 'removed' });
    expect(left).toEqual([[]]);
  });

  test('stops between the finalizer and the object when the term ends', async () => {
    const { writer, view, sent, lapse, onSend } = setUp();
    await writer.create(assignmentOf(), 'Assigned');
    onSend(lapse);
    expect(await writer.remove({ ...view(), hasFinalizer: true })).toEqual({ kind: 'fenced' });
    expect(sent).toEqual(['create assigned', 'patch assigned']);
  });

  test('of a missing object succeeds', async () => {
    const { writer } = setUp();
    expect(await writer.remove(assigned())).toEqual({ kind: 'removed' });
  });
});

describe('a name that is taken', () => {
  test('by the same assignment (the response to an earlier POST was lost): adopted', async () => {
    const { writer, only } = setUp();
    await writer.create(assignmentOf(), 'Created');
    expect(await writer.create(assignmentOf(), 'Assigned')).toMatchObject({ kind: 'written' });
    expect(only().status.status).toBe('Assigned');
  });

  test('by the same assignment, while the term ends: not changed', async () => {
    const { writer, only, sent, lapse, onSend } = setUp();
    await writer.create(assignmentOf(), 'Created');
    onSend(lapse);
    expect(await writer.create(assignmentOf(), 'Assigned')).toEqual({ kind: 'fenced' });
    expect(only().status.status).toBe('Created');
    expect(sent).toEqual(['create assigned', 'create assigned']);
  });

  test('by the same assignment, changed by others at that moment: not overwritten', async () => {
    const { writer, only, resource, onSend } = setUp();
    await writer.create(assignmentOf(), 'Created');
    onSend((name) => {
      if (name === 'replace assigned')
        resource.put({ ...only(), spec: { ...only().spec, pod: 'somebody-else' } });
    });
    expect(await writer.create(assignmentOf(), 'Assigned')).toMatchObject({ kind: 'stale' });
    expect(only().spec.pod).toBe('somebody-else');
  });

  test('W-S14 by another pod: not overwritten', async () => {
    const { writer, only, resource } = setUp();
    await writer.create(assignmentOf(), 'Created');
    resource.put({ ...only(), spec: { ...only().spec, pod: 'somebody-else' } });
    expect(await writer.create(assignmentOf(), 'Assigned')).toMatchObject({ kind: 'stale', isRefusal: true });
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
  ['already-exists', 'stale'],
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

test.each([
  ['denied', true],
  ['invalid', true],
  ['unavailable', undefined],
  ['throttled', undefined],
] as const)('%s lasts, as a refusal: %s', async (code, isRefusal) => {
  const { writer, fail } = setUp();
  fail(code);
  const outcome = await writer.confirm(assigned());
  expect(outcome.kind === 'failed' && outcome.isRefusal).toBe(isRefusal);
});

test('an error of MIC itself is thrown, and not treated as a refusal', async () => {
  const { writer, crash } = setUp();
  crash();
  await expect(writer.confirm(assigned())).rejects.toThrow('bug');
});

test.each([
  ['create', 'create'],
  ['create', 'get'],
  ['create', 'replace'],
  ['update', 'replace'],
  ['confirm', 'patch'],
  ['remove', 'delete'],
  ['release', 'get'],
  ['release', 'patch'],
] as const)('a %s whose %s is not answered ends with the term', async (step, verb) => {
  const { writer, view, resource, end } = setUp();
  await writer.create(assignmentOf(), 'Created');
  resource.hanging = verb;
  const outcome = {
    create: () => writer.create(assignmentOf(), 'Assigned'),
    update: () => writer.update(assignmentOf(), view(), 'Assigned'),
    confirm: () => writer.confirm(view()),
    remove: () => writer.remove(view()),
    release: () => writer.remove({ ...view(), hasFinalizer: true }),
  }[step]();
  await new Promise(setImmediate);
  end();
  expect(await outcome).toEqual({ kind: 'fenced' });
});

describe('a create that finds nothing', () => {
  test('in a namespace, or of a kind, that does not exist is a refusal: nothing was removed, and the pod waits', async () => {
    const { writer, fail } = setUp();
    fail('not-found');
    expect(await writer.create(assignmentOf(), 'Created')).toEqual({
      kind: 'failed',
      message: 'not-found!',
      isRefusal: true,
    });
  });

  test('under a name that was taken a moment ago is to be repeated', async () => {
    const { writer, fail } = setUp();
    fail('already-exists');
    expect(await writer.create(assignmentOf(), 'Created')).toEqual({
      kind: 'failed',
      message: 'the object that had its name has just been deleted',
    });
  });
});
