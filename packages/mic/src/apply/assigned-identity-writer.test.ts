import type { AzureAssignedIdentity } from '@pod-identity/crd-types';
import { KubeError } from '@pod-identity/kit/kube';
import { describe, expect, test } from 'vitest';
import { assignment, validBinding, validIdentity } from '../plan/test/assignment.ts';
import { assigned, pod } from '../plan/test/builders.ts';
import type { Assignment } from '../plan/types.ts';
import { createTrims } from '../snapshot/trims.ts';
import { AssignedIdentityWriter } from './assigned-identity-writer.ts';
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
  const writer = new AssignedIdentityWriter(resource, { signal: ending.signal, holds: () => holds });
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
    const { uid, resourceVersion } = only().metadata;
    expect(outcome).toEqual({ kind: 'written', uid, resourceVersion });
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
  test('is one DELETE, of exactly that object and version', async () => {
    const { writer, view, sent, resource } = setUp();
    await writer.create(assignmentOf(), 'Assigned');
    const seen = view();
    expect(await writer.remove({ ...seen, uid: 'another' })).toMatchObject({ kind: 'stale' });
    expect(await writer.remove({ ...seen, resourceVersion: '1' })).toMatchObject({ kind: 'stale' });
    expect(await writer.remove(seen)).toEqual({ kind: 'removed' });
    expect(sent.slice(1)).toEqual(['delete assigned', 'delete assigned', 'delete assigned']);
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

  test("leaves an object with the original's finalizer that is another pod's by now", async () => {
    const { writer, view, only, resource } = setUp();
    await writer.create(assignmentOf(), 'Assigned');
    resource.put({ ...only(), metadata: { ...only().metadata, finalizers: [finalizer] } });
    const seen = view();
    await writer.update(assignmentOf(), seen, 'Assigned');
    expect(await writer.remove(seen)).toMatchObject({ kind: 'stale' });
    expect(only().status.status).toBe('Assigned');
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

test('a name that is taken is read before the next plan: nothing is overwritten', async () => {
  const { writer, only, sent } = setUp();
  await writer.create(assignmentOf(), 'Created');
  expect(await writer.create(assignmentOf(), 'Assigned')).toEqual({ kind: 'stale', message: 'exists' });
  expect(only().status.status).toBe('Created');
  expect(sent).toEqual(['create assigned', 'create assigned']);
});

describe('an update of an object that the API server is about to delete removes and creates it', () => {
  test('of an earlier pod of that name', async () => {
    const { writer, view, only, sent } = setUp();
    await writer.create(assignmentOf(), 'Assigned');
    const { uid, podUid } = view();
    await writer.update(assignmentOf(), { ...view(), podUid: 'earlier' }, 'Assigned');
    expect(sent.slice(1)).toEqual(['delete assigned', 'create assigned']);
    expect(only().metadata.uid).not.toBe(uid);
    expect(view().podUid).toBe(podUid);
  });

  test('and that is gone by then', async () => {
    const { writer, view, resource, only } = setUp();
    await writer.create(assignmentOf(), 'Assigned');
    const earlier = { ...view(), podUid: 'earlier' };
    resource.drop('default/web-0-shop-reader');
    expect(await writer.update(assignmentOf(), earlier, 'Assigned')).toMatchObject({ kind: 'written' });
    expect(only().status.status).toBe('Assigned');
  });

  test('that another object has replaced: it is read first', async () => {
    const { writer, view, only } = setUp();
    await writer.create(assignmentOf(), 'Assigned');
    const earlier = { ...view(), podUid: 'earlier', uid: 'another' };
    expect(await writer.update(assignmentOf(), earlier, 'Created')).toMatchObject({ kind: 'stale' });
    expect(only().status.status).toBe('Assigned');
  });

  test('that is deleted already and kept by a finalizer', async () => {
    const { writer, view, resource, only, sent, onSend } = setUp();
    await writer.create(assignmentOf(), 'Assigned');
    const ending = { ...view(), isEnding: true } as const;
    // As the API server: an object that is deleted ends with its last finalizer.
    onSend((name) => name === 'create assigned' && resource.drop('default/web-0-shop-reader'));
    await writer.update(assignmentOf(), ending, 'Assigned');
    expect(sent.slice(1)).toEqual(['replace assigned', 'create assigned']);
    expect(only().metadata.uid).not.toBe(ending.uid);
  });

  test('not when the term ends in between', async () => {
    const { writer, view, sent, lapse, onSend } = setUp();
    await writer.create(assignmentOf(), 'Assigned');
    onSend(lapse);
    const earlier = { ...view(), podUid: 'earlier' };
    expect(await writer.update(assignmentOf(), earlier, 'Assigned')).toEqual({ kind: 'fenced' });
    expect(sent.slice(1)).toEqual(['delete assigned']);
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

test.each<[KubeError['code'], string, object?]>([
  ['conflict', 'stale'],
  ['already-exists', 'stale'],
  ['gone', 'stale'],
  ['not-found', 'stale'],
  ['aborted', 'fenced'],
  ['throttled', 'failed'],
  ['denied', 'failed', { isRefusal: true }],
  ['unauthorized', 'failed'],
  ['invalid', 'failed', { isRefusal: true }],
  ['unavailable', 'failed'],
  ['transport', 'failed'],
])('%s is answered as %s, not thrown, and lasts if it is a refusal', async (code, kind, lasting = {}) => {
  const { writer, fail } = setUp();
  fail(code);
  const words = kind === 'fenced' ? {} : { message: `${code}!` };
  expect(await writer.confirm(assigned())).toEqual({ kind, ...words, ...lasting });
});

test('an error of MIC itself is thrown, and not treated as a refusal', async () => {
  const { writer, crash } = setUp();
  crash();
  await expect(writer.confirm(assigned())).rejects.toThrow('bug');
});

test.each([
  ['create', 'create'],
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

test('a create in a namespace, or of a kind, that does not exist is a refusal: nothing was removed, and the pod waits', async () => {
  const { writer, fail } = setUp();
  fail('not-found');
  expect(await writer.create(assignmentOf(), 'Created')).toEqual({
    kind: 'failed',
    message: 'not-found!',
    isRefusal: true,
  });
});
