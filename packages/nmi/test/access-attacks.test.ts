// Attacks on rights to Azure identities, each with nothing but what the owner of a namespace can do.
import { apiVersion, machineTarget } from '@pod-identity/crd-types';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, describe, expect, it } from 'vitest';
import {
  asked,
  evil,
  rbac,
  selectors,
  startAccessStage,
  targetsOf,
  type AccessStage,
} from './access-stage.ts';
import { passing, type Nmi } from './harness.ts';

const stages: AccessStage[] = [];
afterEach(async () => {
  for (const stage of stages.splice(0)) await stage.stop();
});
const start = async () => {
  const stage = await startAccessStage();
  stages.push(stage);
  return stage;
};

/** The statuses of requests by every selector. */
const tryAll = async (stage: AccessStage, nmi: Nmi, from: string) => {
  const statuses: number[] = [];
  for (const selector of selectors(stage.victim, stage.victimClientId))
    statuses.push((await nmi.send(asked(from, selector))).status);
  return statuses;
};

const spellings = (id: string): readonly (readonly [string, string])[] => [
  ['as it is', id],
  ['in upper case', id.toUpperCase()],
  ['in lower case', id.toLowerCase()],
  ['with a trailing slash', `${id}/`],
  ['with two trailing slashes', `${id}//`],
  ['with an escaped letter', id.replace('kiosk', '%6Biosk')],
  ['with an escaped slash', id.replace('/kiosk', '%2Fkiosk')],
  ['with a dot segment', id.replace('/kiosk', '/./kiosk')],
  ['with the sign for kelvin', id.replace('kiosk', '\u212Aios\u212A')],
  ['with a long s', id.replace('userAssigned', 'u\u017FerA\u017F\u017Figned')],
  ['with a full-width letter', id.replace('kiosk', '\uFF4Biosk')],
  ['with a dotless i', id.replace('Identity', '\u0131dentity')],
  ['with a space', `${id} `],
  ['with a query', `${id}?x=1`],
];

describe('(a) an identity that the ServiceAccount has no right to', () => {
  it.each(['standard', 'managed'])('gives no token, however it is spelled, in mode %s', async (mode) => {
    const stage = await start();
    const nmi = await stage.nmi([...rbac, `--operation-mode=${mode}`, '--hold=0s', '--binding-grace=0s']);
    const from = await stage.evilPod();
    for (const [, resourceID] of spellings(stage.victim)) {
      await stage.write({ type: 0, resourceID, clientID: stage.victimClientId }).catch(() => undefined);
      const statuses = await tryAll(stage, nmi, from);
      expect(statuses.every((status) => status === 400)).toBe(true);
      await stage.cluster.client
        .request('DELETE', `/apis/${apiVersion}/namespaces/${evil}/azureidentities/evil`)
        .catch(() => undefined);
      await stage.cluster.client
        .request('DELETE', `/apis/${apiVersion}/namespaces/${evil}/azureidentitybindings/evil`)
        .catch(() => undefined);
    }
    expect(stage.imdsCalls()).toBe(0);
  });

  it.each(['namespace', 'warn', 'rbac'])(
    'of type 3 gives no token by a right on its application, and none from the machine, in mode %s',
    async (mode) => {
      const stage = await start();
      const clientID = stage.victimClientId;
      const tenantID = '72f988bf-86f1-41af-91ab-2d7cd011db47';
      await stage.grant(`${evil}/default`, targetsOf({ type: 1, clientID, tenantID }));
      await stage.write({ type: 3, resourceID: stage.victim, clientID, tenantID });
      const nmi = await stage.nmi([`--identity-access=${mode}`, '--hold=0s', '--binding-grace=0s']);
      const from = await stage.evilPod();
      expect(await tryAll(stage, nmi, from)).not.toContain(200);
      expect(stage.imdsCalls()).toBe(0);
      expect((await nmi.send(asked(from))).text).toContain('--broker');
    },
  );

  it('gives no token under the client id of one and the resource id of another', async () => {
    const stage = await start();
    const own = await stage.cluster.identity({ namespace: evil, name: 'own' });
    stage.attach(own);
    await stage.grant(`${evil}/default`, targetsOf({ type: 0, resourceID: own.resourceId }));
    const from = await stage.evilPod();
    const nmi = await stage.nmi([...rbac, '--operation-mode=managed']);
    await stage.write({ type: 0, resourceID: own.resourceId, clientID: stage.victimClientId });
    const bodies = [];
    for (const selector of selectors(stage.victim, stage.victimClientId)) {
      const { status, text } = await nmi.send(asked(from, selector));
      if (status === 200) bodies.push(text);
    }
    expect(bodies.join()).not.toContain(stage.victimClientId);
    const before = stage.imdsCalls();
    await stage.cluster.client.request(
      'DELETE',
      `/apis/${apiVersion}/namespaces/${evil}/azureidentities/evil`,
    );
    await stage.cluster.client.request('POST', `/apis/${apiVersion}/namespaces/${evil}/azureidentities`, {
      apiVersion,
      kind: 'AzureIdentity',
      metadata: { name: 'evil', namespace: evil },
      spec: { type: 0, resourceID: stage.victim, clientID: own.clientId },
    });
    const { status } = await nmi.send(asked(from, `&client_id=${own.clientId}`));
    expect(status).toBe(400);
    expect(stage.imdsCalls()).toBe(before);
  });

  it('is not granted by a Role and a RoleBinding of the namespace', async () => {
    const stage = await start();
    await stage.write({ type: 0, resourceID: stage.victim });
    const group = '/apis/rbac.authorization.k8s.io/v1';
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'all', namespace: evil },
      rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }],
    };
    await stage.cluster.client.request('POST', `${group}/namespaces/${evil}/roles`, role);
    await stage.cluster.client.request('POST', `${group}/namespaces/${evil}/rolebindings`, {
      ...role,
      kind: 'RoleBinding',
      rules: undefined,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'all' },
      subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: evil }],
    });
    const nmi = await stage.nmi([...rbac, '--operation-mode=managed']);
    expect(await tryAll(stage, nmi, await stage.evilPod())).not.toContain(200);
    expect(stage.imdsCalls()).toBe(0);
  });

  it('has a memory of tokens that belongs to nobody: the right of one is none of another', async () => {
    const stage = await start();
    await stage.write({ type: 0, resourceID: stage.victim });
    await stage.grant(`${evil}/good`, targetsOf({ type: 0, resourceID: stage.victim }));
    const nmi = await stage.nmi([...rbac, '--operation-mode=managed']);
    const good = await stage.evilPod({ name: 'good', account: 'good' });
    const bad = await stage.evilPod({ name: 'bad' });
    expect((await nmi.send(asked(good))).status).toBe(200);
    expect((await nmi.send(asked(bad))).status).toBe(400);
    expect((await nmi.send(asked(good))).status).toBe(200);
    expect(stage.imdsCalls()).toBe(1);
  });
});

describe('(b) a right that is withdrawn', () => {
  const serving = async () => {
    const stage = await start();
    await stage.write({ type: 0, resourceID: stage.victim });
    const withdraw = await stage.grant(`${evil}/default`, targetsOf({ type: 0, resourceID: stage.victim }));
    const from = await stage.evilPod();
    const clock = createFakeClock(Date.now());
    const nmi = await stage.nmi([...rbac, '--operation-mode=managed'], clock);
    const ask = () => nmi.send(asked(from));
    expect((await ask()).status).toBe(200);
    return { stage, withdraw, from, clock, nmi, ask };
  };

  it('gives no cached token after --access-max-age, over a connection that is kept too', async () => {
    const { withdraw, clock, ask } = await serving();
    await withdraw();
    const withdrawnAt = clock.now();
    const answers: (readonly [number, number])[] = [];
    for (let second = 0; second < 25; second += 1) {
      answers.push([clock.now() - withdrawnAt, (await ask()).status]);
      await clock.advance(1_000);
    }
    const late = answers.filter(([ms, status]) => ms > 15_000 && status === 200);
    expect(late).toEqual([]);
    expect(answers.at(-1)?.[1]).toBe(400);
  });
});

describe('(c) reviews that come to nothing', () => {
  const reviews = { service: 'kube', path: /subjectaccessreviews/ };
  it.each([
    ['are throttled', { status: 429 }],
    ['fail', { status: 503 }],
    ['are forbidden', { status: 403 }],
    ['say nothing', { status: 201, body: {} }],
    [
      'say allowed in words',
      { status: 201, body: { kind: 'SubjectAccessReview', status: { allowed: 'true' } } },
    ],
    ['are of another kind', { status: 201, body: { kind: 'Status', status: { allowed: true } } }],
    ['are cut off', { drop: true }],
    ['never end', { hang: true }],
  ] as const)('give no token when they %s', async (_, then) => {
    const stage = await start();
    await stage.write({ type: 0, resourceID: stage.victim });
    await stage.grant(`${evil}/default`, targetsOf({ type: 0, resourceID: stage.victim }));
    const from = await stage.evilPod();
    const clock = createFakeClock(Date.now());
    stage.sim.kube.faults.add({ match: reviews, then });
    const nmi = await stage.nmi([...rbac, '--operation-mode=managed'], clock);
    const { status } = await passing(nmi.send(asked(from)), { clock, what: 'a refusal' });
    expect(status).toBe(503);
    expect(stage.imdsCalls()).toBe(0);
    const problems = await nmi.agent.readiness.problems();
    expect(problems.join()).toContain('subjectaccessreviews');
  });
});

describe('(e) an exception without the right on the machine', () => {
  it.each(['', '&client_id=', '&msi_res_id='])('frees nobody (%s)', async (selector) => {
    const stage = await start();
    await stage.cluster.exception({ namespace: evil, name: 'free', podLabels: { free: 'yes' } });
    const from = await stage.evilPod({ labels: { free: 'yes' } });
    const nmi = await stage.nmi(rbac);
    const value = selector.startsWith('&client') ? stage.victimClientId : encodeURIComponent(stage.victim);
    const { status, body } = await nmi.send(asked(from, selector === '' ? '' : selector + value));
    expect(status).toBe(400);
    expect(String(body['error_description'])).toContain(`machines ${stage.machineId.toLowerCase()}`);
    expect(stage.imdsCalls()).toBe(0);
  });

  it('frees the pod with it', async () => {
    const stage = await start();
    await stage.cluster.exception({ namespace: evil, name: 'free', podLabels: { free: 'yes' } });
    const machine = machineTarget(stage.machineId);
    await stage.grant(`${evil}/default`, machine.ok ? [machine.value] : []);
    const from = await stage.evilPod({ labels: { free: 'yes' } });
    const nmi = await stage.nmi(rbac);
    const named = await nmi.send(asked(from, `&client_id=${stage.victimClientId}`));
    expect(named.status).toBe(200);
  });

  it('counts in the stated namespaces only, in mode namespace', async () => {
    const stage = await start();
    await stage.cluster.exception({ namespace: evil, name: 'free', podLabels: { free: 'yes' } });
    const from = await stage.evilPod({ labels: { free: 'yes' } });
    const closed = await stage.nmi(['--exception-namespaces=kube-system']);
    expect((await closed.send(asked(from))).status).toBe(400);
    const open = await stage.nmi(['--exception-namespaces=kube-system,shop']);
    expect((await open.send(asked(from, `&client_id=${stage.victimClientId}`))).status).toBe(200);
  });

  it('frees nobody while the metadata service does not say which machine this is', async () => {
    const stage = await start();
    await stage.cluster.exception({ namespace: evil, name: 'free', podLabels: { free: 'yes' } });
    const machine = machineTarget(stage.machineId);
    await stage.grant(`${evil}/default`, machine.ok ? [machine.value] : []);
    stage.sim.azure.faults.add({ match: { service: 'imds', path: /instance/ }, then: { status: 500 } });
    const from = await stage.evilPod({ labels: { free: 'yes' } });
    const nmi = await stage.nmi(rbac);
    expect((await nmi.send(asked(from))).status).toBe(503);
    expect(stage.imdsCalls()).toBe(0);
  });
});

describe('(f) a service principal of somebody else', () => {
  const tenant = '11111111-1111-1111-1111-111111111111';
  const foreign = '22222222-2222-2222-2222-222222222222';
  const clientID = '33333333-3333-3333-3333-333333333333';
  const spec = (over: object = {}) => ({
    type: 1,
    clientID,
    tenantID: tenant,
    clientPassword: { name: 'password', namespace: evil },
    ...over,
  });

  it.each<[string, object]>([
    ['in a tenant without the right', { tenantID: foreign }],
    ['in an auxiliary tenant without the right', { auxiliaryTenantIDs: [foreign] }],
    ['with a client id without the right', { clientID: '44444444-4444-4444-4444-444444444444' }],
    ['at a login endpoint that is not allowed', { adEndpoint: 'https://evil.example' }],
    ['with a Secret of another namespace', { clientPassword: { name: 'password', namespace: 'default' } }],
    ['with a tenant that is a path', { tenantID: `${tenant}/../${foreign}` }],
  ])('is not asked for %s', async (_, over) => {
    const stage = await start();
    await stage.write(spec(over)).catch(() => undefined);
    await stage.grant(`${evil}/default`, targetsOf(spec()));
    const from = await stage.evilPod();
    const nmi = await stage.nmi([...rbac, '--binding-grace=0s']);
    const mark = stage.sim.kube.journal.mark();
    const { status } = await nmi.send(asked(from));
    expect(status).toBe(400);
    expect(stage.sim.azure.journal.count({ service: 'entra' })).toBe(0);
    expect(stage.sim.kube.journal.count({ path: /secrets/, since: mark })).toBe(0);
  });
});

describe('(g) a mirror pod, which the kubelet of a stolen node creates in any namespace', () => {
  it.each(['namespace', 'warn', 'rbac'])('gets no token and is told why, in mode %s', async (mode) => {
    const stage = await start();
    await stage.write({ type: 0, resourceID: stage.victim, clientID: stage.victimClientId });
    await stage.grant(`${evil}/default`, targetsOf({ type: 0, resourceID: stage.victim }));
    const nmi = await stage.nmi([`--identity-access=${mode}`, '--operation-mode=managed']);
    const from = await stage.evilPod({ isMirror: true });
    const { status, body } = await nmi.send(asked(from));
    expect([status, body['error_description']]).toEqual([
      400,
      `Identity not found. Pod ${evil}/evil has no ServiceAccount, and only pods with one get an identity; static pods have none: run it by a Deployment or a DaemonSet instead, or set spec.serviceAccountName if the cluster does not do so.`,
    ]);
    expect(await tryAll(stage, nmi, from)).not.toContain(200);
    expect([stage.imdsCalls(), stage.reviews()]).toEqual([0, 0]);
  });

  it.each(['namespace', 'warn', 'rbac'])('is freed by no exception, in mode %s', async (mode) => {
    const stage = await start();
    await stage.cluster.exception({ namespace: evil, name: 'free', podLabels: { free: 'yes' } });
    const machine = machineTarget(stage.machineId);
    await stage.grant(`${evil}/default`, machine.ok ? [machine.value] : []);
    const nmi = await stage.nmi([`--identity-access=${mode}`]);
    const from = await stage.evilPod({ labels: { free: 'yes' }, isMirror: true });
    expect(await tryAll(stage, nmi, from)).not.toContain(200);
    expect(stage.imdsCalls()).toBe(0);
  });

  it('is not named at /host/token with success', async () => {
    const stage = await start();
    await stage.write({ type: 0, resourceID: stage.victim, clientID: stage.victimClientId });
    const nmi = await stage.nmi(['--operation-mode=managed', '--enable-host-token']);
    await stage.evilPod({ isMirror: true });
    await stage.evilPod({ name: 'web' });
    const host = (pod: string) =>
      nmi.send({
        ...asked('127.0.0.1'),
        path: '/host/token/',
        headers: { podname: pod, podns: evil },
      });
    expect((await host('web')).status).toBe(200);
    expect((await host('evil')).status).not.toBe(200);
  });
});

describe('a cluster whose API server allows everything', () => {
  it('makes an agent in mode rbac not ready, and no token leaves', async () => {
    const stage = await start();
    await stage.write({ type: 0, resourceID: stage.victim });
    const from = await stage.evilPod();
    const body = {
      kind: 'SubjectAccessReview',
      apiVersion: 'authorization.k8s.io/v1',
      status: { allowed: true },
    };
    stage.sim.kube.faults.add({ match: { path: /subjectaccessreviews/ }, then: { status: 201, body } });
    const nmi = await stage.nmi([...rbac, '--operation-mode=managed']);
    expect((await nmi.send(asked(from))).status).toBe(503);
    const problems = await nmi.agent.readiness.problems();
    expect(problems.join()).toContain('invented user');
    expect(stage.imdsCalls()).toBe(0);
  });
});

describe('the modes', () => {
  it('namespace asks nothing and gives the token', async () => {
    const stage = await start();
    await stage.write({ type: 0, resourceID: stage.victim });
    const from = await stage.evilPod();
    const nmi = await stage.nmi(['--operation-mode=managed']);
    expect((await nmi.send(asked(from))).status).toBe(200);
    expect(stage.reviews()).toBe(0);
    expect(await nmi.metricsText()).toContain('nmi_identity_access{mode="namespace"} 1');
  });

  it('warn gives the token, and says who would be refused', async () => {
    const stage = await start();
    await stage.write({ type: 0, resourceID: stage.victim });
    const from = await stage.evilPod();
    const nmi = await stage.nmi(['--operation-mode=managed', '--identity-access=warn']);
    expect((await nmi.send(asked(from))).status).toBe(200);
    await expect.poll(() => nmi.lines.join('')).toContain(`azure-pod-identity access ${evil}/default`);
    expect(await nmi.metricsText()).toMatch(/nmi_access_warnings_total [1-9]/);
  });

  it.each([
    ['rbac', 400],
    ['warn', 200],
    ['nonsense', 400],
  ])('of a Namespace (%s) makes it stricter for its pods alone', async (mode, status) => {
    const stage = await start();
    await stage.write({ type: 0, resourceID: stage.victim });
    await stage.cluster.client.request('PATCH', `/api/v1/namespaces/${evil}`, {
      metadata: { annotations: { 'aadpodidentity.k8s.io/identity-access': mode } },
    });
    const from = await stage.evilPod();
    const nmi = await stage.nmi(['--operation-mode=managed']);
    expect((await nmi.send(asked(from))).status).toBe(status);
  });

  it('rbac cannot be loosened by a Namespace', async () => {
    const stage = await start();
    await stage.write({ type: 0, resourceID: stage.victim });
    await stage.cluster.client.request('PATCH', `/api/v1/namespaces/${evil}`, {
      metadata: { annotations: { 'aadpodidentity.k8s.io/identity-access': 'namespace' } },
    });
    const nmi = await stage.nmi([...rbac, '--operation-mode=managed']);
    expect((await nmi.send(asked(await stage.evilPod()))).status).toBe(400);
  });

  it('rbac opens no namespace to another one by --forceNamespaced=false', async () => {
    const stage = await start();
    await stage.grant(`${evil}/default`, targetsOf({ type: 0, resourceID: stage.victim }));
    await stage.cluster.binding({ name: 'all', identity: 'kiosk', selector: 'evil' });
    const from = await stage.evilPod();
    const nmi = await stage.nmi([...rbac, '--forceNamespaced=false', '--binding-grace=0s']);
    expect((await nmi.send(asked(from))).status).toBe(400);
  });

  it.each([
    ['names', { names: [evil] }],
    ['labels', { selector: { matchLabels: { team: 'shop' } } }],
  ])(
    'rbac serves another namespace that the identity allows by %s, and only with the right',
    async (_, allowed) => {
      const stage = await start();
      const { client } = stage.cluster;
      await client.request('PATCH', `/api/v1/namespaces/${evil}`, {
        metadata: { labels: { team: 'shop', 'identities-from.aadpodidentity.k8s.io/default': 'true' } },
      });
      await client.request('POST', `/apis/${apiVersion}/namespaces/default/azureidentities`, {
        apiVersion,
        kind: 'AzureIdentity',
        metadata: { name: 'shared', namespace: 'default' },
        spec: { type: 0, resourceID: stage.victim, allowedNamespaces: allowed },
      });
      await stage.cluster.binding({ name: 'shared', identity: 'shared', selector: 'evil' });
      const from = await stage.evilPod();
      const nmi = await stage.nmi([...rbac, '--operation-mode=managed', '--binding-grace=0s']);
      const refused = await nmi.send(asked(from));
      expect(refused.status).toBe(400);
      expect(String(refused.body['error_description'])).toContain(
        `azure-pod-identity access ${evil}/default`,
      );
      await stage.grant(`${evil}/default`, targetsOf({ type: 0, resourceID: stage.victim }));
      const granted = await stage.nmi([...rbac, '--operation-mode=managed', '--binding-grace=0s']);
      expect((await granted.send(asked(from))).status).toBe(200);
    },
  );
});
