// `mic access` and `mic access-report` against the simulated API server.
import { rolesFor, type AccessTarget } from '@pod-identity/crd-types';
import { connectKube, createAccessReviewer } from '@pod-identity/kit/kube';
import { createLog, createPrinter, systemClock } from '@pod-identity/kit/serve';
import { cluster, kubeClient, startSim, type Cluster, type Sim } from '@pod-identity/sim';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { accessCommand } from '../src/commands/access.ts';
import { accessReportCommand } from '../src/commands/access-report.ts';
import { targetsOf } from '../src/commands/run-access.ts';
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

async function look<T>(run: (looking: Parameters<typeof targetsOf>[0]) => Promise<T>): Promise<T> {
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

const printed = () => {
  const lines: string[] = [];
  return { lines, printer: createPrinter((line) => void lines.push(line)) };
};

async function access(account: string, target?: AccessTarget) {
  const [namespace = '', name = ''] = account.split('/');
  const { lines, printer } = printed();
  const code = await look((looking) =>
    accessCommand({
      subject: { namespace, name },
      target,
      inUse: () => targetsOf(looking, { namespace, name }),
      reviewer: createAccessReviewer(looking.transport),
      signal: looking.signal,
      printer,
    }),
  );
  return { code, text: lines.join('\n') };
}

async function report() {
  const { lines, printer } = printed();
  const code = await look((looking) => accessReportCommand({ ...looking, printer }));
  const objects = parseAllDocuments(lines.join('\n'))
    .map((document) => document.toJS() as { kind: string } | null)
    .filter((object) => object !== null);
  return { code, lines, objects };
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

const reader: AccessTarget = {
  resource: 'managedidentities',
  names: [
    identityId('pay-reader').toLowerCase(),
    identityId('pay-reader').toLowerCase().split('/providers')[0]!,
    '/subscriptions/00000000-0000-0000-0000-00000000000a',
  ],
};

describe('mic access', () => {
  it('ends when its time is over, although the API server gives no list', async () => {
    sim.kube.faults.add({ match: { path: /^\/api/ }, then: { hang: true } });
    const late = new AbortController();
    const ended = look((looking) =>
      targetsOf({ ...looking, signal: late.signal }, { namespace: 'pay', name: 'web' }),
    );
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
    const asked = look((looking) => targetsOf(looking, { namespace: 'pay', name: 'web' }));
    await expect(asked).rejects.toMatchObject({
      code: 'denied',
      message: expect.stringMatching(message) as string,
    });
  });

  it('needs no right to watch, nor to list Namespaces or AzureAssignedIdentities', async () => {
    await use('pay', 'web');
    sim.kube.faults.add({ match: { path: /azureassigned/ }, then: { status: 403 } });
    sim.kube.faults.add({ match: { path: /^\/api/, query: /watch=true/ }, then: { status: 403 } });
    sim.kube.faults.add({ match: { path: /\/namespaces$/ }, then: { status: 403 } });
    expect((await access('pay/web')).text).toContain(`may not use managedidentities ${reader.names[0]}`);
  });

  it('ends with 2 when the API server does not answer reviews', async () => {
    sim.kube.faults.add({ match: { path: /subjectaccessreviews/ }, then: { status: 503 } });
    expect(await access('pay/web', reader)).toMatchObject({
      code: 2,
      text: expect.stringContaining('is not known') as string,
    });
  });

  it('prints the missing role, and after it was applied, the right', async () => {
    await use('pay', 'web');
    const before = await access('pay/web', reader);
    expect([before.code, before.text.includes('✗ ServiceAccount pay/web may not use')]).toEqual([1, true]);
    const yaml = before.text.slice(before.text.indexOf('apiVersion:'));
    const objects = parseAllDocuments(yaml).map((document) => document.toJS() as { kind: string });
    await apply(objects);
    expect(await access('pay/web', reader)).toEqual({
      code: 0,
      text: `✓ ServiceAccount pay/web may use managedidentities ${reader.names[0]}\n  by a right on this identity: ${reader.names[0]}`,
    });
  });

  it('prints the level of a wider right', async () => {
    const wide: AccessTarget = { ...reader, names: [reader.names[1]!] };
    await apply(rolesFor({ subjects: [{ namespace: 'pay', name: 'web' }], targets: [wide] }).objects);
    expect((await access('pay/web', reader)).text).toContain('by a right on its resource group:');
  });

  it('checks the identities that pods of the ServiceAccount use if none is given', async () => {
    await use('pay', 'web');
    await town.exception({ namespace: 'pay', name: 'all', podLabels: { aadpodidbinding: 'APP' } });
    const { code, text } = await access('pay/web');
    expect(code).toBe(1);
    expect(text).toContain(`may not use managedidentities ${reader.names[0]}`);
    expect(text).toContain(`may not use machines ${scaleSetId('vmss1').toLowerCase()}`);
    const other = await access('pay/default');
    expect([other.code, other.text.includes('no pod of ServiceAccount pay/default uses')]).toEqual([1, true]);
  });

  it('reports an API server that allows everything to everyone', async () => {
    const { lines, printer } = printed();
    const code = await accessCommand({
      subject: { namespace: 'pay', name: 'web' },
      target: reader,
      inUse: () => Promise.resolve([]),
      reviewer: { review: () => Promise.resolve(true) },
      signal: new AbortController().signal,
      printer,
    });
    expect([code, lines.at(-1)?.includes('AlwaysAllow')]).toEqual([1, true]);
  });
});

describe('mic access-report', () => {
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
    const { code, objects } = await report();
    expect([code, objects.length]).toEqual([0, 6]);
    await apply(objects);
    for (const account of ['pay/web', 'shop/default', 'kube-system/agent'])
      expect([account, (await access(account)).code]).toEqual([account, 0]);
    expect((await access('pay/default', reader)).code).toBe(1);
    expect((await access('shop/web', reader)).code).toBe(1);
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
    const { code, lines, objects } = await report();
    expect([code, objects.length]).toEqual([0, 2]);
    expect(lines.join('\n')).toContain('AzurePodIdentityExceptions: whoever asks may not list them');
    expect(lines.at(-1)).toContain('Roles could not be listed');
  });

  it('is printed despite an invalid exception', async () => {
    await use('pay', 'web');
    await town.exception({ namespace: 'shop', name: 'bad', podLabels: { 'no such label!': 'x' } });
    const { code, lines, objects } = await report();
    expect([code, objects.length]).toEqual([0, 2]);
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
    expect(objects).toEqual(
      rolesFor({ subjects: [{ namespace: 'pay', name: 'web' }], targets: [reader] }).objects,
    );
    expect(lines).toContain('# - AzureIdentity shop/taken');
    // The right itself is still told.
    expect((await access('shop/default')).text).toContain(`federatedidentities ${tenantID}/${clientID}`);
  });

  it('attack: gives nobody a right in a namespace where the right decides already, and names the objects', async () => {
    await use('pay', 'web');
    await use('shop', 'default');
    await town.exception({ namespace: 'shop', name: 'all', podLabels: { aadpodidbinding: 'app' } });
    await kubeClient(sim.kube.url).request('PATCH', '/api/v1/namespaces/shop', {
      metadata: { annotations: { 'aadpodidentity.k8s.io/identity-access': 'rbac' } },
    });
    const { lines, objects } = await report();
    expect(objects).toEqual(
      rolesFor({ subjects: [{ namespace: 'pay', name: 'web' }], targets: [reader] }).objects,
    );
    expect(lines).toContain('# - AzureIdentity shop/reader');
    expect(lines).toContain('# - AzurePodIdentityException shop/all');
  });
});
