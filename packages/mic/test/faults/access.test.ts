// Rights on Azure identities, withheld, withdrawn and not answered for, with whole MICs.
import { parseAccessTarget, rolesFor, type AccessMode } from '@pod-identity/crd-types';
import type { KubeObject } from '@pod-identity/sim';
import { afterEach, describe, expect, test } from 'vitest';
import { identityId } from '../stage.ts';
import { setScene, type Scene } from './scene.ts';

let scene: Scene;
const enter = async () =>
  (scene = await setScene({ scaleSets: [{ name: 'vmss1', instances: 1 }], azure: { armLatencyMs: 0 } }));
afterEach(() => scene[Symbol.asyncDispose]());

const minuteMs = 60_000;
const rbac = { access: 'rbac' as AccessMode };
const apiVersion = 'aadpodidentity.k8s.io/v1';
const namespaces = ['pay', 'evil'];

const pod = (namespace: string, name: string, serviceAccountName = 'web'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels: { aadpodidbinding: 'app' } },
  spec: { nodeName: 'vmss1-0', serviceAccountName },
  status: { phase: 'Running' },
});
const identity = (namespace: string, name: string, spec: object): KubeObject => ({
  apiVersion,
  kind: 'AzureIdentity',
  metadata: { name, namespace },
  spec,
});
const binding = (namespace: string, name: string, selector = 'app'): KubeObject => ({
  apiVersion,
  kind: 'AzureIdentityBinding',
  metadata: { name, namespace },
  spec: { azureIdentity: name, selector },
});

/** Pods of `pay` may use `payer`, by a right that their team was given. */
async function payTeam() {
  scene.sim.kube.seed(
    namespaces.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
  );
  const { clientId } = scene.sim.azure.world.addIdentity({ resourceId: identityId('payer') });
  const spec = { type: 0, resourceID: identityId('payer') };
  scene.sim.kube.seed([identity('pay', 'payer', spec), binding('pay', 'payer'), pod('pay', 'till')]);
  await grant('pay/web', identityId('payer'));
  return { clientId };
}

const rolesOf = (account: string, id: string) => {
  const [namespace = '', name = ''] = account.split('/');
  const parsed = parseAccessTarget(id);
  if (!parsed.ok) throw new TypeError(id);
  return rolesFor({ subjects: [{ namespace, name }], targets: [parsed.value] }).objects;
};
const rolePath = (kind: string) => `/apis/rbac.authorization.k8s.io/v1/${kind.toLowerCase()}s`;

async function grant(account: string, id: string) {
  for (const object of rolesOf(account, id))
    await scene.town.client.request('POST', rolePath(object.kind), object).catch((error: unknown) => {
      // The role is that of all who use the identity.
      if (object.kind !== 'ClusterRole') throw error;
    });
}

async function withdraw(account: string, id: string) {
  for (const { kind, metadata } of rolesOf(account, id))
    await scene.town.client.request('DELETE', `${rolePath(kind)}/${metadata.name}`);
}

const records = (namespace: string) =>
  scene.sim.kube
    .list('azureassignedidentities')
    .filter(({ spec }) => (spec as { podNamespace: string }).podNamespace === namespace)
    .map(({ metadata, status }) => `${metadata.name}: ${(status as { status: string }).status}`)
    .sort();
const reviews = () => scene.sim.kube.journal.count({ path: /subjectaccessreviews/ });
const onReviews = (then: Parameters<Scene['armFault']>[1], times?: number) =>
  scene.sim.kube.faults.add({
    match: { path: /subjectaccessreviews/ },
    then,
    ...(times !== undefined && { times }),
  });

test('a pod whose ServiceAccount has the right gets its identity', async () => {
  await enter();
  await payTeam();
  await scene.startMic(rbac);
  await scene.until(() => records('pay').join() === 'till-pay-payer: Assigned');
  expect(scene.attached('vmss1')).toContain('payer');
});

describe('a namespace without the right', () => {
  const payer = identityId('payer');
  const spellings: readonly [string, object][] = [
    ['as it is', { type: 0, resourceID: payer }],
    ['in capitals', { type: 0, resourceID: payer.toUpperCase() }],
    ['in small letters', { type: 0, resourceID: payer.toLowerCase() }],
    ['with a slash at the end', { type: 0, resourceID: `${payer}/` }],
    ['with an escape', { type: 0, resourceID: payer.replace('payer', 'p%61yer') }],
    ['with a look-alike', { type: 0, resourceID: payer.replace('payer', 'pаyer') }],
    ['with a letter that is smaller than it looks', { type: 0, resourceID: payer.replace('k', 'K') }],
    ['with spaces', { type: 0, resourceID: ` ${payer} ` }],
    ['with a doubled slash', { type: 0, resourceID: payer.replace('/providers', '//providers') }],
  ];

  test.each(spellings)(
    'that names an id of others, %s, gets no record and costs no call to Azure',
    async (_, spec) => {
      await enter();
      await payTeam();
      await scene.remove('pods', 'none').catch(() => undefined);
      await scene.town.client.request('DELETE', '/api/v1/namespaces/pay/pods/till');
      scene.sim.kube.seed([
        identity('evil', 'theirs', spec),
        binding('evil', 'theirs'),
        pod('evil', 'thief'),
      ]);
      await scene.startMic(rbac);
      await scene.pass(2 * minuteMs, 5_000);
      expect(records('evil')).toEqual([]);
      expect(scene.sim.azure.journal.count({ service: 'arm' })).toBe(0);
    },
  );

  test('that states the client id of one and the resource id of another is refused by what it would get', async () => {
    await enter();
    const { clientId } = await payTeam();
    scene.sim.azure.world.addIdentity({ resourceId: identityId('own') });
    await grant('evil/web', identityId('own'));
    scene.sim.kube.seed([
      identity('evil', 'mixed', { type: 0, resourceID: payer, clientID: clientId }),
      identity('evil', 'own', { type: 0, resourceID: identityId('own'), clientID: clientId }),
      binding('evil', 'mixed'),
      binding('evil', 'own'),
      pod('evil', 'thief'),
    ]);
    await scene.startMic(rbac);
    await scene.until(() => records('evil').join() === 'thief-evil-own: Assigned');
    await scene.pass(minuteMs, 5_000);
    expect(records('evil')).toEqual(['thief-evil-own: Assigned']);
  });

  test('that forges the record itself loses it, and nothing is attached for it', async () => {
    await enter();
    await payTeam();
    await scene.town.client.request('DELETE', '/api/v1/namespaces/pay/pods/till');
    const spec = { type: 0, resourceID: payer };
    scene.sim.kube.seed([
      identity('evil', 'theirs', spec),
      binding('evil', 'theirs'),
      pod('evil', 'thief'),
      {
        apiVersion,
        kind: 'AzureAssignedIdentity',
        metadata: { name: 'thief-evil-theirs', namespace: 'default', labels: { nodename: 'vmss1-0' } },
        spec: {
          pod: 'thief',
          podNamespace: 'evil',
          nodename: 'vmss1-0',
          azureIdentityRef: { metadata: { name: 'theirs', namespace: 'evil' }, spec },
          azureBindingRef: {
            metadata: { name: 'theirs', namespace: 'evil' },
            spec: { azureIdentity: 'theirs', selector: 'app' },
          },
        },
        status: { status: 'Assigned' },
      },
    ]);
    await scene.startMic(rbac);
    await scene.until(() => records('evil').length === 0);
    await scene.pass(minuteMs, 5_000);
    expect([records('evil'), scene.sim.azure.journal.count({ service: 'arm' })]).toEqual([[], 0]);
  });

  test('is told on the pod and on the AzureIdentity which right is missing', async () => {
    await enter();
    await payTeam();
    const spec = { type: 0, resourceID: payer };
    scene.sim.kube.seed([identity('evil', 'theirs', spec), binding('evil', 'theirs'), pod('evil', 'thief')]);
    await scene.startMic(rbac);
    await scene.until(() => scene.events('AccessDenied').includes('Pod/thief'));
    const condition = () => {
      const [object] = scene.sim.kube.list('azureidentities', 'evil');
      const status = object?.['status'] as { conditions?: { reason: string; message: string }[] } | undefined;
      return status?.conditions?.[0];
    };
    await scene.until(() => condition()?.reason === 'AccessDenied');
    expect(condition()?.message).toContain(
      `kubectl azure-pod-identity access evil/web ${payer.toLowerCase()}`,
    );
    expect(condition()?.message).toContain('kind: ClusterRoleBinding');
  });

  test('gets the identity soon after it was granted the right', async () => {
    await enter();
    await payTeam();
    const spec = { type: 0, resourceID: payer };
    scene.sim.kube.seed([identity('evil', 'theirs', spec), binding('evil', 'theirs'), pod('evil', 'later')]);
    await scene.startMic(rbac);
    await scene.pass(5_000);
    expect(records('evil')).toEqual([]);
    await grant('evil/web', payer);
    await scene.until(() => records('evil').length === 1, 30_000);
  });
});

describe('a pod that waits for its right', () => {
  const assignedWithinMs = 15_000;
  const late = async () => {
    await enter();
    await payTeam();
    await withdraw('pay/web', identityId('payer'));
    await scene.startMic(rbac);
  };
  const isAssigned = (name: string) => () => records('pay').includes(`${name}-pay-payer: Assigned`);

  test.each([20, 35, 80, 170, 280])('gets it within 15 s, also when it was granted after %d s', async (s) => {
    await late();
    await scene.pass(s * 1_000, 1_000);
    expect(records('pay')).toEqual([]);
    await grant('pay/web', identityId('payer'));
    await scene.until(isAssigned('till'), assignedWithinMs);
  });

  test('gets it as soon if an older pod of its ServiceAccount has waited for an hour', async () => {
    await late();
    await scene.pass(60 * minuteMs, 10_000);
    const before = reviews();
    await scene.until(() => reviews() > before, 6 * minuteMs);
    scene.sim.kube.seed([pod('pay', 'new')]);
    await scene.pass(30_000, 1_000);
    await grant('pay/web', identityId('payer'));
    await scene.until(isAssigned('new'), assignedWithinMs);
  });

  test('gets it as soon while a thousand ServiceAccounts of another namespace wait as well', async () => {
    await late();
    const spec = { type: 0, resourceID: identityId('payer') };
    const others = Array.from({ length: 1_000 }, (_, count) => pod('evil', `pod-${count}`, `sa-${count}`));
    scene.sim.kube.seed([identity('evil', 'theirs', spec), binding('evil', 'theirs'), ...others]);
    await scene.pass(80_000, 1_000);
    await grant('pay/web', identityId('payer'));
    await scene.until(isAssigned('till'), assignedWithinMs);
  });
});

describe('a right that is withdrawn', () => {
  const settled = async () => {
    await enter();
    await payTeam();
    const mic = await scene.startMic(rbac);
    await scene.until(() => records('pay').join() === 'till-pay-payer: Assigned');
    return mic;
  };

  test('is given back after two refusals: no record, and the identity leaves the host', async () => {
    await settled();
    await withdraw('pay/web', identityId('payer'));
    await scene.until(
      () => records('pay').length === 0 && !scene.attached('vmss1').includes('payer'),
      6 * minuteMs,
    );
  });

  test.each([
    ['fail', { status: 500 }],
    ['are throttled', { status: 429, headers: { 'retry-after': '1' } }],
    ['are forbidden', { status: 403 }],
    ['break', { drop: true }],
    [
      'come as something else',
      { status: 201, body: { kind: 'SubjectAccessReview', status: { allowed: 'no' } } },
    ],
    ['come without a verdict', { status: 201, body: {} }],
  ] as const)('but whose reviews %s is kept for hours', async (_, then) => {
    await settled();
    await withdraw('pay/web', identityId('payer'));
    const fault = onReviews(then);
    await scene.pass(120 * minuteMs, 20_000);
    expect(fault.fired).toBeGreaterThan(10);
    expect(records('pay')).toEqual(['till-pay-payer: Assigned']);
    expect(scene.attached('vmss1')).toContain('payer');
  });

  test('while one of two refusals is followed by an answer that allows, nothing happens', async () => {
    await settled();
    const before = scene.callsTo('vmss1', 'PATCH').length;
    const body = { kind: 'SubjectAccessReview', status: { allowed: false } };
    // All three names, once.
    const fault = onReviews({ status: 201, body }, 3);
    await scene.pass(15 * minuteMs, 5_000);
    expect([fault.fired, records('pay'), scene.callsTo('vmss1', 'PATCH').length]).toEqual([
      3,
      ['till-pay-payer: Assigned'],
      before,
    ]);
  });
});

describe('a new leader', () => {
  test('that gets no answer neither removes nor detaches what is there, nor adds to it', async () => {
    await enter();
    await payTeam();
    const first = await scene.startMic(rbac);
    await scene.until(() => records('pay').join() === 'till-pay-payer: Assigned');
    first.depose();
    await scene.settle();
    onReviews({ status: 503 });
    scene.sim.kube.seed([pod('pay', 'new')]);
    await scene.startMic(rbac);
    await scene.pass(30 * minuteMs, 10_000);
    expect(records('pay')).toEqual(['till-pay-payer: Assigned']);
    expect(scene.attached('vmss1')).toContain('payer');
    scene.sim.kube.faults.clear();
    await scene.until(() => records('pay').length === 2);
  });

  test('that was deposed unnoticed takes no verdict in', async () => {
    await enter();
    await payTeam();
    const mic = await scene.startMic(rbac);
    await scene.until(() => records('pay').join() === 'till-pay-payer: Assigned');
    await withdraw('pay/web', identityId('payer'));
    mic.deposeUnnoticed();
    const before = reviews();
    await scene.pass(20 * minuteMs, 10_000);
    expect([records('pay'), reviews()]).toEqual([['till-pay-payer: Assigned'], before]);
  });
});

describe('a mirror pod, which the kubelet of a stolen node creates in any namespace', () => {
  const mirror = (name: string, labels: Record<string, string>): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'pay', labels, annotations: { 'kubernetes.io/config.mirror': 'hash' } },
    spec: { nodeName: 'stolen-0' },
    status: { phase: 'Running' },
  });

  test.each<AccessMode>(['namespace', 'warn', 'rbac'])(
    'gets nothing attached to its machine and is told why, in mode %s',
    async (access) => {
      scene = await setScene({
        scaleSets: [
          { name: 'vmss1', instances: 1 },
          { name: 'stolen', instances: 1 },
        ],
        azure: { armLatencyMs: 0 },
      });
      await payTeam();
      await grant('pay/default', identityId('payer'));
      const matchLabels = { tier: 'front' };
      const byOwn = (name: string, spec: object) => ({
        ...binding('pay', name),
        spec: { azureIdentity: 'payer', ...spec },
      });
      scene.sim.kube.seed([
        byOwn('by-labels', { selector: '', podSelector: { matchLabels } }),
        byOwn('by-account', { selector: '', serviceAccountName: 'default' }),
        byOwn('broad', {
          selector: '',
          podSelector: { matchExpressions: [{ key: 'no', operator: 'DoesNotExist' }] },
        }),
        mirror('static-stolen-0', { aadpodidbinding: 'app' }),
        mirror('front-stolen-0', { tier: 'front' }),
      ]);
      await scene.startMic({ access });
      await scene.until(() => records('pay').includes('till-pay-payer: Assigned'));
      await scene.pass(minuteMs, 5_000);
      expect([scene.attached('stolen'), records('pay')]).toEqual([[], ['till-pay-payer: Assigned']]);
      const events = scene.sim.kube
        .list('events', 'pay')
        .filter(({ reason }) => reason === 'IdentityNotFound');
      expect(events.map(({ message }) => message)).toEqual([
        'Identity not found. Pod pay/static-stolen-0 has no ServiceAccount, and only pods with one get an identity; static pods have none: run it by a Deployment or a DaemonSet instead, or set spec.serviceAccountName if the cluster does not do so.',
      ]);
    },
  );
});

test('a storm of pairs of one namespace delays the pod of another by nothing that matters', async () => {
  await enter();
  await payTeam();
  const spec = { type: 0, resourceID: identityId('payer') };
  const storm = Array.from({ length: 400 }, (_, count) => pod('evil', `thief-${count}`, `sa-${count}`));
  scene.sim.kube.seed([identity('evil', 'theirs', spec), binding('evil', 'theirs'), ...storm]);
  await scene.startMic(rbac);
  await scene.until(() => records('pay').join() === 'till-pay-payer: Assigned', 10_000);
  await scene.pass(minuteMs, 1_000);
  expect(records('evil')).toEqual([]);
});

describe('modes', () => {
  test('namespace asks nothing at all', async () => {
    await enter();
    await payTeam();
    const mic = await scene.startMic({ access: 'namespace' });
    await scene.until(() => records('pay').join() === 'till-pay-payer: Assigned');
    await scene.pass(10 * minuteMs, 5_000);
    expect(reviews()).toBe(0);
    expect(await mic.metrics()).toContain('aadpodidentity_mic_identity_access{mode="namespace"} 1');
  });

  test('namespace works with the roles of the original, which do not allow to list Namespaces', async () => {
    await enter();
    await payTeam();
    scene.sim.kube.faults.add({
      match: { path: /\/namespaces$/ },
      then: { status: 403, body: { kind: 'Status', code: 403, reason: 'Forbidden' } },
    });
    const mic = await scene.startMic();
    await scene.until(() => records('pay').join() === 'till-pay-payer: Assigned');
    expect(mic.controller.problem).toBeUndefined();
  });

  test('rbac confines pods to identities of their own namespace, whatever --force-namespaced says', async () => {
    await enter();
    await payTeam();
    await grant('evil/web', identityId('payer'));
    scene.sim.kube.seed([pod('evil', 'guest')]);
    await scene.startMic(rbac);
    await scene.until(() => records('pay').join() === 'till-pay-payer: Assigned');
    await scene.pass(minuteMs, 5_000);
    expect(records('evil')).toEqual([]);
  });

  test('warn gives identities and says who would be refused', async () => {
    await enter();
    await payTeam();
    await withdraw('pay/web', identityId('payer'));
    const mic = await scene.startMic({ access: 'warn' });
    await scene.until(() => records('pay').join() === 'till-pay-payer: Assigned');
    await scene.until(() => scene.events('AccessWouldBeDenied').includes('Pod/till'));
    expect(await mic.metrics()).toContain('aadpodidentity_mic_access_pairs{verdict="denied"} 1');
  });

  test('the annotation of a Namespace makes it stricter, and nothing looser', async () => {
    await enter();
    await payTeam();
    await withdraw('pay/web', identityId('payer'));
    const annotate = (name: string, mode: string | null) =>
      scene.town.client.request('PATCH', `/api/v1/namespaces/${name}`, {
        metadata: { annotations: { 'aadpodidentity.k8s.io/identity-access': mode } },
      });
    await scene.startMic({ access: 'warn' });
    await scene.until(() => records('pay').join() === 'till-pay-payer: Assigned');
    await annotate('pay', 'rbac');
    await scene.until(() => records('pay').length === 0);
    await annotate('pay', 'namespace');
    await scene.until(() => records('pay').join() === 'till-pay-payer: Assigned');
    await annotate('pay', 'rbca');
    await scene.until(() => records('pay').length === 0);
  });

  test('a right that was granted during warn is found before rbac takes anything away', async () => {
    await enter();
    await payTeam();
    await withdraw('pay/web', identityId('payer'));
    const mic = await scene.startMic({ access: 'warn' });
    await scene.until(() => records('pay').join() === 'till-pay-payer: Assigned');
    // The longer a pair has been denied, the later it is asked again.
    await scene.pass(20 * minuteMs, 5_000);
    expect(await mic.metrics()).toContain('aadpodidentity_mic_access_pairs{verdict="denied"} 1');
    const uid = () => scene.sim.kube.list('azureassignedidentities').map(({ metadata }) => metadata.uid);
    const before = uid();
    await grant('pay/web', identityId('payer'));
    await scene.town.client.request('PATCH', '/api/v1/namespaces/pay', {
      metadata: { annotations: { 'aadpodidentity.k8s.io/identity-access': 'rbac' } },
    });
    await scene.pass(minuteMs, 1_000);
    expect(await mic.metrics()).toContain('aadpodidentity_mic_access_pairs{verdict="allowed"} 1');
    expect(uid()).toEqual(before);
    expect(scene.attached('vmss1')).toContain('payer');
  });

  test('rbac is not ready, and gives nobody anything, at an API server that refuses no one', async () => {
    await enter();
    await payTeam();
    onReviews({ status: 201, body: { kind: 'SubjectAccessReview', status: { allowed: true } } });
    const mic = await scene.startMic(rbac);
    await scene.pass(5 * minuteMs, 5_000);
    expect(mic.controller.problem).toContain('AlwaysAllow');
    expect(records('pay')).toEqual([]);
    scene.sim.kube.faults.clear();
    await scene.until(() => records('pay').join() === 'till-pay-payer: Assigned');
    expect(mic.controller.problem).toBeUndefined();
  });
});
