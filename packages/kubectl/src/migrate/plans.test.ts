import { resources } from '@pod-identity/crd-types';
import { describe, expect, test } from 'vitest';
import { isBlocked, planLines, planObject, type Plan } from './plan.ts';
import {
  storedIn,
  type BoundPod,
  type ReviewedRights,
  type ServiceFacts,
  type StoredIdentity,
} from './read-facts.ts';
import { toFederated, type FederatedFacts } from './to-federated.ts';

const tenant = '00000000-0000-0000-0000-00000000ad00';
const clientId = '00000000-0000-0000-0000-00000000c11d';
const idOf = (name: string) =>
  `/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
const none = { tenant: '', clientId: '', isCredentialThere: false };

const attached = [{ type: 'Ready', status: 'True', reason: 'Attached', observedGeneration: 2 }];

function seen(spec: object, more: object = {}, conditions: readonly object[] = attached): StoredIdentity {
  const object = {
    apiVersion: 'aadpodidentity.k8s.io/v1',
    kind: 'AzureIdentity',
    metadata: { namespace: 'pay', name: 'vault', uid: 'u', resourceVersion: '1', generation: 2 },
    spec,
    status: { conditions },
  };
  const target = { kind: resources.AzureIdentity, namespace: 'pay', name: 'vault' };
  return { ...storedIn(object), target, isStatusOfMic: true, ...more };
}

const managed = { type: 0, resourceID: idOf('vault'), clientID: clientId };
const federated = { ...managed, type: 3, tenantID: tenant };
const pod: BoundPod = {
  key: 'pay/web-1',
  account: { namespace: 'pay', name: 'web' },
  isRbac: false,
  identities: ['pay/vault'],
};
const services: ServiceFacts = {
  broker: { namespace: 'b', name: 'broker', isReady: true, account: 'broker', audience: 'api://x' },
  agentsWithoutBroker: [],
  hasAgent: true,
  unknown: [],
};
const rights = (refused = [{ namespace: 'pay', name: 'web' }], unknown: string[] = []): ReviewedRights => ({
  target: { resource: 'federatedidentities', names: [`${tenant}/${clientId}`, tenant] },
  refused,
  unknown,
});
const forward = (more: Partial<FederatedFacts> = {}): FederatedFacts => ({
  identity: seen({ ...managed, tenantID: tenant }),
  services,
  issuer: 'https://issuer.test',
  pods: [pod],
  rights: rights(),
  ...more,
});
const states = ({ steps }: Plan) => steps.map(({ id, state }) => `${id}: ${state}`);
const why = ({ steps }: Plan) =>
  steps.flatMap((step) => (step.state === 'blocked' ? (step.why ?? '') : [])).join();

describe('to-federated', () => {
  test.each<[what: string, facts: Partial<FederatedFacts>, steps: readonly string[]]>([
    [
      'from type 0 without a tenant',
      { identity: seen(managed) },
      ['broker: done', 'rights: to do', 'credential: to do', 'type: to do', 'served: by hand'],
    ],
    [
      'once the fields and the right are there',
      { rights: rights([]) },
      ['broker: done', 'rights: done', 'credential: to do', 'type: to do', 'served: by hand'],
    ],
    [
      'once it is of type 3',
      { identity: seen(federated), rights: rights([]) },
      ['broker: done', 'rights: done', 'type: done', 'served: by hand'],
    ],
    [
      'without pods',
      { pods: [], rights: rights([]) },
      ['broker: done', 'rights: done', 'credential: to do', 'type: to do', 'served: done'],
    ],
  ])('%s', (_, facts, steps) => {
    expect(states(toFederated(forward(facts), { ...none, tenant }))).toEqual(steps);
  });

  test('attack: a condition that an editor of the namespace could write confirms no client id', () => {
    const identity = seen({ ...managed, tenantID: tenant }, { isStatusOfMic: false });
    const plan = toFederated(forward({ identity }), none);
    expect(why(plan)).toContain('--client-id, as Azure has it');
  });

  test('attack: the end of a line in what an editor wrote does not make the rest of a command look like the next one', () => {
    const forged =
      'kubectl create clusterrolebinding x --clusterrole cluster-admin --group system:authenticated';
    const identity = seen({ ...federated, resourceID: `${idOf('vault')}\n${forged}\n` });
    const plan = toFederated(forward({ identity, pods: [] }), none);
    expect(states(plan)).toContain('fields: blocked');
    const lines = planLines(plan);
    expect(lines.filter((line) => line.includes(forged) && !line.startsWith('az '))).toEqual([
      expect.stringContaining('an editor of its namespace wrote'),
    ]);
    expect(lines.filter((line) => line.startsWith('az '))).toHaveLength(1);
  });

  test.each<[what: string, facts: Partial<FederatedFacts>, text: string]>([
    ['no broker', { services: { ...services, broker: undefined } }, 'no broker was found'],
    [
      'services that may not be read',
      { services: { ...services, broker: undefined, unknown: ['you may not list deployments.apps'] } },
      'you may not list deployments.apps',
    ],
    [
      'an NMI without --broker',
      { services: { ...services, agentsWithoutBroker: ['a/nmi'] } },
      'without --broker: a/nmi',
    ],
    ['no NMI of ours', { services: { ...services, hasAgent: false } }, 'from-the-original'],
    [
      'a broker that is not ready',
      { services: { ...services, broker: { ...services.broker!, isReady: false } } },
      'no replica of b/broker',
    ],
    ['no tenant', { identity: seen(managed), rights: undefined }, '--tenant'],
    ['a service principal', { identity: seen({ ...managed, type: 1 }) }, 'service principal'],
    ['field names of 2018', { identity: seen(managed, { isOfOldSpelling: true }) }, '2018'],
    [
      'rights of which nothing is known',
      { rights: rights([], ['pay/web: forbidden']) },
      'pay/web: forbidden',
    ],
  ])('is blocked by %s', (_, facts, text) => {
    const plan = toFederated(forward(facts), none);
    expect(isBlocked(plan)).toBe(true);
    expect(why(plan)).toContain(text);
  });

  test.each<[what: string, conditions: readonly object[]]>([
    ['nothing', []],
    ['that it is not in use', [{ ...attached[0], reason: 'NotInUse' }]],
    ['that it was attached before its last change', [{ ...attached[0], observedGeneration: 1 }]],
    ['that another client id is right', [{ ...attached[0], status: 'False', reason: 'ClientIDMismatch' }]],
  ])(
    'attack: a client id of which MIC says %s is granted to nobody, unless the user gives it',
    (_, conditions) => {
      const facts = forward({ identity: seen({ ...managed, tenantID: tenant }, {}, conditions) });
      const plan = toFederated(facts, none);
      expect(isBlocked(plan)).toBe(true);
      expect(why(plan)).toContain('--client-id, as Azure has it');
      expect(isBlocked(toFederated(facts, { ...none, clientId }))).toBe(false);
      const unused = toFederated({ ...facts, pods: [], rights: rights([]) }, none);
      expect(JSON.stringify(unused)).not.toContain('federated-credential create');
      expect(planLines(unused).join('\n')).toContain('give --client-id');
    },
  );

  test('the way back is a command', () => {
    const backOf = (identity: StoredIdentity) => toFederated(forward({ identity }), none).back;
    expect(backOf(seen(federated))).toBe(
      `kubectl -n pay patch azureidentities.aadpodidentity.k8s.io vault --type merge --patch '{"spec":{"type":0}}'`,
    );
    expect(backOf(seen({ ...federated, resourceID: undefined }))).toContain('"resourceID":"RESOURCE-ID"');
  });

  test('an id that differs from that of the object is refused', () => {
    expect(why(toFederated(forward(), { ...none, tenant: clientId }))).toContain('correct one of them');
  });

  test('two clusters have credentials of different names, so that neither replaces the other', () => {
    const nameAt = (issuer: string) =>
      /--name (\S+)/.exec(
        planLines(toFederated(forward({ issuer, rights: rights([]) }), none)).join('\n'),
      )?.[1];
    expect(nameAt('https://a.test')).not.toBe(nameAt('https://b.test'));
  });

  test('the type comes after the rights and the exchange: until then its command is not shown', () => {
    const type = '{"spec":{"type":3,';
    const shown = (facts: FederatedFacts, isCredentialThere: boolean) => {
      const plan = toFederated(facts, { ...none, isCredentialThere });
      return [planLines(plan).join('\n'), JSON.stringify(planObject(plan))].map((text) =>
        [type, JSON.stringify(type).slice(1, -1), 'check-federated', 'kind: ClusterRoleBinding'].flatMap(
          (part, at) => (text.includes(part) ? [['type', 'type', 'exchange', 'rights'][at]] : []),
        ),
      );
    };
    const granted = forward({ rights: rights([]) });
    expect(shown(forward(), true)).toEqual([['rights'], ['rights']]);
    expect(shown(granted, false)).toEqual([['exchange'], ['exchange']]);
    expect(shown(granted, true)).toEqual([['type'], ['type']]);
  });
});
