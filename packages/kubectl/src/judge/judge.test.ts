import { expect, test } from 'vitest';
import type { Rules } from '../rights/modes.ts';
import type { Right } from '../rights/verdicts.ts';
import type { ClusterRead, PodRead } from '../cluster/read-cluster.ts';
import { createTrims } from '../../../mic/src/commands/plug-in.ts';
import { judge } from './judge.ts';

const rules: Rules = { mode: 'rbac', isKnown: true, forceNamespaced: true, notes: [] };
const trims = createTrims();
const read = <T>(...items: readonly T[]) => ({ kind: 'read', items }) as const;
const apiVersion = 'aadpodidentity.k8s.io/v1';
const resourceID =
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i';
const clientID = '00000000-0000-0000-0000-000000000001';

function identity(key: string, spec: object = {}, ready?: object) {
  const [namespace, name] = key.split('/');
  const metadata = { namespace, name };
  const raw = {
    apiVersion,
    kind: 'AzureIdentity',
    metadata,
    spec: { type: 0, resourceID, clientID, ...spec },
  };
  const view = trims.identity(raw);
  if (view === undefined) throw new TypeError('no view');
  const condition = { status: 'False', reason: '', message: '', isOutdated: false, ...ready };
  return { view, ready: ready && condition };
}

function binding(key: string, azureIdentity: string, selector = 'web') {
  const [namespace, name] = key.split('/');
  const view = trims.binding({
    apiVersion,
    kind: 'AzureIdentityBinding',
    metadata: { namespace, name },
    spec: { azureIdentity, selector },
  });
  if (view === undefined) throw new TypeError('no view');
  return { view, ready: undefined };
}

const pod = (of: Partial<PodRead> = {}): PodRead => ({
  namespace: 'shop',
  name: 'web-0',
  labels: { aadpodidbinding: 'web' },
  serviceAccount: 'cart',
  nodeName: 'n',
  isFinished: false,
  isOnHostNetwork: false,
  ...of,
});

const world = (of: Partial<ClusterRead> = {}): ClusterRead => ({
  namespace: undefined,
  services: { nmi: [], mic: [], broker: [], imitations: [], unknown: ['not looked for'] },
  agents: { pods: [], unknown: [] },
  identities: read(identity('shop/vault')),
  bindings: read(binding('shop/vault', 'vault')),
  exceptions: read(),
  records: read(),
  pods: read(pod()),
  nodes: read(),
  namespaces: read(),
  secrets: new Map(),
  ...of,
});

const judged = (of: Partial<ClusterRead>, right: Right = 'allowed') =>
  judge({ read: world(of), rules, rightOf: () => right });

const exception = (podLabels: Readonly<Record<string, string>>) => ({
  apiVersion: 'aadpodidentity.k8s.io/v1' as const,
  kind: 'AzurePodIdentityException' as const,
  metadata: { namespace: 'shop', name: 'team' },
  spec: { podLabels },
});
const denied = { kind: 'not-read', why: 'denied', text: 'you may not list it' } as const;
const pods = [0, 1, 2].map((at) => pod({ name: `web-${at}`, labels: { team: 'a' } }));
const principal = identity('shop/vault', { type: 1, tenantID: clientID, clientPassword: { name: 'key' } });

test.for<readonly [what: string, of: Partial<ClusterRead>, state: string, says: string, remedy?: string]>([
  ['nothing is known of bindings', { bindings: denied }, 'unknown', 'you may not list'],
  [
    'a Secret is not there',
    { identities: read(principal), secrets: new Map([['shop/key', false]]) },
    'problem',
    'Secret shop/key, which does not exist',
    'create it',
  ],
  [
    'the identity is in another namespace',
    { identities: read(identity('pay/vault')) },
    'problem',
    'names AzureIdentity shop/vault',
    'pay/vault is in another namespace',
  ],
  [
    'the identity is one letter off',
    { bindings: read(binding('shop/vault', 'valt')) },
    'problem',
    'names AzureIdentity shop/valt',
    "'vault' is probably meant",
  ],
  [
    'the label key is the kind',
    { pods: read(pod({ labels: { aadpodidentitybinding: 'web' } })) },
    'problem',
    'the label aadpodidentitybinding',
    'correct it',
  ],
  [
    'the label key has another case',
    { pods: read(pod({ labels: { aadPodIdBinding: 'web' } })) },
    'problem',
    'the label aadPodIdBinding',
    'correct it',
  ],
  [
    'an exception is for a whole team',
    { pods: read(...pods), exceptions: read(exception({ team: 'a' })) },
    'problem',
    'the pods of a whole team',
    'a label of their own',
  ],
  [
    'a right is there that MIC misses',
    { identities: read(identity('shop/vault', {}, { reason: 'AccessDenied' })) },
    'waiting',
    'granted; MIC looks again within 5 minutes',
  ],
  [
    'MIC refuses the identity',
    { identities: read(identity('shop/vault', {}, { reason: 'Rejected', message: 'Azure refused' })) },
    'problem',
    'Azure refused',
  ],
])('%s', ([, of, state, says, remedy]) => {
  const [cause] = judged(of).causes;
  expect(cause).toMatchObject({ state, text: expect.stringContaining(says) as string });
  if (remedy !== undefined) expect(cause?.remedy?.text).toContain(remedy);
});

test('pods with the same cause are one cause', () => {
  const two = read(pod(), pod({ name: 'web-1' }));
  const { causes } = judged({ pods: two }, 'refused');
  expect(causes.map(({ text, pods: own }) => [text, own])).toEqual([
    [expect.stringContaining('ServiceAccount shop/cart may not use'), ['shop/web-0', 'shop/web-1']],
  ]);
  expect(causes[0]?.remedy?.paste).toContain('kind: ClusterRole');
});

test('a pod on the host network reaches the machine, and acts as nothing', () => {
  const [row] = judged({ pods: read(pod({ isOnHostNetwork: true })) }).pods;
  expect(row).toMatchObject({
    state: 'ok',
    identities: [],
    why: expect.stringContaining('machine') as string,
  });
});
