import { parseAzureIdentityBinding, resources } from '@pod-identity/crd-types';
import { describe, expect, test } from 'vitest';
import { migrationStateOf } from './migrate.ts';
import { isBlocked, planLines, type Plan } from './plan.ts';
import { storedIn } from './read-facts.ts';
import { toWorkloadIdentity, type WorkloadFacts } from './to-workload-identity.ts';

const states = ({ steps }: Plan) => steps.map(({ id, state }) => `${id}: ${state}`);
const text = (plan: Plan) => planLines(plan).join('\n');

describe('where the cluster stands', () => {
  const services = { nmi: [], mic: [], broker: [], imitations: [], unknown: [] };
  const standing = (...types: readonly (0 | 3)[]): Parameters<typeof migrationStateOf>[0] => ({
    services: {
      ...services,
      mic: [{ namespace: 'a', name: 'mic', isOriginal: false }],
      broker: [{}],
    } as never,
    identities: {
      kind: 'read',
      items: types.map((type) => ({
        view: { kind: 'valid', key: 'pay/$(touch f)', identity: { spec: { type } } } as never,
        ready: undefined,
      })),
    },
  });
  test.each<[what: string, seen: Parameters<typeof migrationStateOf>[0], next: string]>([
    [
      'the original',
      { ...standing(), services: { ...services, mic: [{ isOriginal: true, name: 'mic' }] } as never },
      'docs/administrator/from-the-original.md',
    ],
    ['nothing', { ...standing(), services }, 'docs/administrator/quickstart.md'],
    [
      'type 0 and a name with what a shell interprets',
      standing(3, 0),
      "migrate to-federated 'pay/$(touch f)'",
    ],
    ['type 3 alone', standing(3), 'migrate to-workload-identity NAMESPACE/SERVICEACCOUNT'],
    [
      'what may not be read',
      { ...standing(), services: { ...services, unknown: ['you may not list x'] } },
      'ask as somebody who may list',
    ],
  ])('with %s it names the next step', (_, seen, next) => {
    expect(migrationStateOf(seen).next).toContain(next);
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
  const binding = parseAzureIdentityBinding({
    kind: 'AzureIdentityBinding',
    metadata,
    spec: { azureIdentity: 'vault', selector: 'v' },
  });
  const account = { namespace: 'pay', name: 'web' };
  const pod = (name: string) => ({
    key: `pay/${name}-1`,
    account: { namespace: 'pay', name },
    isRbac: false,
    identities: [],
  });
  const facts = (more: Partial<WorkloadFacts> = {}): WorkloadFacts => ({
    account: { ...account, object: { metadata: { ...account, uid: 's' } } },
    identity: {
      ...storedIn(object),
      target: { kind: resources.AzureIdentity, namespace: 'pay', name: 'vault' },
      isStatusOfMic: true,
    },
    issuer: 'https://issuer.test',
    refusal: undefined,
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
      'webhook: by hand',
      'credential: to do',
      'account: to do',
      'app: by hand',
      'binding: by hand',
    ]);
    const sure = { ...asked, isCredentialThere: true, isBindingRemoved: true };
    expect(states(toWorkloadIdentity(facts(), sure)).at(-1)).toBe('binding: to do');
  });

  test('says what it cannot do, and prints a binding before its deletion', () => {
    const credential = text(toWorkloadIdentity(facts(), asked));
    expect(credential).toContain('system:serviceaccount:pay:web');
    const trusted = { ...asked, isCredentialThere: true };
    const shown = text(toWorkloadIdentity(facts({ account: named }), trusted));
    expect(shown).toContain('its SDK WorkloadIdentityCredential');
    expect(shown).not.toContain(' delete ');
    const removed = { ...trusted, isBindingRemoved: true };
    const last = text(toWorkloadIdentity(facts({ account: named }), removed));
    expect(last).toContain('kubectl -n pay delete azureidentitybindings.aadpodidentity.k8s.io vault');
    expect(last).toContain('kubectl -n pay get azureidentitybindings.aadpodidentity.k8s.io vault -o yaml');
  });

  test('is blocked if the issuer may not be read', () => {
    expect(isBlocked(toWorkloadIdentity(facts({ issuer: undefined }), asked))).toBe(true);
  });

  const resourceID =
    '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/v';
  const written = (spec: object): Partial<WorkloadFacts> => ({
    identity: { ...facts().identity, ...storedIn({ ...object, spec: { ...object.spec, ...spec } }) },
  });
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
