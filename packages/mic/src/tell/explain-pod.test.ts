import { findingLines } from '@pod-identity/policy';
import { describe, expect, it } from 'vitest';
import {
  assigned,
  binding,
  facts,
  factsMap,
  hostOf,
  identity,
  idOf,
  instanceOf,
  minute,
  node,
  now,
  pod,
  rules,
  snapshot,
} from '../plan/test/builders.ts';
import { knownOf } from '../plan/test/cluster-plan.ts';
import type { AccessReason, SkipReason } from '../plan/types.ts';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import { createFacts } from '../snapshot/facts/host-facts.ts';
import type { ClusterSnapshot } from '../snapshot/test/cluster-snapshot.ts';
import { explainPod, type ExplainedPod } from './explain-pod.ts';
import { explainSkip } from './explain-skip.ts';

const vmss1 = hostOf(instanceOf('vmss1'));
const principal = '11111111-2222-3333-4444-555555555555';

function explain(
  different: Partial<ClusterSnapshot>,
  question: Partial<ExplainedPod> & { mic?: string } = {},
) {
  const world = snapshot(different);
  const { mic, ...rest } = question;
  return explainPod(
    { namespace: 'shop', name: 'web-0', ...rest },
    { ...knownOf(world, rules), factsOf: (id) => id && world.facts.get(id), now, micPrincipalId: mic },
  );
}

const linesOf = ({ pod, findings, result }: ReturnType<typeof explain>) =>
  findingLines(`pod ${pod}`, [...findings, result]);
const text = (...args: Parameters<typeof explain>) => linesOf(explain(...args)).join('\n');
const withFacts = (one: HostFacts, state = 'Created') => ({
  facts: factsMap(one),
  assigned: [assigned({ state })],
});
const refused = facts(vmss1, [], {
  quarantined: new Map([
    [
      idOf('reader'),
      {
        until: now + 4 * minute,
        failures: 3,
        code: 'LinkedAuthorizationFailed' as const,
        message: "The client 'mic' does not have permission to perform action",
      },
    ],
  ]),
});

describe('a pod is explained', () => {
  it('with the bindings of its namespace that are not valid, ten at most', () => {
    const spec = { azureIdentity: 'reader', selector: 'a', podSelectors: {} };
    const bad = (namespace: string, name: string) => binding({ namespace, name, spec });
    const told = (...bindings: ReturnType<typeof bad>[]) =>
      text({ bindings })
        .split('\n')
        .filter((line) => line.includes('is not valid'));
    expect(told(bad('shop', 'b'), bad('other', 'c'))).toEqual([
      expect.stringMatching(
        /^· binding {6}AzureIdentityBinding shop\/b is not valid, so it is for no pod: spec\.podSelectors is not a field/,
      ),
    ]);
    expect(told(...Array.from({ length: 12 }, (_, at) => bad('shop', `b${at}`)))).toHaveLength(10);
    expect(text({ bindings: Array.from({ length: 12 }, (_, at) => bad('shop', `b${at}`)) })).toContain(
      '2 more AzureIdentityBindings of namespace shop are not valid',
    );
    expect(text({ pods: [], bindings: [bad('shop', 'b')] }, { unknownPod: 'unlabelled' })).toContain(
      'shop/b is not valid',
    );
  });

  it("when the original's MIC runs too: first of all, and the pod's own result is what it is", () => {
    const world = snapshot({});
    const explanation = explainPod(
      { namespace: 'shop', name: 'web-0' },
      { ...knownOf(world, rules), factsOf: () => undefined, now, original: 'the original runs too' },
    );
    expect(linesOf(explanation)[1]).toBe('· original     the original runs too');
    expect(explanation.result.verdict).toBe('waiting');
  });

  it('when its record lacks the label by which NMI asks for it, whatever state it tells', () => {
    const { findings, result } = explain({
      facts: factsMap(facts(vmss1, ['reader'])),
      assigned: [assigned({ label: 'elsewhere' })],
    });
    expect(findings.find(({ topic }) => topic === 'record')).toMatchObject({
      verdict: 'waiting',
      text: 'AzureAssignedIdentity default/web-0-shop-reader lacks the label nodename=node-0, by which NMI asks for it',
    });
    expect(result.verdict).toBe('waiting');
  });

  it('with the values of its identity and binding that are probably not meant, which change no result', () => {
    const metadata = { annotations: { 'aadpodidentity.k8s.io/behavior': 'namespaced' } };
    const world = {
      facts: factsMap(facts(vmss1, ['reader'])),
      assigned: [assigned({ state: 'Assigned' })],
      identities: [identity({ metadata })],
      bindings: [binding({ metadata: { annotations: { 'aadpodidentity.k8s.io/Behavior': 'namespaced' } } })],
    };
    const { findings, result } = explain(world);
    expect(findings.filter(({ verdict }) => verdict === 'info')).toEqual([
      {
        topic: 'binding',
        verdict: 'info',
        text: expect.stringMatching(
          /^AzureIdentityBinding default\/reader-binding: metadata\.annotations\.\S+ has no effect on a binding/,
        ),
      },
      {
        topic: 'identity',
        verdict: 'info',
        text: expect.stringMatching(
          /^AzureIdentity default\/reader: metadata\.annotations\.aadpodidentity\.k8s\.io\/behavior is "namespaced" and has no effect/,
        ),
      },
    ]);
    expect(result.verdict).toBe('ok');
  });

  it('when its AzureIdentity states another client id than the host lists', () => {
    const present = new Map([[idOf('reader'), { clientId: 'of-others', principalId: 'p' }]]);
    const said = text(withFacts(facts(vmss1, [], { present }), 'Assigned'));
    expect(said).toContain('states another clientID than vmss1 lists for its resourceID');
    expect(said).toContain(`az identity show --ids ${idOf('reader')} --query clientId`);
    expect(said).not.toContain('of-others');
  });

  it('when other identities of its namespace were refused on the host', () => {
    const strikes = new Map([
      ['default', { failedAt: now, spentUntil: now + 7 * minute, distrusted: false }],
    ]);
    expect(text(withFacts(facts(vmss1, [], { strikes })))).toContain(
      "Azure refused identities of namespace default there: what else it asks for is tried apart from others', the next one in 60 s",
    );
  });

  it('when all is well', () => {
    expect(text({})).toMatchInlineSnapshot(`
      "pod shop/web-0
      ✓ label        aadpodidbinding=demo
      ✓ node         node-0 on scale set vmss1 (/subscriptions/s1/resourcegroups/rg/providers/microsoft.compute/virtualmachinescalesets/vmss1)
      ✓ binding      default/reader-binding selects the pod and names AzureIdentity default/reader
      ✓ identity     default/reader is the managed identity /subscriptions/S1/resourceGroups/RG/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader, for pods of any namespace
      ✓ permission   Azure let it be attached
      ✓ host         vmss1 carries it, attached by MIC
      ✓ record       AzureAssignedIdentity default/web-0-shop-reader is Assigned
      ✓ result       the pod gets tokens"
    `);
  });

  it('when MIC lacks a role on the identity: down to the command that grants it', () => {
    expect(text(withFacts(refused), { mic: principal })).toMatchInlineSnapshot(`
      "pod shop/web-0
      ✓ label        aadpodidbinding=demo
      ✓ node         node-0 on scale set vmss1 (/subscriptions/s1/resourcegroups/rg/providers/microsoft.compute/virtualmachinescalesets/vmss1)
      ✓ binding      default/reader-binding selects the pod and names AzureIdentity default/reader
      ✓ identity     default/reader is the managed identity /subscriptions/S1/resourceGroups/RG/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader, for pods of any namespace
      ✗ permission   MIC has no right to assign this identity
      ✗ host         vmss1 does not carry it: Azure refused with LinkedAuthorizationFailed, 3 times so far, to be tried again in 4 min
                     Azure said: The client 'mic' does not have permission to perform action
                     remedy: MIC may not assign this identity: grant it the role Managed Identity Operator on it
                     $ az role assignment create --role "Managed Identity Operator" --assignee-object-id 11111111-2222-3333-4444-555555555555 --scope /subscriptions/s1/resourcegroups/rg/providers/microsoft.managedidentity/userassignedidentities/reader
      … record       AzureAssignedIdentity default/web-0-shop-reader is Created
      ✗ result       the pod does not get everything it is meant to get"
    `);
  });

  it('when MIC lacks a role on the host', () => {
    const lastFailure = { kind: 'denied', message: 'AuthorizationFailed', at: now, failures: 1 } as const;
    const one = facts(vmss1, [], { lastFailure, notBefore: now + minute });
    expect(text(withFacts(one))).toMatchInlineSnapshot(`
      "pod shop/web-0
      ✓ label        aadpodidbinding=demo
      ✓ node         node-0 on scale set vmss1 (/subscriptions/s1/resourcegroups/rg/providers/microsoft.compute/virtualmachinescalesets/vmss1)
      ✓ binding      default/reader-binding selects the pod and names AzureIdentity default/reader
      ✓ identity     default/reader is the managed identity /subscriptions/S1/resourceGroups/RG/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader, for pods of any namespace
      · permission   not known before it was attached once
      ✗ host         vmss1 could not be read or changed (denied), to be tried again in 60 s
                     Azure said: AuthorizationFailed
                     remedy: MIC may not change this host: grant it the role Virtual Machine Contributor on it (the command is for MIC that uses the kubelet's identity; else set MIC_PRINCIPAL_ID to the object id of MIC's own)
                     $ MIC_PRINCIPAL_ID=$(az aks show --resource-group GROUP --name CLUSTER --query identityProfile.kubeletidentity.objectId --output tsv) && az role assignment create --role "Virtual Machine Contributor" --assignee-object-id "$MIC_PRINCIPAL_ID" --scope /subscriptions/s1/resourcegroups/rg/providers/microsoft.compute/virtualmachinescalesets/vmss1
      … record       AzureAssignedIdentity default/web-0-shop-reader is Created
      ✗ result       the pod does not get everything it is meant to get"
    `);
  });

  it('while Azure holds MIC back', () => {
    const lastFailure = { kind: 'throttled', message: 'TooManyRequests', at: now, failures: 1 } as const;
    const one = facts(vmss1, [], { lastFailure, notBefore: now + 10 * minute });
    expect(text(withFacts(one))).toMatchInlineSnapshot(`
      "pod shop/web-0
      ✓ label        aadpodidbinding=demo
      ✓ node         node-0 on scale set vmss1 (/subscriptions/s1/resourcegroups/rg/providers/microsoft.compute/virtualmachinescalesets/vmss1)
      ✓ binding      default/reader-binding selects the pod and names AzureIdentity default/reader
      ✓ identity     default/reader is the managed identity /subscriptions/S1/resourceGroups/RG/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader, for pods of any namespace
      · permission   not known before it was attached once
      … host         vmss1 could not be read or changed (throttled), to be tried again in 10 min
                     Azure said: TooManyRequests
                     remedy: nothing to do: MIC goes on when Azure allows it
      … record       AzureAssignedIdentity default/web-0-shop-reader is Created
      … result       the pod will get what it is meant to get"
    `);
  });

  it('with a wrong client id by the condition, where the host was not looked at', () => {
    const named = (observedGeneration: number) =>
      identity({
        metadata: { generation: 2 },
        status: {
          conditions: [
            { type: 'Ready', status: 'False', reason: 'ClientIDMismatch', message: 'm', observedGeneration },
          ],
        },
      });
    const said = (observedGeneration: number, one = createFacts(vmss1)) =>
      text({ identities: [named(observedGeneration)], facts: factsMap(one) });
    expect(said(2)).toContain(
      '✗ identity     the AzureIdentity states another clientID than vmss1 lists for its resourceID',
    );
    expect(said(2)).toContain('$ kubectl patch azureidentity reader --namespace default');
    for (const current of [said(1), said(2, facts(vmss1, ['reader']))])
      expect(current).not.toContain('another clientID');
  });

  it('before its object and its host are ready', () => {
    expect(text({ facts: factsMap(createFacts(vmss1)), assigned: [] })).toMatchInlineSnapshot(`
      "pod shop/web-0
      ✓ label        aadpodidbinding=demo
      ✓ node         node-0 on scale set vmss1 (/subscriptions/s1/resourcegroups/rg/providers/microsoft.compute/virtualmachinescalesets/vmss1)
      ✓ binding      default/reader-binding selects the pod and names AzureIdentity default/reader
      ✓ identity     default/reader is the managed identity /subscriptions/S1/resourceGroups/RG/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader, for pods of any namespace
      · permission   not known before it was attached once
      … host         what vmss1 carries has not been read yet
      … record       AzureAssignedIdentity default/web-0-shop-reader is not written yet
      … result       the pod will get what it is meant to get"
    `);
  });

  it.each([
    [true, 'lists it, and the update that put it there has failed in Azure: MIC sends it again'],
    [
      undefined,
      'lists it, and the update that puts it there is not known to have succeeded: MIC waits for its end',
    ],
  ] as const)('when an update has not reached the machines: failed %s', (failed, words) => {
    const one = facts(vmss1, ['reader'], { unapplied: new Set([idOf('reader')]), failed });
    expect(text(withFacts(one))).toContain(`… host         vmss1 ${words}`);
  });

  it('when its binding names an identity that is not valid', () => {
    expect(text({ identities: [identity({ spec: { type: 0, resourceID: 'x' } })] })).toMatchInlineSnapshot(`
      "pod shop/web-0
      ✓ label        aadpodidbinding=demo
      ✓ node         node-0 on scale set vmss1 (/subscriptions/s1/resourcegroups/rg/providers/microsoft.compute/virtualmachinescalesets/vmss1)
      ✗ identity     AzureIdentityBinding default/reader-binding names AzureIdentity default/reader, which is not valid
                     remedy: spec.resourceID must be the id of a user-assigned managed identity, /subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.ManagedIdentity/userAssignedIdentities/<name>, not "x"
      ✗ result       the pod does not get everything it is meant to get"
    `);
  });

  it('when it has no ServiceAccount, and so is not watched', () => {
    expect(text({}, { name: 'other', unknownPod: 'without-account' })).toContain(
      '✗ pod          the pod has no ServiceAccount, and only pods with one get an identity; static pods have none',
    );
  });

  it('when it carries no label, or is not there', () => {
    expect(text({}, { name: 'other', unknownPod: 'unlabelled' })).toMatchInlineSnapshot(`
      "pod shop/other
      ✗ label        the pod has no label aadpodidbinding
                     remedy: give it one whose value is the selector of an AzureIdentityBinding; change the template of the pod too
                     $ kubectl label pod other --namespace shop --overwrite aadpodidbinding=SELECTOR
      ✗ result       the pod does not get everything it is meant to get"
    `);
    expect(text({}, { name: 'other', unknownPod: 'absent' })).toMatchInlineSnapshot(`
      "pod shop/other
      ✗ pod          there is no such pod
                     remedy: check the name and the namespace
      ✗ result       the pod does not get everything it is meant to get"
    `);
  });
});

describe('every reason to skip has words and a verdict', () => {
  const behavior = { annotations: { 'aadpodidentity.k8s.io/Behavior': 'namespaced' } };
  const rows: Record<
    Exclude<SkipReason, AccessReason | 'not-listed' | 'no-label'>,
    [Partial<ClusterSnapshot>, RegExp]
  > = {
    'not-scheduled': [{ pods: [pod({ node: '' })] }, /… node .*no node has been chosen/],
    finished: [{ pods: [pod({ phase: 'Failed' })] }, /· pod .*has finished/],
    'no-account': [
      { pods: [pod({ serviceAccount: '' })] },
      /✗ pod .*the pod has no ServiceAccount, and only pods with one get an identity[^]*run it by a Deployment/,
    ],
    'empty-label': [{ pods: [pod({ label: '' })] }, /✗ label .*is empty/],
    'no-binding': [{ bindings: [] }, /✗ binding .*no AzureIdentityBinding has the selector 'demo'/],
    'not-selected': [
      { bindings: [binding({ namespace: 'shop', spec: { serviceAccountName: 'other' } })] },
      /✗ binding .*shop\/reader-binding has the label aadpodidbinding of the pod as its selector, but .*is for other pods/,
    ],
    'identity-missing': [
      { identities: [] },
      /✗ identity .*names AzureIdentity default\/reader, which does not exist/,
    ],
    'identity-invalid': [{ identities: [identity({ spec: { type: 5 } })] }, /✗ identity .*is not valid/],
    'other-namespace': [
      { identities: [identity({ metadata: behavior })] },
      /✗ namespace .*for pods of its own namespace only[^]*kubectl apply -f - with what follows[^]*"namespace": "shop"/,
    ],
    shadowed: [
      {
        identities: [identity(), identity({ namespace: 'shop' })],
        bindings: [binding(), binding({ namespace: 'shop' })],
      },
      /· binding .*shop\/reader-binding adds nothing/,
    ],
    'too-many-bindings': [
      {
        bindings: Array.from({ length: 101 }, (_, at) =>
          binding({ namespace: 'shop', metadata: { name: `b${at + 100}` } }),
        ),
      },
      /✗ binding .*too many AzureIdentityBindings: shop\/b200/,
    ],
    'node-missing': [{ nodes: [] }, /✗ node .*node-0 does not exist/],
    'node-without-host': [{ nodes: [node('node-0', '')] }, /✗ host .*only an Azure host can carry/],
  };

  it.each(Object.entries(rows))('%s', (_, [different, words]) => {
    expect(text(different)).toMatch(words);
  });
});

it('a namespace whose pods are not all listed is named', () => {
  const [finding] = explainSkip({ pod: pod(), reason: 'not-listed' });
  expect(finding).toMatchObject({ verdict: 'problem', topic: 'namespace' });
  expect(finding?.text).toContain('has not listed all pods of namespace shop yet');
});

it('tells who attached the identity', () => {
  expect(text({ facts: factsMap(facts(vmss1, ['reader'])) })).toContain('attached by somebody else');
  expect(text({})).toContain('attached by MIC');
});

it.each([
  [{ lacksToken: true as const }, 'MIC itself has no token', 'az role assignment create'],
  [{}, 'az role assignment create', 'MIC itself has no token'],
])('a host that MIC may not read: the remedy fits the cause (%j)', (more, told, untold) => {
  const lastFailure = { kind: 'denied' as const, message: 'no', at: now, failures: 1, ...more };
  const output = text({ facts: factsMap({ ...createFacts(vmss1), lastFailure }) });
  expect(output).toContain(told);
  expect(output).not.toContain(untold);
});

it('a confined identity is said to be for the pod’s namespace', () => {
  const metadata = { annotations: { 'aadpodidentity.k8s.io/Behavior': 'namespaced' } };
  const different = {
    pods: [pod({ namespace: 'default' })],
    identities: [identity({ metadata })],
  };
  expect(text(different, { namespace: 'default' })).toContain(
    'for pods of its own namespace, which is the pod’s',
  );
});

it('a federated identity needs no host, but a credential that only the broker knows', () => {
  const [tenantID, clientID] = [
    '72f988bf-86f1-41af-91ab-2d7cd011db47',
    '2c1b6f5e-1111-4222-8333-0123456789ab',
  ];
  const spec = { type: 3, tenantID, clientID };
  const output = text({ identities: [identity({ spec })] });
  expect(output).toContain('need not carry anything for a federated identity');
  expect(output).toContain(
    `$ kubectl -n aad-pod-identity-broker exec deploy/broker -- node /app/nmi.js check-federated ${tenantID}/${clientID}`,
  );
});

it('a service principal needs no host', () => {
  const spec = { type: 1, clientID: 'app' };
  const output = text({ identities: [identity({ spec })], assigned: [assigned({ identity: { spec } })] });
  expect(output).toContain('the service principal app with a client secret');
  expect(output).toContain('need not carry anything');
  expect(output).toContain('✓ result');
});

it('explains that no podSelector selects a pod whose labels have no room', () => {
  expect(text({ pods: [{ ...pod(), labelsLeftOut: true }] })).toMatch(/✗ label .*no room for the labels/);
  expect(text({})).not.toMatch(/no room/);
});
