// Mistakes that people make, each in a world without another one: the cause that names it, and the remedy.
import { nodeLabel } from '@pod-identity/crd-types';
import { describe, expect, test } from 'vitest';
import type { Rules } from '../rights/modes.ts';
import type { Pair, Right } from '../rights/verdicts.ts';
import { readNode } from '../cluster/node.ts';
import type { ClusterRead, PodRead } from '../cluster/read-cluster.ts';
import type { Installed, Services } from '../cluster/services.ts';
import { createTrims, readMicConfig, type MicConfig } from '../../../mic/src/commands/plug-in.ts';
import { readNmiConfig, type NmiConfig } from '../../../nmi/src/commands/plug-in.ts';
import { judge, requestsOf, type JudgeInput } from './judge.ts';

const rules: Rules = { mode: 'rbac', isKnown: true, forceNamespaced: true, notes: [] };
const trims = createTrims();
const read = <T>(...items: readonly T[]) => ({ kind: 'read', items }) as const;
const apiVersion = 'aadpodidentity.k8s.io/v1';
const group = '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g/providers';
const resourceID = `${group}/Microsoft.ManagedIdentity/userAssignedIdentities/i`;
const clientID = '00000000-0000-0000-0000-000000000001';
const named = (key: string) => ({ namespace: key.split('/')[0] ?? '', name: key.split('/')[1] ?? '' });

function known<T>(view: T | undefined): T {
  if (view === undefined) throw new TypeError('no view');
  return view;
}
function identity(key: string, spec: object = {}, ready?: object) {
  const raw = { apiVersion, kind: 'AzureIdentity', metadata: named(key) };
  const view = known(trims.identity({ ...raw, spec: { type: 0, resourceID, clientID, ...spec } }));
  const condition = { status: 'False', reason: '', message: '', isOutdated: false, ...ready };
  return { view, ready: ready && condition };
}
function binding(key: string, azureIdentity: string, selector = 'web') {
  const raw = { apiVersion, kind: 'AzureIdentityBinding', metadata: named(key) };
  return { view: known(trims.binding({ ...raw, spec: { azureIdentity, selector } })), ready: undefined };
}
const record = (state: string, labels: object = { [nodeLabel]: 'n' }) =>
  known(
    trims.assigned({
      apiVersion,
      kind: 'AzureAssignedIdentity',
      metadata: { namespace: 'shop', name: 'r', labels },
      spec: {
        pod: 'web-0',
        podNamespace: 'shop',
        nodename: 'n',
        azureIdentityRef: { metadata: named('shop/vault'), spec: { type: 0, resourceid: resourceID } },
        azureBindingRef: { metadata: named('shop/vault') },
      },
      status: { status: state },
    }),
  );
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
const exception = (podLabels: Readonly<Record<string, string>>) => ({
  apiVersion: 'aadpodidentity.k8s.io/v1' as const,
  kind: 'AzurePodIdentityException' as const,
  metadata: { namespace: 'shop', name: 'team' },
  spec: { podLabels },
});

function installed<C>(role: Installed<C>['role'], config: Installed<C>['config'], of = {}): Installed<C> {
  return {
    role,
    kind: role === 'nmi' ? 'DaemonSet' : 'Deployment',
    namespace: 'system',
    name: role,
    account: role,
    argv: [],
    env: {},
    image: 'r/x:0.1.0',
    isOriginal: false,
    replicas: { wanted: 1, ready: 1 },
    object: {},
    config,
    ...of,
  };
}
function mic(argv: readonly string[] = [], of = {}): Installed<MicConfig> {
  const reading = readMicConfig({ argv, env: { MIC_POD_NAMESPACE: 'system' }, hostname: 'mic' });
  return installed<MicConfig>('mic', reading.ok ? reading.config : { problems: ['--no'] }, of);
}
function nmi(argv: readonly string[] = [], of = {}): Installed<NmiConfig> {
  const reading = readNmiConfig({ argv: ['--node=n', ...argv], env: {} });
  return installed<NmiConfig>('nmi', reading.kind === 'config' ? reading.config : { problems: ['--no'] }, of);
}
const agent = {
  namespace: 'system',
  name: 'nmi-n',
  node: 'n',
  container: 'nmi',
  isReady: true,
  why: '',
  restarts: 0,
};
const node = readNode({
  metadata: { name: 'n' },
  spec: { providerID: `azure://${group}/Microsoft.Compute/virtualMachines/vm` },
});
const world: ClusterRead = {
  namespace: undefined,
  services: { nmi: [nmi()], mic: [mic()], broker: [], imitations: [], unknown: [] },
  agents: { pods: [agent], unknown: [] },
  identities: read(identity('shop/vault')),
  bindings: read(binding('shop/vault', 'vault')),
  exceptions: read(),
  records: read(record('Assigned')),
  pods: read(pod()),
  nodes: read(node),
  namespaces: read(),
  secrets: new Map(),
};
const judged = (of: Partial<ClusterRead>, { right = 'allowed', ...more }: Given = {}) =>
  judge({ read: { ...world, ...of }, rules, rightOf: () => right, ...more });
const missed = { pods: new Set<string>(), issuer: undefined, unknown: [] };
type Given = Partial<JudgeInput> & { readonly right?: Right };

const denied = { kind: 'not-read', why: 'denied', text: 'you may not list it' } as const;
const team = [0, 1, 2].map((at) => pod({ name: `web-${at}`, labels: { Team: 'A' } }));
const principal = identity('shop/vault', { type: 1, tenantID: clientID, clientPassword: { name: 'key' } });
const unrecorded: Partial<ClusterRead> = { records: read() };
const other = (more: Partial<Services>) => ({ services: { ...world.services, ...more } });

type Row = readonly [
  mistake: string,
  of: Partial<ClusterRead>,
  state: string,
  says: RegExp,
  remedy?: RegExp | undefined,
  more?: Given,
];
const cart = 'ServiceAccount shop/cart may not use';

test.for<Row>([
  [
    'bindings that a viewer may not list',
    { bindings: denied },
    'unknown',
    /which bindings select pods is not/,
  ],
  ['pods that a viewer may not list', { pods: denied }, 'unknown', /which pods there are is not known/],
  [
    'a right that a viewer may not ask about',
    unrecorded,
    'unknown',
    /you may not ask/,
    /--resource=subjectaccessreviews/,
    { right: 'unknown' },
  ],
  [
    'records that a viewer may not list',
    { records: denied },
    'unknown',
    /you may not list AzureAssignedIdentities/,
  ],
  [
    'type 1 without its Secret',
    { identities: read(principal), secrets: new Map([['shop/key', false]]) },
    'problem',
    /shop\/vault names Secret shop\/key, which does not exist/,
    /kubectl create secret generic key --namespace shop --from-file=clientSecret$/,
  ],
  [
    'a service principal without spec.clientPassword',
    { identities: read(identity('shop/vault', { type: 1, tenantID: clientID })) },
    'problem',
    /shop\/vault cannot be served: a service principal needs .*spec.clientPassword/,
    /kubectl edit azureidentity vault --namespace shop/,
  ],
  [
    'a federated identity where NMI has no broker',
    { identities: read(identity('shop/vault', { type: 3, tenantID: clientID, resourceID: undefined })) },
    'problem',
    /shop\/vault cannot be served: .*broker/,
    /^docs\/administrator\/federated.md/,
  ],
  [
    'a Secret that a viewer may not get',
    { identities: read(principal), secrets: new Map([['shop/key', undefined]]) },
    'unknown',
    /Secret shop\/key/,
  ],
  [
    'an identity of another namespace',
    { identities: read(identity('pay/vault')) },
    'problem',
    /names AzureIdentity shop\/vault, which does not exist/,
    /pay\/vault is in another namespace/,
  ],
  [
    'a name in spec.azureIdentity that is one letter off',
    { bindings: read(binding('shop/vault', 'valt')) },
    'problem',
    /names AzureIdentity shop\/valt/,
    /'vault' is probably meant.*patch azureidentitybinding vault/,
  ],
  [
    'a binding of another namespace',
    { bindings: read(binding('pay/vault', 'vault')), identities: read(identity('pay/vault')) },
    'problem',
    /pay\/vault selects pods, but AzureIdentity pay\/vault is for pods of its own namespace only/,
    /"namespace":"shop"/,
  ],
  [
    'an exception that is not valid',
    { invalidExceptions: [{ namespace: 'shop', name: 'team', fault: 'spec.podLabels must be' }] },
    'problem',
    /AzurePodIdentityException shop\/team is not valid: spec.podLabels must be/,
    /kubectl edit azurepodidentityexception team --namespace shop/,
  ],
  [
    'an identity that is not valid',
    { identities: read(identity('shop/vault', { resourceID: 'x' })) },
    'problem',
    /AzureIdentity shop\/vault is not valid/,
    /kubectl edit azureidentity vault --namespace shop/,
  ],
  [
    'a label that is one letter off',
    { pods: read(pod({ labels: { aadpodidbinding: 'wep' } })) },
    'problem',
    /no AzureIdentityBinding has the selector 'wep'/,
    /'web' is probably meant/,
  ],
  [
    'a label whose key is the kind',
    { pods: read(pod({ labels: { aadpodidentitybinding: 'web' } })) },
    'problem',
    /the label aadpodidentitybinding/,
    /kubectl label pod web-0 --namespace shop aadpodidbinding=web aadpodidentitybinding-/,
  ],
  [
    "an exception that a whole team's label matches",
    { pods: read(...team), exceptions: read(exception({ Team: 'a' })) },
    'problem',
    /the pods of a whole team/,
    /a label of their own/,
  ],
  [
    'an exempt pod without a right on the machine, and without a binding',
    { exceptions: read(exception({ aadpodidbinding: 'web' })), bindings: read() },
    'problem',
    /may not use the identities of this machine/,
    /kind: ClusterRole/,
    { right: 'refused' },
  ],
  [
    'an exempt pod whose right on the machine a viewer may not ask about',
    { exceptions: read(exception({ aadpodidbinding: 'web' })) },
    'unknown',
    /you may not ask/,
    /--resource=subjectaccessreviews/,
    { right: 'unknown' },
  ],
  [
    'an exempt pod whose machine a viewer may not look at',
    { exceptions: read(exception({ aadpodidbinding: 'web' })), nodes: denied },
    'unknown',
    /may use the machine of their node is not known/,
  ],
  ['a missing right', unrecorded, 'problem', new RegExp(cart), /kind: ClusterRole/, { right: 'refused' }],
  ['a right that was withdrawn', {}, 'problem', new RegExp(cart), /kind: ClusterRole/, { right: 'refused' }],
  [
    'a right that is there by now',
    { ...unrecorded, identities: read(identity('shop/vault', {}, { reason: 'AccessDenied' })) },
    'waiting',
    /granted; MIC looks again within 5 minutes/,
  ],
  ['an identity that is not assigned yet', unrecorded, 'waiting', /MIC has not assigned AzureIdentity shop/],
  [
    'an identity whose record is not assigned yet',
    { records: read(record('Created')) },
    'waiting',
    /is Created, not yet Assigned/,
  ],
  [
    'a record that NMI does not find',
    { records: read(record('Assigned', {})) },
    'waiting',
    /lacks the label by which NMI asks for it/,
  ],
  [
    'an identity that Azure refuses',
    {
      ...unrecorded,
      identities: read(
        identity('shop/vault', {}, { reason: 'Rejected', message: 'no vm (IdentityNotFound). Create it: x' }),
      ),
    },
    'problem',
    /AzureIdentity shop\/vault: no vm \(IdentityNotFound\)$/,
    /create it, or correct spec.resourceID .* az identity show --ids \S+\/i$/,
  ],
  [
    'a client id of another identity',
    { identities: read(identity('shop/vault', {}, { reason: 'ClientIDMismatch', message: 'no; do: x' })) },
    'problem',
    /AzureIdentity shop\/vault: no$/,
    /kubectl patch azureidentity vault --namespace shop /,
  ],
  [
    'an identity that MIC has not seen since it changed',
    { identities: read(identity('shop/vault', {}, { isOutdated: true, message: 'no' })) },
    'waiting',
    /MIC has not seen its last change yet/,
  ],
  [
    'a federated credential that is missing',
    {
      identities: read(identity('shop/vault', { type: 3, tenantID: clientID, resourceID: undefined })),
      ...other({ broker: [installed('broker', nmi().config)] }),
    },
    'problem',
    /knew no federated credential of AzureIdentity shop\/vault/,
    /az identity list .*clientId=='00000000-0000-0000-0000-000000000001'.* while read -r group name; do az/,
    { missed: { pods: new Set(['shop/web-0']), issuer: 'https://i.test/', unknown: [] } },
  ],
  ['no NMI', other({ nmi: [] }), 'problem', /NMI is not installed/, /install it/],
  [
    'a MIC that lacks its rights',
    { ...other({ mic: [], imitations: ['Deployment a/mic looks like MIC'] }), ...unrecorded },
    'problem',
    /MIC is not installed/,
    /Deployment a\/mic looks like MIC/,
  ],
  [
    'no broker',
    other({ nmi: [nmi(['--broker=b', '--broker-token-file=/t'])] }),
    'problem',
    /no broker is installed/,
  ],
  [
    "the original's MIC beside ours",
    other({ mic: [mic(), mic([], { name: 'old', isOriginal: true })] }),
    'problem',
    /the MIC of the original project \(system\/old\) runs beside ours/,
    /kubectl scale deployment old --namespace system --replicas=0/,
  ],
  [
    'a second MIC with a Lease of its own',
    other({ mic: [mic(), mic(['--leader-election-namespace=b'], { name: 'two' })] }),
    'problem',
    /a second MIC \(system\/two\)/,
  ],
  [
    'an NMI that lost its roles',
    other({ nmi: [nmi([], { namespace: 'aad-pod-identity', missingRights: ['create x'] })] }),
    'problem',
    /ServiceAccount aad-pod-identity\/nmi may not create x$/,
    /kubectl apply -f deploy\/base\/nmi\/rbac.yaml/,
  ],
  [
    'flags on which MIC and NMI disagree',
    other({ nmi: [nmi(['--identity-access=rbac'])] }),
    'problem',
    /NMI has --identity-access=rbac, MIC has --identity-access=namespace/,
  ],
  [
    'flags that MIC refuses',
    other({ mic: [mic(['--no'])] }),
    'problem',
    /MIC \(system\/mic\): .*flags: --no/,
  ],
  [
    'an NMI that is not ready on a node',
    { agents: { pods: [{ ...agent, isReady: false, why: 'BackOff' }], unknown: [] } },
    'problem',
    /NMI on node n is not ready \(BackOff\)/,
    /kubectl logs nmi-n --namespace system/,
  ],
  [
    'a node without NMI',
    { agents: { pods: [], unknown: [] } },
    'problem',
    /NMI has no pod on node n/,
    /describe daemonset/,
  ],
  [
    'a start-up taint that is left',
    {
      nodes: read({
        ...node,
        taints: [{ key: 'aadpodidentity.k8s.io/nmi-not-ready', effect: 'NoSchedule' }],
      }),
    },
    'problem',
    /node n still has the taint/,
    /kubectl taint nodes n aadpodidentity.k8s.io\/nmi-not-ready-/,
  ],
  [
    'definitions that are not installed',
    { records: { kind: 'not-read', why: 'absent', text: 'the cluster has no records' } },
    'problem',
    /the cluster has no records/,
    /kubectl apply -f deploy\/crds/,
  ],
])('named: %s', ([, of, state, says, remedy = /^/, more]) => {
  const { causes, pods, holding } = judged(of, more);
  const cause = causes.find(({ text }) => says.test(text));
  expect({ causes, cause }).toMatchObject({ cause: { state } });
  expect(Object.values(cause?.remedy ?? {}).join(' ')).toMatch(remedy);
  // A pod that it concerns does not look well, but one that is exempt; and the check that fails does not hold.
  const states = pods.filter(
    ({ pod: key, identities }) => cause?.pods.includes(key) && identities.length > 0,
  );
  expect(states.filter((row) => row.state === 'ok')).toEqual([]);
  expect(holding.length).toBeLessThan(judged({}, { missed }).holding.length);
});

describe('nothing is found', () => {
  test.for<readonly [what: string, of: Partial<ClusterRead>]>([
    ['in a cluster without a mistake', {}],
    ['where MIC of the same Lease stands by', other({ mic: [mic(), mic([], { name: 'two' })] })],
    [
      "where the original's MIC is scaled down",
      other({ mic: [mic(), mic([], { isOriginal: true, replicas: { wanted: 0, ready: 0 } })] }),
    ],
    [
      'without MIC where the machines have their identities',
      { ...other({ mic: [], nmi: [nmi(['--operation-mode=managed'])] }), ...unrecorded },
    ],
    [
      'where an exception matches one pod of several',
      {
        pods: read(pod(), pod({ name: 'a', labels: { app: 'a' } }), pod({ name: 'b', labels: {} })),
        exceptions: read(exception({ app: 'a' })),
      },
    ],
  ])('%s', ([, of]) => {
    const { causes } = judged(of);
    expect(causes.filter(({ key }) => !key.startsWith('service mic system/mic'))).toEqual([]);
  });
});

test.for<readonly [what: string, of: Partial<ClusterRead>, claims: RegExp, more?: Given]>([
  [
    'NMI where services may not be listed',
    other({ nmi: [], mic: [], unknown: ['no'] }),
    /NMI is ready|agree/,
  ],
  ['NMI where none is installed', other({ nmi: [], mic: [] }), /NMI is ready|start-up taint|agree/],
  ['MIC where none is installed', { ...other({ mic: [] }), ...unrecorded }, /is assigned|agree/],
  ['flags that are not understood', other({ mic: [mic(['--no'])] }), /agree/],
  ['an identity that lacks a right', unrecorded, /is assigned/, { right: 'refused' }],
  [
    'identities that may not be listed',
    { identities: denied },
    /names an|has a binding|federated|the rights/,
  ],
  ['pods that may not be listed', { pods: denied }, /NMI is ready|whole team|is assigned/],
  ['exceptions that may not be listed', { exceptions: denied }, /definitions/],
])('no check holds that was not made: %s', ([, of, claims, more]) => {
  expect(judged({}, { missed }).holding.join()).toMatch(claims);
  expect(judged(of, { missed, ...more }).holding.filter((words) => claims.test(words))).toEqual([]);
});

test('pods with the same cause are one cause', () => {
  const pods = read(pod(), pod({ name: 'web-1' }));
  const { causes } = judged({ ...unrecorded, pods }, { right: 'refused' });
  expect(causes.map(({ text, pods: own }) => [text, own])).toEqual([
    [expect.stringContaining(cart), ['shop/web-0', 'shop/web-1']],
  ]);
});

test.each([
  ['on the host network', { pods: read(pod({ isOnHostNetwork: true })) }],
  ['that an exception exempts', { exceptions: read(exception({ aadpodidbinding: 'WEB' })) }],
])('a pod %s reaches the machine, and acts as nothing', (_, of) => {
  const [row] = judged(of).pods;
  const why = expect.stringContaining('the machine’s own identities') as string;
  expect(row).toMatchObject({ state: 'ok', identities: [], why });
});

test('an exempt pod without the right on the machine has what bindings give it', () => {
  const rightOf = ({ target }: Pair) => (target.resource === 'machines' ? 'refused' : 'allowed');
  const exceptions = read(exception({ aadpodidbinding: 'web' }));
  expect(requestsOf({ ...world, exceptions, records: read() }, rules)).toHaveLength(2);
  expect(judged({ exceptions }, { rightOf })).toMatchObject({
    causes: [],
    pods: [{ state: 'ok', identities: ['shop/vault'] }],
  });
});

test('rights are asked about for pods to which the identity is assigned, too', () => {
  expect(requestsOf(world, rules)).toHaveLength(1);
});

test('namespaces that may not be read are named: their annotations may make the mode stricter', () => {
  expect(judged({ namespaces: denied }).unknown).toEqual([denied.text]);
});

test('a right that is missing only if rights decide is unknown where flags cannot be read', () => {
  const unread = { ...rules, isKnown: false };
  const { causes, pods } = judged(unrecorded, { right: 'refused', rules: unread });
  expect(causes.map(({ state }) => state)).toEqual(['unknown']);
  expect(pods.map(({ state }) => state)).toEqual(['unknown']);
});
