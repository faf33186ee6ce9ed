// Rights to Azure identities on real API servers: NMI asks with the roles of deploy/base and nothing more, and the owner of a
// namespace tries to grant himself what is not his.
import { accessGroup, accessVerb, parseAccessTarget, rolesFor } from '@pod-identity/crd-types';
import { connectKube, KubeError, type KubeTransport } from '@pod-identity/kit/kube';
import { createLog, createMetrics, systemClock } from '@pod-identity/kit/serve';
import { startApiServer, type ApiServerFlavour, type RunningApiServer } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyObject, readManifests, type KubeObject } from '../../../tools/stage/objects.ts';
import { inDeploy } from '../../../tools/stage/places.ts';
import { untilGranted } from '../../../tools/stage/rights.ts';
import { createAccess } from '../src/assemble-access.ts';
import { pairOf } from '../src/access/types.ts';
import { createNamespaceInformer } from '../src/authorize/namespaces.ts';
import { metricSpecs } from '../src/tell/metrics.ts';
import { resourceIdOf } from './builders.ts';
import { connectAs } from './connect-as.ts';

const namespace = 'pay';
const rbac = 'rbac.authorization.k8s.io';
const log = createLog({ component: 'nmi', destination: { write: () => undefined } });

for (const flavour of ['v1.36', 'v1.20'] as const satisfies ApiServerFlavour[]) {
  const server = await startApiServer({ flavour });
  if ('skipped' in server)
    console.log(`the tests against a real API server ${flavour} are skipped: ${server.skipped}`);
  describe.skipIf('skipped' in server)(`the real API server ${flavour}`, () => {
    if (!('skipped' in server)) suite(server);
  });
}

function suite(server: RunningApiServer) {
  const { kubeconfig } = server;
  let admin: KubeTransport;
  let nmi: KubeTransport;
  let owner: KubeTransport;

  /** What a new agent decides for this ServiceAccount. */
  const verdictFor = async (name: string, identity = 'reader') => {
    const stop = new AbortController();
    const config = {
      accessAges: { maxAgeMs: 5_000, graceMs: 0 },
      identityAccess: 'rbac' as const,
      exceptionNamespaces: new Set<string>(),
    };
    const parts = { config, transport: nmi, clock: systemClock, log, metrics: createMetrics(metricSpecs) };
    const { guard, stranger } = createAccess(parts, () => Promise.resolve(undefined));
    const running = stranger.run(stop.signal);
    const subject = { namespace, name };
    const parsed = parseAccessTarget(resourceIdOf(identity));
    const pairs = parsed.ok ? [pairOf(subject, parsed.value)] : [];
    const { verdict } = await guard.review({ mode: 'rbac', subject, pairs }, { namespace, pod: 'uid' });
    stop.abort();
    await running;
    return verdict;
  };
  const role = (kind: 'Role' | 'ClusterRole', name: string, rules: readonly object[]): KubeObject => ({
    apiVersion: `${rbac}/v1`,
    kind,
    metadata: kind === 'Role' ? { name, namespace } : { name },
    rules,
  });
  const bind = (kind: 'RoleBinding' | 'ClusterRoleBinding', to: string, account: string): KubeObject => ({
    apiVersion: `${rbac}/v1`,
    kind,
    metadata: { name: `${to}-${account}`, ...(kind === 'RoleBinding' && { namespace }) },
    roleRef: { apiGroup: rbac, kind: kind === 'RoleBinding' ? 'Role' : 'ClusterRole', name: to },
    subjects: [{ kind: 'ServiceAccount', namespace, name: account }],
  });
  const use = { apiGroups: [accessGroup], resources: ['managedidentities'], verbs: [accessVerb] };

  beforeAll(async () => {
    admin = await connectKube({ kubeconfig, userAgent: 'nmi-test-admin' });
    const everything = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];
    const manifests = await readManifests(inDeploy('base/nmi/rbac.yaml'));
    const objects = [
      ...(await readManifests(inDeploy('base/namespace.yaml'))),
      ...manifests,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      role('Role', 'everything', everything),
      bind('RoleBinding', 'everything', 'owner'),
    ];
    for (const object of objects) await applyObject(admin, object);
    await untilGranted(admin, manifests);
    nmi = await connectAs(server, 'aad-pod-identity/nmi');
    owner = await connectAs(server, `${namespace}/owner`);
  });
  afterAll(async () => {
    await Promise.all([admin, nmi, owner].map((transport) => transport.close()));
    await server.stop();
  });

  it('grants nothing to somebody who was granted nothing', async () => {
    expect(await verdictFor('web')).toBe('denied');
  });

  it('lets the owner of a namespace grant nothing, with every verb in it', async () => {
    const attempts = [
      role('Role', 'use', [use]),
      bind('RoleBinding', 'use', 'web'),
      bind('RoleBinding', 'everything', 'web'),
      bind('RoleBinding', 'everything', 'default'),
    ];
    for (const object of attempts) await applyObject(owner, object);
    for (const object of [
      role('ClusterRole', 'use', [use]),
      bind('ClusterRoleBinding', 'cluster-admin', 'web'),
    ])
      await expect(applyObject(owner, object)).rejects.toThrow(KubeError);
    for (const account of ['web', 'default', 'owner']) expect(await verdictFor(account)).toBe('denied');
  });

  it('lets an administrator grant and withdraw what the remedy says', async () => {
    const parsed = parseAccessTarget(resourceIdOf('reader'));
    const subject = { namespace, name: 'web' };
    const { objects } = rolesFor({ subjects: [subject], targets: parsed.ok ? [parsed.value] : [] });
    for (const object of objects) await applyObject(admin, { ...object });
    await expect.poll(() => verdictFor('web')).toBe('allowed');
    expect(await verdictFor('web', 'writer')).toBe('denied');
    expect(await verdictFor('other')).toBe('denied');
    for (const { kind, metadata } of objects)
      await admin.request({
        method: 'DELETE',
        path: `/apis/${rbac}/v1/${kind.toLowerCase()}s/${metadata.name}`,
      });
    await expect.poll(() => verdictFor('web')).toBe('denied');
  });

  it('counts a right on the resource group, for all ServiceAccounts of a namespace', async () => {
    const group = resourceIdOf('reader').toLowerCase().split('/').slice(0, 5).join('/');
    await applyObject(admin, role('ClusterRole', 'use-group', [{ ...use, resourceNames: [group] }]));
    await applyObject(admin, {
      ...bind('ClusterRoleBinding', 'use-group', 'web'),
      subjects: [{ apiGroup: rbac, kind: 'Group', name: `system:serviceaccounts:${namespace}` }],
    });
    await expect.poll(() => verdictFor('anybody', 'writer')).toBe('allowed');
  });

  it('shows Namespaces to NMI', async () => {
    const end = new AbortController();
    const common = { transport: nmi, clock: systemClock, random: Math.random, log, pageSize: 100 };
    const informer = createNamespaceInformer(common);
    const running = informer.run(end.signal);
    await informer.synced;
    expect(informer.store.get(namespace)).toMatchObject({ name: namespace, access: undefined });
    end.abort();
    await running;
  });

  it('refuses a review to somebody who was not granted reviews', async () => {
    const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec: { user: 'x' } };
    const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
    await expect(owner.request({ method: 'POST', path, body })).rejects.toThrow(KubeError);
  });
}
