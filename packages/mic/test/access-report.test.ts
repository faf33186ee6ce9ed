// Rights on Azure identities as the kubectl plug-in prints them, against the simulated API server.
import { rolesFor, type AccessTarget } from '@pod-identity/crd-types';
import { connectKube, createAccessReviewer } from '@pod-identity/kit/kube';
import { createLog, systemClock } from '@pod-identity/kit/serve';
import { cluster, kubeClient, startSim, type Cluster, type Sim } from '@pod-identity/sim';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { readAccessReport } from '../src/commands/access-report.ts';
import type { Looking } from '../src/commands/look.ts';
import { reviewTarget } from '../src/commands/review-rights.ts';
import { checkLines } from '../src/tell/access-check.ts';
import { identityId, scaleSetId } from './stage.ts';

let sim: Sim;
let town: Cluster;
let folder: string;
beforeEach(async () => {
  sim = await startSim({});
  town = await cluster(sim, {
    scaleSets: [{ name: 'vmss1', instances: 1 }],
    namespaces: ['pay', 'shop', 'kube-system'],
  });
  folder = await mkdtemp(join(tmpdir(), 'mic-access-'));
  await writeFile(join(folder, 'kubeconfig'), sim.kube.kubeconfig());
});
afterEach(async () => {
  await sim.stop();
  await rm(folder, { recursive: true, force: true });
});

async function look<T>(run: (looking: Looking) => Promise<T>): Promise<T> {
  const transport = await connectKube({ kubeconfig: join(folder, 'kubeconfig'), userAgent: 'test' });
  const log = createLog({ component: 'test', level: 'error', destination: { write: () => undefined } });
  const rules = { forceNamespaced: true };
  const { signal } = new AbortController();
  try {
    return await run({ rules, transport, clock: systemClock, log, signal });
  } finally {
    await transport.close();
  }
}

/** What the plug-in prints of one right. */
async function check(account: string, target: AccessTarget) {
  const [namespace = '', name = ''] = account.split('/');
  const subject = { namespace, name };
  const review = await look(({ transport, signal }) =>
    reviewTarget({ subject, target }, { reviewer: createAccessReviewer(transport), signal }),
  );
  return { kind: review.kind, text: checkLines(subject, target, review).join('\n') };
}

async function report(signal = new AbortController().signal) {
  const lines = await look((looking) => readAccessReport({ ...looking, signal }));
  const objects = parseAllDocuments(lines.join('\n'))
    .map((document) => document.toJS() as { kind: string } | null)
    .filter((object) => object !== null);
  return { lines, objects };
}

const apply = async (objects: readonly { readonly kind: string }[]) => {
  for (const object of objects)
    await kubeClient(sim.kube.url).request(
      'POST',
      `/apis/rbac.authorization.k8s.io/v1/${object.kind.toLowerCase()}s`,
      object,
    );
};

async function use(namespace: string, serviceAccountName: string) {
  await town.identity({ namespace, name: 'reader', resourceId: identityId(`${namespace}-reader`) });
  await town.binding({ namespace, name: 'reader', identity: 'reader', selector: 'app' });
  await town.pod({ namespace, name: 'web', label: 'app', serviceAccountName });
}

const identityTarget = (name: string): AccessTarget => {
  const id = identityId(name).toLowerCase();
  return {
    resource: 'managedidentities',
    names: [id, id.split('/providers')[0]!, '/subscriptions/00000000-0000-0000-0000-00000000000a'],
  };
};
const [reader, shopReader] = [identityTarget('pay-reader'), identityTarget('shop-reader')];
const machine: AccessTarget = { ...reader, resource: 'machines', names: [scaleSetId('vmss1').toLowerCase()] };

const rolesOf = (account: string, target: AccessTarget) => {
  const [namespace = '', name = ''] = account.split('/');
  return rolesFor({ subjects: [{ namespace, name }], targets: [target] }).objects;
};

describe('a right', () => {
  it('is not known when the API server does not answer reviews', async () => {
    sim.kube.faults.add({ match: { path: /subjectaccessreviews/ }, then: { status: 503 } });
    expect(await check('pay/web', reader)).toMatchObject({
      kind: 'unanswered',
      text: expect.stringContaining('is not known') as string,
    });
  });

  it('that is missing is told with the role, and after it was applied, is there', async () => {
    await use('pay', 'web');
    const before = await check('pay/web', reader);
    expect([before.kind, before.text.includes('✗ ServiceAccount pay/web may not use')]).toEqual([
      'refused',
      true,
    ]);
    const yaml = before.text.slice(before.text.indexOf('apiVersion:'));
    const objects = parseAllDocuments(yaml).map((document) => document.toJS() as { kind: string });
    await apply(objects);
    expect(await check('pay/web', reader)).toEqual({
      kind: 'allowed',
      text: `✓ ServiceAccount pay/web may use managedidentities ${reader.names[0]}\n  by a right on this identity: ${reader.names[0]}`,
    });
  });

  it('on a wider level is told with the level', async () => {
    const wide: AccessTarget = { ...reader, names: [reader.names[1]!] };
    await apply(rolesFor({ subjects: [{ namespace: 'pay', name: 'web' }], targets: [wide] }).objects);
    expect((await check('pay/web', reader)).text).toContain('by a right on its resource group:');
  });
});

describe('the report of access', () => {
  it('ends when its time is over, although the API server gives no list', async () => {
    sim.kube.faults.add({ match: { path: /^\/api/ }, then: { hang: true } });
    const late = new AbortController();
    const ended = report(late.signal);
    late.abort();
    await expect(ended).rejects.toMatchObject({ name: 'KubeError', code: 'unavailable' });
  });

  it.each([
    [/^\/api/, /^whoever asks may not list (?:pods|nodes|azureident)/],
    [/\/nodes$/, /^whoever asks may not list nodes at the cluster scope: /],
    [
      /azureidentities$/,
      /^whoever asks may not list azureidentities\.aadpodidentity\.k8s\.io at the cluster /,
    ],
  ])('ends at the first 403 to what it needs, and names the right: %s', async (path, message) => {
    sim.kube.faults.add({ match: { path }, then: { status: 403 } });
    await expect(report()).rejects.toMatchObject({
      code: 'denied',
      message: expect.stringMatching(message) as string,
    });
  });

  it('needs no right to watch, nor to list Namespaces or AzureAssignedIdentities', async () => {
    await use('pay', 'web');
    sim.kube.faults.add({ match: { path: /azureassigned/ }, then: { status: 403 } });
    sim.kube.faults.add({ match: { path: /^\/api/, query: /watch=true/ }, then: { status: 403 } });
    sim.kube.faults.add({ match: { path: /\/namespaces$/ }, then: { status: 403 } });
    expect((await report()).objects).toEqual(rolesOf('pay/web', reader));
  });

  it('prints the roles for all current uses: identities and machines', async () => {
    await use('pay', 'web');
    await use('shop', 'default');
    await town.exception({ namespace: 'kube-system', name: 'agents', podLabels: { app: 'agent' } });
    await town.pod({
      namespace: 'kube-system',
      name: 'agent',
      labels: { app: 'Agent' },
      serviceAccountName: 'agent',
    });
    await town.pod({ namespace: 'kube-system', name: 'other', labels: { app: 'other' } });
    await town.pod({ namespace: 'kube-system', name: 'done', labels: { app: 'agent' }, phase: 'Succeeded' });
    const { objects } = await report();
    expect(objects).toHaveLength(6);
    await apply(objects);
    for (const [account, target] of [
      ['pay/web', reader],
      ['shop/default', shopReader],
      ['kube-system/agent', machine],
    ] as const)
      expect([account, (await check(account, target)).kind]).toEqual([account, 'allowed']);
    expect((await check('pay/default', reader)).kind).toBe('refused');
    expect((await check('shop/web', reader)).kind).toBe('refused');
  });

  it('leaves out pods without a ServiceAccount, which get no identity, and names them', async () => {
    await use('pay', 'default');
    await town.exception({ namespace: 'kube-system', name: 'agents', podLabels: { app: 'agent' } });
    await town.pod({ namespace: 'shop', name: 'web', label: 'app', isMirror: true });
    await town.pod({ namespace: 'kube-system', name: 'agent', labels: { app: 'agent' }, isMirror: true });
    const { lines, objects } = await report();
    expect(lines[1]).toContain('ServiceAccounts: 1; Azure identities and machines: 1.');
    expect(objects).toHaveLength(2);
    const title = lines.indexOf(
      '# These have no ServiceAccount, as static pods: they get no identity, and are not in this report:',
    );
    expect(lines.slice(title + 1, title + 3)).toEqual(['# - kube-system/agent', '# - shop/web']);
  });

  it('is the same each time, and writes nothing', async () => {
    await use('pay', 'web');
    await use('shop', 'default');
    const mark = sim.kube.journal.mark();
    const [one, other] = [await report(), await report()];
    expect(one.lines).toEqual(other.lines);
    const methods = sim.kube.journal.entries({ since: mark }).map(({ method }) => method);
    expect(new Set(methods)).toEqual(new Set(['GET']));
  });

  it('prints the holders of wildcard rights', async () => {
    const metadata = { name: 'everything' };
    const role = { metadata, rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] };
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'everything' };
    const subjects = [{ kind: 'ServiceAccount', namespace: 'ci', name: 'deploy' }];
    const apiVersion = 'rbac.authorization.k8s.io/v1';
    const binding = { apiVersion, kind: 'ClusterRoleBinding', metadata, roleRef, subjects };
    await apply([{ apiVersion, kind: 'ClusterRole', ...role } as { kind: string }, binding]);
    const { lines } = await report();
    expect(lines.join('\n')).toContain(
      '# - ServiceAccount ci/deploy by ClusterRole everything (ClusterRoleBinding everything)',
    );
  });

  it('says what whoever asks may not list', async () => {
    await use('pay', 'web');
    sim.kube.faults.add({
      match: { path: /azurepodidentityexceptions|clusterroles/ },
      then: { status: 403 },
    });
    const { lines, objects } = await report();
    expect(objects).toHaveLength(2);
    expect(lines.join('\n')).toContain('AzurePodIdentityExceptions: whoever asks may not list them');
    expect(lines.at(-1)).toContain('Roles could not be listed');
  });

  it('is printed despite an invalid exception', async () => {
    await use('pay', 'web');
    await town.exception({ namespace: 'shop', name: 'bad', podLabels: { 'no such label!': 'x' } });
    const { lines, objects } = await report();
    expect(objects).toHaveLength(2);
    expect(lines.join('\n')).toMatch(/# - AzurePodIdentityException shop\/bad: ./);
  });

  it('attack: gives nobody a right on a federated identity, whose author chose the ids, and names it', async () => {
    const [clientID, tenantID] = [
      '2c1b6f5e-1111-4222-8333-0123456789ab',
      '72f988bf-86f1-41af-91ab-2d7cd011db47',
    ];
    await use('pay', 'web');
    sim.kube.seed([
      {
        apiVersion: 'aadpodidentity.k8s.io/v1',
        kind: 'AzureIdentity',
        metadata: { namespace: 'shop', name: 'taken' },
        spec: { type: 3, clientID, tenantID },
      },
    ]);
    await town.binding({ namespace: 'shop', name: 'taken', identity: 'taken', selector: 'app' });
    await town.pod({ namespace: 'shop', name: 'web', label: 'app', serviceAccountName: 'default' });
    const { lines, objects } = await report();
    expect(objects).toEqual(rolesOf('pay/web', reader));
    expect(lines).toContain('# - AzureIdentity shop/taken');
  });

  it('attack: gives nobody a right in a namespace where the right decides already, and names the objects', async () => {
    await use('pay', 'web');
    await use('shop', 'default');
    await town.exception({ namespace: 'shop', name: 'all', podLabels: { aadpodidbinding: 'app' } });
    await kubeClient(sim.kube.url).request('PATCH', '/api/v1/namespaces/shop', {
      metadata: { annotations: { 'aadpodidentity.k8s.io/identity-access': 'rbac' } },
    });
    const { lines, objects } = await report();
    expect(objects).toEqual(rolesOf('pay/web', reader));
    expect(lines).toContain('# - AzureIdentity shop/reader');
    expect(lines).toContain('# - AzurePodIdentityException shop/all');
  });
});
