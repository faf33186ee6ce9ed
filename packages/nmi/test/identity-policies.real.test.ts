// deploy/policies/identity-access*.yaml on a real API server: who may write which AzureIdentity, exceptions and the binding label.
import { setTimeout as pause } from 'node:timers/promises';
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import { startApiServer, type RunningApiServer } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { established } from '../../../tools/stage/cluster.ts';
import { connectImpersonator } from '../../../tools/stage/impersonation.ts';
import { applyObject, readManifests } from '../../../tools/stage/objects.ts';
import { inDeploy } from '../../../tools/stage/places.ts';

const server = await startApiServer({ flavour: 'v1.36' });
if ('skipped' in server)
  console.log(`the tests of deploy/policies/identity-access are skipped: ${server.skipped}`);
describe.skipIf('skipped' in server)('with the policies of deploy/policies/identity-access', () => {
  if (!('skipped' in server)) suite(server);
});

const subscription = '/subscriptions/00000000-0000-0000-0000-00000000000a';
const group = `${subscription}/resourcegroups/pay`;
const provider = 'providers/Microsoft.ManagedIdentity/userAssignedIdentities';
const reader = `${group}/${provider}/reader`;
const writer = `${group}/${provider}/writer`;
const elsewhere = `/subscriptions/other/resourceGroups/pay/${provider}/reader`;
const client = '00000000-0000-0000-0000-00000000000c';
const tenant = '72f988bf-86f1-41af-91ab-2d7cd011db47';
const lower = (text: string) => text.toLowerCase();

/** Users with every verb in namespace pay, and what each may use by a ClusterRoleBinding. */
const users: Readonly<Record<string, readonly [resource: string, names: readonly string[]] | undefined>> = {
  nobody: undefined,
  'by-id': ['managedidentities', [lower(reader)]],
  'by-group': ['managedidentities', [lower(group)]],
  'by-subscription': ['managedidentities', [lower(subscription)]],
  'by-application': ['applications', [`contoso.com/${client}`, `${tenant}/${client}`]],
  'by-tenant': ['applications', ['contoso.com', `fabrikam.com/${client}`]],
  'by-federated': ['federatedidentities', [`${tenant}/${client}`]],
  'all-identities': ['managedidentities', []],
  'all-machines': ['machines', []],
  'one-machine': ['machines', ['/subscriptions/a']],
};

/** Of an object, whose own name is another one each time unless it is given. */
interface Spec {
  readonly name?: string;
  readonly [field: string]: unknown;
}

function suite(api: RunningApiServer) {
  let call: Awaited<ReturnType<typeof connectImpersonator>>;
  let admin: KubeTransport;
  let serial = 0;

  const apply = async (...files: string[]) => {
    for (const file of files)
      for (const object of await readManifests(inDeploy(file))) await applyObject(admin, object);
  };
  const api1 = '/apis/aadpodidentity.k8s.io/v1/namespaces/pay';
  const as = (user: string) => ({ user, groups: ['system:authenticated'] });
  const post = (user: string, kind: string, { name = `o${++serial}`, ...spec }: Spec) =>
    call({
      method: 'POST',
      path: `${api1}/${kind === 'AzureIdentity' ? 'azureidentities' : 'azurepodidentityexceptions'}`,
      body: {
        apiVersion: 'aadpodidentity.k8s.io/v1',
        kind,
        metadata: { name, namespace: 'pay' },
        spec,
      },
      as: as(user),
    });
  const identity = (user: string, spec: Spec) => post(user, 'AzureIdentity', spec);
  const editAt = (path: string, user: string, patch: object) =>
    call({ method: 'PATCH', path: `${api1}/${path}`, body: patch, as: as(user) });
  const edit = (user: string, name: string, patch: object) => editAt(`azureidentities/${name}`, user, patch);

  beforeAll(async () => {
    call = await connectImpersonator(api.kubeconfig, api.server);
    admin = await connectKube({ kubeconfig: api.kubeconfig, userAgent: 'identity-policies-test' });
    await apply('crds');
    await established(admin);
    const rbac = 'rbac.authorization.k8s.io';
    const all = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];
    const subject = (name: string) => ({ apiGroup: rbac, kind: 'User', name });
    await applyObject(admin, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'pay' } });
    const owner = { apiVersion: `${rbac}/v1`, metadata: { name: 'owner', namespace: 'pay' } };
    await applyObject(admin, { ...owner, kind: 'Role', rules: all });
    const roleRef = { apiGroup: rbac, kind: 'Role', name: 'owner' };
    const subjects = Object.keys(users).map(subject);
    await applyObject(admin, { ...owner, kind: 'RoleBinding', roleRef, subjects });
    for (const [name, right] of Object.entries(users)) {
      if (!right) continue;
      const [resource, resourceNames] = right;
      const own = { apiVersion: `${rbac}/v1`, metadata: { name } };
      const rule = { apiGroups: ['azure.aadpodidentity.k8s.io'], resources: [resource], verbs: ['use'] };
      const rules = [resourceNames.length === 0 ? rule : { ...rule, resourceNames }];
      await applyObject(admin, { ...own, kind: 'ClusterRole', rules });
      await applyObject(admin, {
        ...own,
        kind: 'ClusterRoleBinding',
        roleRef: { apiGroup: rbac, kind: 'ClusterRole', name },
        subjects: [subject(name)],
      });
    }
    await apply('policies/identity-access.yaml', 'policies/identity-access-deny.yaml');
    // The API server takes a moment to put rights and policies into force, and has no sign that says when it has.
    for (let attempt = 0; attempt < 600; attempt += 1) {
      const allowed = [
        await identity('by-id', { resourceID: reader }),
        await identity('by-tenant', { type: 1, tenantID: 'contoso.com', clientID: client }),
        await post('all-machines', 'AzurePodIdentityException', { podLabels: { a: 'b' } }),
      ];
      const refused = [
        await identity('nobody', { resourceID: reader }),
        await post('nobody', 'AzurePodIdentityException', { podLabels: { a: 'b' } }),
      ];
      if ([...allowed, ...refused].every(({ status }, at) => status === (at < 3 ? 201 : 403))) return;
      await pause(100);
    }
    throw new Error('the policies were not in force within 600 attempts');
  });
  afterAll(async () => {
    await admin.close();
    await api.stop();
  });

  it.each<[user: string, spec: Spec]>([
    ['by-id', { resourceID: reader }],
    ['by-id', { type: 0, resourceID: `${reader.toUpperCase()}/` }],
    ['by-id', { ResourceID: reader }],
    ['by-group', { resourceID: writer }],
    ['by-subscription', { resourceID: writer }],
    ['by-application', { type: 1, tenantID: 'Contoso.com', clientID: client }],
    ['by-application', { Type: 1, TenantID: 'contoso.com', ClientID: client }],
    ['by-tenant', { type: 2, tenantID: 'contoso.com', clientID: client }],
    [
      'by-tenant',
      { type: 1, tenantID: 'contoso.com', clientID: client, auxiliaryTenantIDs: ['fabrikam.com'] },
    ],
    ['by-federated', { type: 3, tenantID: tenant.toUpperCase(), clientID: client }],
    ['all-identities', { resourceID: elsewhere }],
    [
      'by-id',
      { resourceID: reader, namespaces: [], thePodsOfNamespaces: [], tenantIDs: [], allowedNamespaces: {} },
    ],
  ])('%s writes an AzureIdentity with %j', async (user, spec) => {
    expect(await identity(user, spec)).toMatchObject({ status: 201 });
  });

  it.each<[user: string, spec: Spec]>([
    ['nobody', { resourceID: reader }],
    ['by-id', { resourceID: writer }],
    ['by-id', { resourceID: reader, ResourceID: writer }],
    ['by-id', { resourceID: reader, type: 0, RESOURCEID: writer }],
    ['by-id', { type: 1, tenantID: 'contoso.com', clientID: client }],
    ['by-id', { resourceID: reader, Type: 1, tenantID: 'contoso.com', clientID: client }],
    ['by-id', { resourceID: `${group}x/${provider}/reader` }],
    ['by-group', { resourceID: elsewhere }],
    ['by-subscription', { resourceID: elsewhere }],
    ['by-application', { type: 1, tenantID: 'fabrikam.com', clientID: client }],
    [
      'by-application',
      { type: 1, tenantID: 'contoso.com', clientID: client, auxiliaryTenantIDs: ['fabrikam.com'] },
    ],
    ['by-application', { type: 1, tenantID: 'contoso.com', TenantID: 'fabrikam.com', clientID: client }],
    ['by-tenant', { type: 1, tenantID: 'contoso.com', clientID: client, auxiliaryTenantIDs: ['other.com'] }],
    [
      'by-tenant',
      {
        type: 1,
        tenantID: 'contoso.com',
        clientID: client,
        auxiliaryTenantIDs: ['fabrikam.com', 'contoso.com', 'fabrikam.com', 'other.com'],
      },
    ],
    ['by-application', { type: 3, tenantID: tenant, clientID: client }],
    ['by-federated', { type: 1, tenantID: tenant, clientID: client }],
    ['by-federated', { type: 3, tenantID: tenant.replace('7', '8'), clientID: client }],
    ['all-identities', { type: 1, tenantID: 'contoso.com', clientID: client }],
  ])('%s does not write an AzureIdentity with %j', async (user, spec) => {
    const { status } = await identity(user, spec);
    expect([403, 422]).toContain(status);
  });

  it.each(['TYPE', 'tYpe'])(
    'attack: an identity of type 0 is judged as one of the type in %s, which nobody reads',
    async (key) => {
      const spec = { resourceID: reader, [key]: 1, tenantID: 'contoso.com', clientID: client };
      expect(await identity('by-application', spec)).toMatchObject({ status: 403 });
    },
  );

  it('tells who lacks which right, what grants it and how to check it', async () => {
    const { message } = await identity('nobody', { resourceID: reader });
    for (const part of [
      'access-denied: nobody may not use',
      'apiGroups [azure.aadpodidentity.k8s.io]',
      `resourceNames [${lower(reader)}]`,
      `kubectl azure-pod-identity access NAMESPACE/SERVICEACCOUNT ${lower(reader)}`,
    ])
      expect(message).toContain(part);
    const application = await identity('nobody', { type: 1, tenantID: 'Contoso.com', clientID: client });
    expect(application.message).toContain(`resourceNames [contoso.com/${client}]`);
    const federated = await identity('nobody', { type: 3, tenantID: tenant, clientID: client });
    expect(federated.message).toContain(
      `resources [federatedidentities], resourceNames [${tenant}/${client}]`,
    );
    expect(federated.message).toContain(`SERVICEACCOUNT federatedidentities/${tenant}/${client}`);
  });

  it('lets everybody edit what does not name another identity', async () => {
    await identity('by-id', { name: 'kept', resourceID: reader, clientID: client });
    const labels = await edit('nobody', 'kept', { metadata: { labels: { team: 'a' } } });
    expect(labels).toMatchObject({ status: 200 });
    expect(await edit('nobody', 'kept', { spec: { adResourceID: 'x' } })).toMatchObject({ status: 200 });
    expect(await edit('nobody', 'kept', { spec: { resourceID: writer } })).toMatchObject({ status: 403 });
    expect(await edit('by-group', 'kept', { spec: { resourceID: writer } })).toMatchObject({ status: 200 });
  });

  it.each<[type: number, user: string, spec: Spec]>([
    [0, 'by-id', { ResourceID: reader, ClientID: client }],
    [0, 'by-id', { Type: 0, ResourceID: reader, ClientID: client }],
    [1, 'by-application', { Type: 1, TenantID: 'contoso.com', ClientID: client }],
  ])(
    'lets MIC rewrite an old spelling of the same identity of type %i, and no other',
    async (type, user, spec) => {
      const name = `old${++serial}`;
      expect(await identity(user, { name, ...spec })).toMatchObject({ status: 201 });
      const old = Object.fromEntries(Object.keys(spec).map((key) => [key, null]));
      const { ResourceID: resourceID, TenantID: tenantID } = spec;
      const rewritten = { ...old, type, clientID: client, ...(type === 0 ? { resourceID } : { tenantID }) };
      for (const change of [{ type: 1 - type }, { Type: 1 - type }, { clientID: 'other' }])
        expect(await edit('nobody', name, { spec: { ...rewritten, ...change } })).not.toMatchObject({
          status: 200,
        });
      expect(await edit('nobody', name, { spec: rewritten })).toMatchObject({ status: 200 });
    },
  );

  it('lets MIC rewrite an old spelling of the same exception, and no other', async () => {
    const name = `old${++serial}`;
    const podLabels = { app: 'x' };
    await post('all-machines', 'AzurePodIdentityException', { name, PodLabels: podLabels, clientIDs: ['a'] });
    const rewrite = (spec: object) =>
      editAt(`azurepodidentityexceptions/${name}`, 'nobody', {
        spec: { PodLabels: null, podLabels, ...spec },
      });
    for (const change of [
      { podLabels: { app: 'y' } },
      { PodLabels: podLabels },
      { clientIDs: null },
      { extra: 1 },
    ])
      expect(await rewrite(change)).toMatchObject({ status: 403 });
    expect(await rewrite({})).toMatchObject({ status: 200 });
  });

  it.each([
    ['nobody', 403],
    ['one-machine', 403],
    ['all-identities', 403],
    ['all-machines', 201],
  ])('exceptions of %s get %i', async (user, status) => {
    const spec = { podLabels: { app: 'x' } };
    expect(await post(user, 'AzurePodIdentityException', spec)).toMatchObject({ status });
  });

  describe('the binding label of a pod', () => {
    const pods = '/api/v1/namespaces/pay/pods';
    const create = async (name: string, spec: object) =>
      call({
        method: 'POST',
        path: pods,
        body: {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name, namespace: 'pay', labels: { aadpodidbinding: 'a' } },
          spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
        },
      });
    const relabel = (user: string, name: string, value: string | null) =>
      call({
        method: 'PATCH',
        path: `${pods}/${name}`,
        body: { metadata: { labels: { aadpodidbinding: value, other: `${++serial}` } } },
        as: as(user),
      });

    it('is changed on a node by holders of the right on all identities only', async () => {
      await create('running', { nodeName: 'n1' });
      const { status, message } = await relabel('by-subscription', 'running', 'b');
      expect([status, message]).toEqual([403, expect.stringContaining('change it in the pod template')]);
      expect(await relabel('by-subscription', 'running', null)).toMatchObject({ status: 403 });
      expect(await relabel('nobody', 'running', 'a')).toMatchObject({ status: 200 });
      expect(await relabel('all-identities', 'running', 'b')).toMatchObject({ status: 200 });
    });

    it('is changed by everybody while the pod has no node', async () => {
      await create('pending', {});
      expect(await relabel('nobody', 'pending', 'b')).toMatchObject({ status: 200 });
    });
  });

  it('only warns with identity-access-warn.yaml', async () => {
    await apply('policies/identity-access-warn.yaml');
    for (let attempt = 0; attempt < 600; attempt += 1) {
      const { status, warnings } = await identity('nobody', { resourceID: reader });
      if (status === 201) {
        expect(warnings.join()).toContain('access-denied: nobody may not use');
        return;
      }
      await pause(100);
    }
    throw new Error('the policies did not turn into warnings within 600 attempts');
  });
}
