import { parseAzureIdentity, parseAzureIdentityBinding, resources } from '@pod-identity/crd-types';
import { clusterKinds } from '@pod-identity/kit/core';
import { describe, expect, test } from 'vitest';
import { micFlags } from '../../../mic/src/commands/plug-in.ts';
import { nmiFlags } from '../../../nmi/src/commands/plug-in.ts';
import { isBlocked, planLines, planObject, type Plan } from './plan.ts';
import { migrationStateLines, migrationStateOf, type MigrationFacts } from './migration-state.ts';
import { toOurs, type Original, type OriginalFacts } from './to-ours.ts';
import { toWorkloadIdentity, type WorkloadFacts } from './to-workload-identity.ts';

const states = ({ steps }: Plan) => steps.map(({ id, state }) => `${id}: ${state}`);
const text = (plan: Plan) => planLines(plan).join('\n');

describe('where the cluster stands', () => {
  const facts: MigrationFacts = {
    originals: [],
    own: ['aad-pod-identity/mic'],
    hasBroker: true,
    identities: {},
    workloadAccounts: [],
    unknown: [],
  };
  test.each<[what: string, seen: Partial<MigrationFacts>, command: string]>([
    [
      'the original',
      { originals: ['kube-system/nmi'], own: [] },
      'kubectl azure-pod-identity migrate to-ours',
    ],
    ['nothing', { own: [] }, 'docs/administrator/quickstart.md'],
    [
      'type 0',
      { identities: { '0': ['pay/vault'] } },
      'kubectl azure-pod-identity migrate to-federated pay/vault',
    ],
    [
      'a name with what a shell interprets',
      { identities: { '0': ['pay/$(touch f)'] } },
      "kubectl azure-pod-identity migrate to-federated 'pay/$(touch f)'",
    ],
    [
      'type 3 alone',
      { identities: { '3': ['pay/vault'] } },
      'kubectl azure-pod-identity migrate to-workload-identity NAMESPACE/SERVICEACCOUNT',
    ],
  ])('with %s it names the next step', (_, seen, command) => {
    expect(migrationStateOf({ ...facts, ...seen }).next.command).toBe(command);
  });

  test('many names are shortened, and what may not be read is said', () => {
    const identities = { '0': Array.from({ length: 7 }, (_, at) => `pay/${at}`) };
    const lines = migrationStateLines(
      migrationStateOf({ ...facts, identities, unknown: ['you may not list x'] }),
    );
    expect(lines).toContain(
      'AzureIdentities attached to machines (type 0): 7 (pay/0, pay/1, pay/2, pay/3, pay/4 and 2 more)',
    );
    expect(lines).toContain('not known: you may not list x');
  });
});

describe('to-ours', () => {
  const nmi: Original = {
    role: 'nmi',
    namespace: 'default',
    name: 'aad-pod-identity-nmi',
    argv: ['--node=x', '--retry-attempts-for-created=16', '--MICNamespace=default', '--never-heard-of=1'],
  };
  const facts: OriginalFacts = {
    originals: [nmi, { role: 'mic', namespace: 'default', name: 'aad-pod-identity-mic', argv: [] }],
    own: { nmi: false, mic: false },
    definition: { isOwn: false, preservesUnknown: true },
    flags: { nmi: nmiFlags, mic: micFlags },
    unknown: [],
  };

  test('says what becomes of each flag of the original', () => {
    const { notes } = toOurs(facts);
    expect(notes).toContain(
      'nmi default/aad-pod-identity-nmi: --retry-attempts-for-created has no effect here: see --hold',
    );
    expect(notes.join('\n')).toContain('--node means the same here');
    expect(notes.join('\n')).toMatch(/--MICNamespace is another one here: no effect alone/);
    expect(notes.join('\n')).toContain('unknown flag --never-heard-of');
  });

  test('installs ours first and removes the original by its own names', () => {
    const lines = planLines(toOurs(facts));
    const at = (line: string) => lines.findIndex((each) => each.includes(line));
    expect(at('deploy/base/nmi')).toBeLessThan(
      at('delete daemonset aad-pod-identity-nmi --namespace default'),
    );
    expect(at('scale deployment aad-pod-identity-mic --replicas=0')).toBeLessThan(at('deploy/base/mic'));
    expect(lines.join('\n')).toContain('old-definitions');
  });

  test('is blocked where kubectl apply would replace the original in place', () => {
    const plan = toOurs({ ...facts, originals: [{ ...nmi, namespace: 'aad-pod-identity', name: 'nmi' }] });
    expect(isBlocked(plan)).toBe(true);
  });

  test('is done once ours is ready and the original gone', () => {
    const done = {
      originals: [],
      own: { nmi: true, mic: true },
      definition: { isOwn: true, preservesUnknown: false },
    };
    expect(states(toOurs({ ...facts, ...done }))).toEqual(['definitions: done', 'nmi: done', 'mic: done']);
  });
});

describe('to-workload-identity', () => {
  const metadata = { namespace: 'pay', name: 'vault', uid: 'u' };
  const object = {
    kind: 'AzureIdentity',
    metadata,
    spec: {
      type: 3,
      tenantID: '00000000-0000-0000-0000-00000000ad00',
      clientID: '00000000-0000-0000-0000-00000000c11d',
    },
  };
  const identity = parseAzureIdentity(object);
  const binding = parseAzureIdentityBinding({
    kind: 'AzureIdentityBinding',
    metadata,
    spec: { azureIdentity: 'vault', selector: 'v' },
  });
  const { deployments } = clusterKinds;
  const account = { namespace: 'pay', name: 'web' };
  const pod = (name: string) => ({
    key: `pay/${name}-1`,
    account: { namespace: 'pay', name },
    isRbac: false,
    isPlaced: true,
    identities: [],
  });
  const facts = (more: Partial<WorkloadFacts> = {}): WorkloadFacts => ({
    account: { ...account, object: { metadata: { ...account, uid: 's' } } },
    identity: {
      target: { kind: resources.AzureIdentity, namespace: 'pay', name: 'vault' },
      object,
      identity: identity.ok ? identity.value : { problems: [] },
      isOfOldSpelling: false,
      isStatusOfMic: true,
    },
    issuer: 'https://issuer.test',
    hasWebhook: true,
    refusal: undefined,
    workloads: [
      {
        target: { kind: deployments, namespace: 'pay', name: 'web' },
        object: { metadata: { uid: 'd' }, spec: { template: {} } },
      },
    ],
    pods: [pod('web')],
    bindings: binding.ok ? [binding.value] : [],
    ...more,
  });
  const asked = { clientId: '', resourceId: '', isCredentialThere: false, isBindingRemoved: false };

  const annotations = {
    'azure.workload.identity/client-id': object.spec.clientID,
    'azure.workload.identity/tenant-id': object.spec.tenantID,
  };
  const named = { ...account, object: { metadata: { ...account, annotations } } };

  test('the binding comes last, and only when the user says that the app has changed', () => {
    expect(states(toWorkloadIdentity(facts(), asked))).toEqual([
      'webhook: done',
      'credential: to do',
      'account: to do',
      'label: to do',
      'app: by hand',
      'binding: by hand',
    ]);
    const sure = { ...asked, isCredentialThere: true, isBindingRemoved: true };
    expect(states(toWorkloadIdentity(facts(), sure)).at(-1)).toBe('binding: to do');
  });

  test('says what it cannot do, and how each step is undone', () => {
    const credential = text(toWorkloadIdentity(facts(), asked));
    expect(credential).toContain('system:serviceaccount:pay:web');
    const trusted = { ...asked, isCredentialThere: true };
    expect(text(toWorkloadIdentity(facts(), trusted))).toContain('"azure.workload.identity/client-id":null');
    const shown = text(toWorkloadIdentity(facts({ account: named, workloads: [] }), trusted));
    expect(shown).toContain('its SDK must have WorkloadIdentityCredential');
    expect(shown).not.toContain(' delete ');
    const removed = { ...trusted, isBindingRemoved: true };
    const last = text(toWorkloadIdentity(facts({ account: named, workloads: [] }), removed));
    expect(last).toContain('kubectl -n pay delete azureidentitybindings.aadpodidentity.k8s.io vault');
    expect(last).toContain('kind: AzureIdentityBinding');
  });

  test.each([true, false])(
    'the deletion of a binding that other ServiceAccounts use is not printed (--remove-binding: %s)',
    (isBindingRemoved) => {
      const choice = { ...asked, isCredentialThere: true, isBindingRemoved };
      const moved = { account: named, pods: [pod('web'), pod('job')], workloads: [] };
      const plan = toWorkloadIdentity(facts(moved), choice);
      expect(plan.steps.at(-1)).toMatchObject({
        state: 'by hand',
        why: expect.stringContaining('pay/job') as string,
      });
      expect(JSON.stringify(planObject(plan))).not.toContain(' delete ');
    },
  );

  test.each<[what: string, more: Partial<WorkloadFacts>]>([
    ['the webhook is missing', { hasWebhook: false }],
    ['the issuer may not be read', { issuer: undefined }],
  ])('is blocked if %s', (_, more) => {
    expect(isBlocked(toWorkloadIdentity(facts(more), asked))).toBe(true);
  });

  const resourceID =
    '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/v';
  const written = (spec: object): Partial<WorkloadFacts> => {
    const changed = { ...object, spec: { ...object.spec, ...spec } };
    const parsed = parseAzureIdentity(changed);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    return { identity: { ...facts().identity, object: changed, identity: parsed.value } };
  };
  test.each<[what: string, more: Partial<WorkloadFacts>, given: object]>([
    [
      'the resource id of others beside a client id of its own',
      written({ resourceID }),
      { resourceId: resourceID },
    ],
    [
      'a machine identity that MIC has not attached',
      written({ type: 0, resourceID }),
      { resourceId: resourceID },
    ],
    [
      'the application of others',
      written({ type: 1, clientPassword: { name: 's', namespace: 'pay' } }),
      { clientId: object.spec.clientID },
    ],
  ])('attack: no trust is made in Azure for %s unless the user names it', (_, more, given) => {
    const step = (choice: object) =>
      toWorkloadIdentity(facts(more), { ...asked, ...choice }).steps.find(({ id }) => id === 'credential');
    expect(step({})).toMatchObject({ state: 'blocked' });
    expect(JSON.stringify(step({}))).not.toContain('federated-credential create');
    expect(step({ resourceId: `${resourceID}2`, clientId: 'other' })).toMatchObject({ state: 'blocked' });
    expect(step(given)).toMatchObject({ state: 'to do' });
  });

  test('attack: no trust is made in Azure for a ServiceAccount without the right', () => {
    expect(isBlocked(toWorkloadIdentity(facts({ refusal: 'it has no right' }), asked))).toBe(true);
  });
});
