import { accessTargetsOf } from '@pod-identity/crd-types';
import { findingLines, info } from '@pod-identity/policy';
import { describe, expect, it } from 'vitest';
import {
  binding,
  clientIdOf,
  exception,
  identity,
  pod as podOf,
  rules,
  viewOf,
  type World,
} from '../../test/builders.ts';
import { explainPod, type Explanation } from './explain.ts';
import { responseFinding } from './expected-response.ts';
import type { ExplainWorld } from './world.ts';

const reader = identity({ name: 'reader' });
const writer = identity({ name: 'writer' });
const bound: World = { identities: [reader], bindings: [binding('reader')] };

interface Given extends Partial<Omit<ExplainWorld, 'view'>> {
  readonly world?: World;
}

const explain = ({ world = bound, pod = podOf(), ...over }: Given = {}) =>
  explainPod({
    pod,
    neighbours: [pod],
    view: viewOf(world).view,
    rules,
    reviewed: new Map(),
    holdMs: 8_000,
    bindingGraceMs: 60_000,
    notAssignedStatus: 503,
    now: 0,
    attached: ({ metadata: { name } }) => [info('host', `whether it carries ${name} is not known`)],
    ...over,
  });
const explanationLines = ({ pod, findings, responses, result }: Explanation) =>
  findingLines(`pod ${pod}`, [...findings, ...responses.map(responseFinding), result]);
const lines = (given?: Given) => explanationLines(explain(given)).join('\n');

describe('item 24: a pod is explained', () => {
  it('when all is well', () => {
    expect(lines()).toMatchInlineSnapshot(`
      "pod default/web
      ✓ pod          Running on node-1 with service account default
      ✓ address      10.0.0.1 is the pod’s alone
      ✓ label        aadpodidbinding=demo
      ✓ binding      default/reader-binding selects the pod and names AzureIdentity default/reader
      ✓ identity     default/reader is the managed identity /subscriptions/s1/resourceGroups/ids/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader, for pods of any namespace
      · host         whether it carries reader is not known
      · rules        looked at with identities of any namespace; whoever may write an AzureIdentity may use the identity that it names, unless it is of type 3 (--identity-access=namespace)
      ✓ answer       without selector: 200, a token of AzureIdentity default/reader, if the machine has it and Azure gives one
      ✓ answer       client_id=c0000000-0000-4000-8000-726561646572: 200, a token of AzureIdentity default/reader, if the machine has it and Azure gives one
      ✓ result       the pod gets a token"
    `);
  });

  it('with the bindings and exceptions of its namespace that are not valid', () => {
    const named = { namespace: 'default', fault: 'spec.podSelectors is not a field' };
    const invalid = [
      { kind: 'AzureIdentityBinding' as const, name: 'b', ...named },
      { kind: 'AzurePodIdentityException' as const, name: 'e', ...named },
    ];
    const told = lines({ world: {}, invalid });
    expect(told).toContain(
      '· binding      AzureIdentityBinding default/b is not valid, so it is for no pod: spec.podSelectors is not a field',
    );
    expect(told).toContain(
      '· exception    AzurePodIdentityException default/e is not valid, so it is for no pod: ',
    );
  });

  it('with the values of identity and exceptions that are probably not meant', () => {
    const doubtful = identity({ name: 'reader', spec: { clientID: 'vault' } });
    const world: World = {
      identities: [doubtful],
      bindings: [binding('reader')],
      exceptions: [exception({ 'a b': 'c' }), exception({ app: 'mic' })],
    };
    const infos = lines({ world })
      .split('\n')
      .filter((line) => line.startsWith('·'));
    expect(infos).toEqual([
      expect.stringMatching(
        /^· exception {4}AzurePodIdentityException default\/exception: spec\.podLabels has the key "a b", which no label can have/,
      ),
      expect.stringMatching(
        /^· identity {5}AzureIdentity default\/reader: spec\.clientID is "vault", which is no GUID/,
      ),
      expect.stringContaining('whether it carries reader'),
      expect.stringContaining('looked at with identities of any namespace'),
    ]);
    expect(lines({ world })).toContain('✓ result       the pod gets a token');
  });

  it('when it has several identities: which request gets which', () => {
    const world: World = {
      identities: [reader, writer],
      bindings: [binding('reader'), binding('writer')],
    };
    const text = lines({ world });
    for (const name of ['reader', 'writer']) {
      expect(text).toContain(
        `default/${name}-binding selects the pod and names AzureIdentity default/${name}`,
      );
      expect(text).toContain(
        `✓ answer       client_id=${clientIdOf(name)}: 200, a token of AzureIdentity default/${name}`,
      );
    }
    expect(text).toContain(
      '✗ answer       without selector: 400, Identity not found. Multiple user assigned',
    );
    expect(text).toContain('✓ result       the pod gets a token when its request names the identity');
  });

  it('when another pod has its address', () => {
    const pod = podOf();
    const other = podOf({ name: 'till', namespace: 'shop', uid: 'uid-till' });
    const text = lines({ pod, neighbours: [pod, other] });
    expect(text).toContain('✗ address      10.0.0.1 is also that of shop/till');
    expect(text).toContain('remedy: delete the one that no longer runs; until then nobody with this address');
    expect(text).toContain(
      '✗ answer       without selector: 503, More than one pod has the address 10.0.0.1',
    );
    expect(text).toContain('✗ result       the pod gets no token');
  });

  it('when it is exempt', () => {
    const text = lines({ world: { exceptions: [exception({ aadpodidbinding: 'demo' })] } });
    expect(text).toContain(
      '· exception    exempt by AzurePodIdentityException (in its namespace: default/exception): no binding counts, it may ask for any identity of the machine',
    );
    expect(text).toContain(
      '✓ answer       without selector: 200, what the metadata service of the machine answers',
    );
  });
});

it('an exempt pod in mode rbac without the right on the machine has what its bindings give it', () => {
  const exceptions = [exception({ aadpodidbinding: 'demo' })];
  const rbac = { ...rules, identityAccess: 'rbac' as const };
  const reviewed: ExplainWorld['reviewed'] = new Map([
    ['', { verdict: 'denied', targets: [] }],
    ['default/reader', { verdict: 'allowed' }],
  ] as const);
  expect(explain({ world: { exceptions }, rules: rbac, reviewed }).responses).toMatchObject([
    { status: 400 },
  ]);
  const given = { world: { ...bound, exceptions }, rules: rbac, reviewed };
  expect(explain(given).responses.map(({ status }) => status)).toEqual([200, 200]);
  expect(lines(given)).toContain('default/reader-binding selects the pod');
});

describe('an exception that is not valid is named', () => {
  const invalid = { namespace: 'default', name: 'cni', fault: 'spec.clientIDs must be a list of strings' };
  const told = (given: Given) =>
    lines(given)
      .split('\n')
      .filter((line) => line.includes('xception'));
  const remedy = ['               $ kubectl edit azurepodidentityexceptions cni --namespace default'];

  it('to a pod that it is for, and in the response to it', () => {
    const world: World = { invalidExceptions: [{ ...invalid, podLabels: { app: 'cni' } }] };
    const [finding, command, answer] = told({ world, pod: podOf({ labels: { app: 'cni' } }) });
    expect(finding).toBe(
      '✗ exception    AzurePodIdentityException cni of this namespace is for this pod, but does not count, since it is invalid: spec.clientIDs must be a list of strings',
    );
    expect([command]).toEqual(remedy);
    expect(answer).toMatch(
      /^✗ answer .* does not count, since it is invalid: spec\.clientIDs must be a list of strings\.$/,
    );
  });

  it('once, before the others of the namespace', () => {
    const kind = 'AzurePodIdentityException' as const;
    const all = [
      { kind, ...invalid, name: 'cni' },
      { kind, ...invalid, name: 'csi' },
    ];
    expect(told({ world: { invalidExceptions: [invalid] }, invalid: all }).slice(0, 3)).toEqual([
      expect.stringContaining('AzurePodIdentityException cni of this namespace is invalid'),
      ...remedy,
      expect.stringContaining('AzurePodIdentityException default/csi is not valid, so it is for no pod'),
    ]);
  });

  it.each<[string, World]>([
    ['gets a token by a binding', { ...bound, invalidExceptions: [invalid] }],
    [
      'is exempt by another one',
      { exceptions: [exception({ aadpodidbinding: 'demo' })], invalidExceptions: [invalid] },
    ],
  ])('to a pod that %s, if its labels are not known', (_, world) => {
    const found = told({ world }).filter((line) => !line.includes('exempt by'));
    expect(found).toEqual([
      '· exception    AzurePodIdentityException cni of this namespace is invalid: spec.clientIDs must be a list of strings',
      ...remedy,
    ]);
  });
});

const problemsOf = (given: Given) =>
  explain(given)
    .findings.filter(({ verdict }) => verdict === 'problem' || verdict === 'waiting')
    .map(({ topic, text, remedy }) => `${topic}: ${text}${remedy ? ` -> ${remedy.text}` : ''}`);

describe('what is wrong is told with the way out', () => {
  it.each<[string, Given, string, number]>([
    [
      'no label',
      { pod: podOf({ labels: {} }) },
      'label: the pod has no label aadpodidbinding -> give it one',
      400,
    ],
    [
      'an empty label',
      { pod: podOf({ labels: { aadpodidbinding: '' } }) },
      'is empty -> its value must be',
      400,
    ],
    [
      'a binding without identity',
      { world: { bindings: [binding('reader')] } },
      'names AzureIdentity default/reader, which does not exist -> create it',
      400,
    ],
    [
      'an identity that is not valid',
      { world: { bindings: [binding('reader')], faults: { 'default/reader': 'spec.resourceID must be' } } },
      'default/reader, which is not valid -> spec.resourceID must be',
      400,
    ],
    [
      'an identity that is kept in another namespace',
      { pod: podOf({ namespace: 'shop' }), rules: { ...rules, forceNamespaced: true } },
      'for pods of its own namespace only -> create both in the namespace of the pod',
      400,
    ],
    ['a pod that has ended', { pod: podOf({ phase: 'Succeeded' }) }, 'pod: has ended (Succeeded)', 503],
    ['a pod without a node', { pod: podOf({ nodeName: '', addresses: [] }) }, 'no node has been chosen', 503],
    ['a pod without an address', { pod: podOf({ addresses: [] }) }, 'address: it has none yet', 503],
  ])('%s', (...[, given, text, status]) => {
    const { responses, result } = explain(given);
    expect(problemsOf(given).join('\n')).toContain(text);
    expect(responses[0]?.status).toBe(status);
    expect(result).toMatchObject({ verdict: 'problem', text: 'the pod gets no token' });
  });

  it('nothing is wrong with a pod that gets a token', () => {
    expect(problemsOf({})).toEqual([]);
    expect(explain().result.verdict).toBe('ok');
  });

  it('the status is that which the agent is told to give', () => {
    const pod = podOf({ acceptedAt: 0 });
    expect(explain({ world: {}, pod, notAssignedStatus: 404 }).responses[0]).toMatchObject({
      status: 404,
      afterMs: 6_000,
    });
  });

  it('an exempt pod with client ids is answered for each of them', () => {
    const free = { ...exception({ aadpodidbinding: 'demo' }) };
    const only = { ...free, spec: { ...free.spec, clientIDs: [clientIdOf('reader')] } };
    const { responses } = explain({ world: { exceptions: [only] } });
    expect(responses.map(({ selector, status }) => `${selector} ${status}`)).toEqual([
      ' 200',
      `client_id=${clientIdOf('reader')} 200`,
    ]);
  });
});

describe('a young pod for which something is missing', () => {
  const young = (ageMs: number, world: World = {}) => explain({ world, pod: podOf({ acceptedAt: -ageMs }) });
  const texts = ({ findings }: ReturnType<typeof explain>) => findings.map(({ text }) => text).join('\n');

  it('is said to wait: for what, until when, and what would help', () => {
    expect(lines({ world: {}, pod: podOf({ acceptedAt: -12_400 }) })).toMatchInlineSnapshot(`
      "pod default/web
      ✓ pod          Running on node-1 with service account default
      ✓ address      10.0.0.1 is the pod’s alone
      ✓ label        aadpodidbinding=demo
      ✗ binding      no AzureIdentityBinding has the selector 'demo', which is the label aadpodidbinding of the pod
                     remedy: create one, or change the pod’s label; selectors are compared as a whole and with case
                     $ kubectl get azureidentitybindings --all-namespaces
      … pod          it has started 12 s ago: until 60 s after its start (--binding-grace) its requests wait for what is missing and can be retried; later ones are refused at once
      · rules        looked at with identities of any namespace; whoever may write an AzureIdentity may use the identity that it names, unless it is of type 3 (--identity-access=namespace)
      … answer       without selector: 503 after 6 s without what is missing, No AzureIdentityBinding has the selector 'demo', which is the label aadpodidbinding of pod default/web. What is missing may still be created: until the pod has run for --binding-grace, its requests wait for it. Try again.
      … result       the pod gets a token as soon as what is missing is created and its identity is attached"
    `);
  });

  it('is told what comes at the end of its grace, where that is before the end of the hold', () => {
    expect(young(55_000).responses[0]).toMatchObject({ status: 400, afterMs: 5_000, waitsFor: 'objects' });
  });

  it('waits for the AzureIdentity of its binding, too', () => {
    const { responses } = young(1_000, { bindings: [binding('reader')] });
    expect(responses[0]).toMatchObject({
      status: 503,
      text: expect.stringContaining('names AzureIdentity default/reader, which does not exist') as string,
    });
  });

  it('waits without the label where bindings of its namespace select pods without it', () => {
    const of = binding('reader', { selector: '' });
    const world = { ...bound, bindings: [{ ...of, spec: { ...of.spec, serviceAccountName: 'other' } }] };
    const bare = podOf({ acceptedAt: -1_000, labels: { app: 'web' } });
    const text = lines({ world, pod: bare });
    expect(text).toContain(
      '✗ label        the pod has no label aadpodidbinding, and no AzureIdentityBinding of its namespace',
    );
    expect(text).toContain('… answer       without selector: 503 after 6 s without what is missing');
    expect(explain({ world: bound, pod: bare }).responses[0]).toMatchObject({ status: 400 });
  });

  it('waits for nothing when it is young no more, or when all is there', () => {
    const old = young(60_000);
    expect([old.responses[0]?.status, old.responses[0]?.afterMs, old.result.verdict]).toEqual([
      400,
      undefined,
      'problem',
    ]);
    for (const one of [old, young(1_000, bound)]) expect(texts(one)).not.toContain('--binding-grace');
  });
});

describe('rights to Azure identities', () => {
  const given = (mode: 'warn' | 'rbac', verdict: 'allowed' | 'denied' | 'unanswered'): Given => {
    const parsed = accessTargetsOf(reader);
    const targets = parsed.ok ? parsed.value : [];
    return {
      rules: { ...rules, identityAccess: mode },
      reviewed: new Map([['default/reader', verdict === 'denied' ? { verdict, targets } : { verdict }]]),
    };
  };

  it('that are there are told', () => {
    const text = lines(given('rbac', 'allowed'));
    expect(text).toContain(
      '✓ access       ServiceAccount default/default may use AzureIdentity default/reader',
    );
    expect(text).toContain('✓ result');
    expect(text).toContain('--identity-access=rbac');
  });

  it('that are missing are a problem with the roles that grant them, and the answer is that of the agent', () => {
    const text = lines(given('rbac', 'denied'));
    expect(text).toContain(
      '✗ access       ServiceAccount default/default may not use AzureIdentity default/reader',
    );
    // The printer writes a line break within a line as an escape.
    expect(explanationLines(explain(given('rbac', 'denied')))).toContain('kind: ClusterRoleBinding');
    expect(text).toContain('kubectl azure-pod-identity access default/default /subscriptions/s1/');
    expect(text).toContain(
      'without selector: 400, Identity not found. ServiceAccount default/default may not use',
    );
    expect(text).toContain('✗ result       the pod gets no token');
  });

  it('that nobody answers for leave the pod without a token for now', () => {
    const text = lines(given('rbac', 'unanswered'));
    expect(text).toContain('… access');
    expect(text).toContain('without selector: 503');
  });

  it('that an API server gives to everybody leave the pod without a token, with the reason', () => {
    const reviewed = new Map([['default/reader', { verdict: 'unanswered', why: 'allows-all' } as const]]);
    const text = lines({ ...given('rbac', 'unanswered'), reviewed });
    expect(text).toContain('is not known yet: the API server allows an invented user too');
    expect(text).toContain('--authorization-mode=Node,RBAC');
    expect(text).not.toContain('subjectaccessreviews');
    expect(text).toContain('without selector: 503, The API server allows an invented user');
  });

  it('that are missing in mode warn take nothing away', () => {
    const text = lines(given('warn', 'denied'));
    expect(text).toContain(
      '· access       ServiceAccount default/default may not use AzureIdentity default/reader',
    );
    expect(text).toContain('✓ result       the pod gets a token');
  });

  it('are not looked at in mode namespace, which is told', () => {
    expect(lines()).toContain('whoever may write an AzureIdentity may use the identity that it names');
  });
});

describe('a federated identity (type 3)', () => {
  const tenantID = '72f988bf-86f1-41af-91ab-2d7cd011db47';
  const federated = identity({ name: 'reader', type: 3, spec: { tenantID } });
  const world: World = { identities: [federated], bindings: [binding('reader')] };
  const targets = accessTargetsOf(federated);
  const given = (verdict: 'allowed' | 'denied', hasBroker = true): Given => ({
    world,
    rules: { ...rules, hasBroker },
    reviewed: new Map([
      [
        'default/reader',
        verdict === 'denied' ? { verdict, targets: targets.ok ? targets.value : [] } : { verdict },
      ],
    ]),
  });

  it('is explained with its right, in mode namespace too, and with who gives its token', () => {
    const text = lines(given('allowed'));
    expect(text).toContain(`is the federated identity ${clientIdOf('reader')} of tenant ${tenantID}`);
    expect(text).toContain(
      '✓ access       ServiceAccount default/default may use AzureIdentity default/reader',
    );
    expect(text).toContain('no host needs to carry a federated identity');
    expect(text).toContain(
      '$ kubectl -n aad-pod-identity-broker exec deploy/broker -- node /app/nmi.js check-federated ' +
        `${tenantID}/${clientIdOf('reader')}`,
    );
    expect(text).toContain('a token of AzureIdentity default/reader, if the broker gives one');
  });

  it('without its right is refused in mode namespace, with the roles to paste', () => {
    const text = lines(given('denied'));
    expect(text).toContain('✗ access       ServiceAccount default/default may not use');
    expect(text).toContain('resources: [federatedidentities]');
    expect(text).toContain('without selector: 400');
  });

  it('without a broker is told to need one', () => {
    expect(lines(given('allowed', false))).toContain('NMI flag --broker');
  });
});
