import type { Condition } from '@pod-identity/crd-types';
import { describe, expect, it } from 'vitest';
import type { HostFacts, LastFailure, RejectionCode } from '../snapshot/facts/facts.ts';
import { createFacts } from '../snapshot/facts/host-facts.ts';
import { indexOf, type ClusterSnapshot } from '../snapshot/test/cluster-snapshot.ts';
import { bindingCondition, identityCondition, nextConditions } from './conditions.ts';
import {
  alive,
  binding,
  facts,
  factsMap,
  hostOf,
  identity,
  idOf,
  instanceOf,
  node,
  now,
  pod,
  rules,
  snapshot,
  type IdentityFields,
} from '../plan/test/builders.ts';

const vmss1 = hostOf(instanceOf('vmss1'));
const vmss2 = hostOf(instanceOf('vmss2'));
const reader = idOf('reader');

function worldOf(different: Partial<ClusterSnapshot> = {}) {
  const one = snapshot(different);
  return { index: indexOf(one, rules), facts: one.facts };
}

const of = (different: Partial<ClusterSnapshot> = {}, fields: IdentityFields = {}) =>
  identityCondition(identity(fields), worldOf(different));
const withFacts = (...list: HostFacts[]) => ({ facts: factsMap(...list) });
const rejectedFor = (code: RejectionCode, message: string) =>
  facts(vmss1, [], { quarantined: new Map([[reader, { until: now, failures: 1, code, message }]]) });
const lastFailure = (kind: LastFailure['kind']) =>
  facts(vmss1, [], { lastFailure: { kind, message: 'request 1234', failures: 1 } });

describe('an AzureIdentity', () => {
  it('Attached: on a host that needs it', () => {
    expect(of()).toEqual({
      type: 'Ready',
      status: 'True',
      reason: 'Attached',
      message: 'attached to the hosts of the pods that use it',
    });
    expect(of()).not.toHaveProperty('observedGeneration');
  });

  it('ClientIDMismatch: on a host under another client id, which is not disclosed', () => {
    const present = new Map([[reader, { ...alive('reader'), clientId: 'secret-of-others' }]]);
    const condition = of(withFacts(facts(vmss1, [], { present })));
    expect(condition).toEqual({
      type: 'Ready',
      status: 'False',
      reason: 'ClientIDMismatch',
      message:
        'spec.clientID is not the client id of spec.resourceID; correct spec.clientID, or leave it out: ' +
        'kubectl patch azureidentity reader --namespace default --type merge --patch ' +
        `"{\\"spec\\":{\\"clientID\\":\\"$(az identity show --ids ${reader} --query clientId --output tsv)\\"}}"`,
    });
    const unstated = { spec: { type: 0, resourceID: reader } };
    expect(of(withFacts(facts(vmss1, [], { present })), unstated)).toMatchObject({ reason: 'Attached' });
  });

  it('Attaching: on none yet', () => {
    expect(of(withFacts(facts(vmss1)))).toMatchObject({ status: 'Unknown', reason: 'Attaching' });
  });

  it('Rejected: names Azure’s code, the host and what to do', () => {
    const condition = of(withFacts(rejectedFor('LinkedAuthorizationFailed', 'correlation 5 at noon')));
    expect(condition).toMatchObject({ status: 'False', reason: 'Rejected' });
    expect(condition.message).toBe(
      'Azure refused to attach it to vmss1 (LinkedAuthorizationFailed). MIC may not assign this identity: grant it the role ' +
        "Managed Identity Operator on it (the command is for MIC that uses the kubelet's identity; else set MIC_PRINCIPAL_ID to " +
        "the object id of MIC's own): " +
        'MIC_PRINCIPAL_ID=$(az aks show --resource-group GROUP --name CLUSTER ' +
        '--query identityProfile.kubeletidentity.objectId --output tsv) && ' +
        'az role assignment create --role "Managed Identity Operator" ' +
        `--assignee-object-id "$MIC_PRINCIPAL_ID" --scope ${reader}`,
    );
  });

  it('Rejected by several hosts: names the same one, independent of the order of pods', () => {
    const nodes = [node(), node('node-1', instanceOf('vmss2'))];
    const pods = [pod(), pod({ name: 'web-1', node: 'node-1' })];
    const { quarantined } = rejectedFor('Unknown', '');
    const both = withFacts(facts(vmss1, [], { quarantined }), facts(vmss2, [], { quarantined }));
    const one = of({ nodes, pods, ...both });
    expect(one.message).toContain('vmss1 (Unknown)');
    expect(of({ nodes: nodes.toReversed(), pods: pods.toReversed(), ...both })).toEqual(one);
  });

  it('Rejected: even if other hosts have it', () => {
    const nodes = [node(), node('node-1', instanceOf('vmss2'))];
    const pods = [pod(), pod({ name: 'web-1', node: 'node-1' })];
    const both = withFacts(rejectedFor('Unknown', ''), facts(vmss2, ['reader']));
    expect(of({ nodes, pods, ...both }).reason).toBe('Rejected');
  });

  it.each(['denied', 'gone', 'failed'] as const)('HostRefused: the host is %s', (kind) => {
    const condition = of(withFacts(lastFailure(kind)));
    expect(condition).toMatchObject({ status: 'False', reason: 'HostRefused' });
    expect(condition.message).toMatch(new RegExp(`^vmss1 could not be changed \\(${kind}\\)\\. `));
    expect(condition.message).not.toContain('undefined');
  });

  it.each(['throttled', 'busy', 'unavailable'] as const)(
    'Attaching: the host is %s, which passes',
    (kind) => {
      expect(of(withFacts(lastFailure(kind))).reason).toBe('Attaching');
    },
  );

  it('HostRefused: the update that attaches it has failed; Attaching during the update', () => {
    const unapplied = new Set([idOf('reader')]);
    const failed = of(withFacts(facts(vmss1, ['reader'], { unapplied, failed: true })));
    expect(failed).toMatchObject({ status: 'False', reason: 'HostRefused' });
    expect(of(withFacts(facts(vmss1, ['reader'], { unapplied }))).reason).toBe('Attaching');
    expect(of(withFacts(facts(vmss1, ['reader'], { failed: true }))).reason).toBe('Attached');
  });

  it('InvalidSpec: names the field', () => {
    const condition = of({}, { spec: { type: 0, resourceID: 'x' }, metadata: { generation: 4 } });
    expect(condition).toMatchObject({ status: 'False', reason: 'InvalidSpec', observedGeneration: 4 });
    expect(condition.message).toMatch(/^spec\.resourceID must be the id of a user-assigned managed identity/);
  });

  it('NotInUse: no pod uses it, whether a host has it or not', () => {
    const pods = { pods: [] };
    expect(of({ ...pods, ...withFacts(facts(vmss1)) })).toMatchObject({ status: 'True', reason: 'NotInUse' });
    expect(of({ ...pods, ...withFacts(facts(vmss1, ['reader'])) }).reason).toBe('NotInUse');
    const graced = facts(vmss2, ['reader'], { oursNames: ['reader'] });
    expect(of({ ...pods, ...withFacts(facts(vmss1), graced) }).reason).toBe('NotInUse');
  });

  describe('that names what pods of another namespace use', () => {
    const present = new Map([[reader, { ...alive('reader'), clientId: 'of-others' }]]);
    const theirs: readonly (readonly [string, HostFacts])[] = [
      ['carries it', facts(vmss1, ['reader'])],
      ['carries it by MIC', facts(vmss1, ['reader'], { oursNames: ['reader'] })],
      ['carries it under another client id', facts(vmss1, [], { present })],
      ['was refused it', rejectedFor('LinkedAuthorizationFailed', '')],
      ['may not be changed', lastFailure('denied')],
      ['does not carry it', facts(vmss1)],
    ];
    const nodes = [node(), node('node-1', instanceOf('vmss2'))];
    const evil = { namespace: 'evil' };
    const bindings = [binding(), binding({ namespace: 'evil', selector: 'evil' })];
    const identities = [identity(), identity(evil)];

    it.each(theirs)('discloses nothing of a host of theirs that %s', (_, host) => {
      expect(of({ nodes, identities, bindings, ...withFacts(host) }, evil).reason).toBe('NotInUse');
      const pods = [pod(), pod({ namespace: 'evil', label: 'evil', node: 'node-1' })];
      const both = withFacts(host, facts(vmss2));
      expect(of({ nodes, identities, bindings, pods, ...both }, evil).reason).toBe('Attaching');
    });
  });

  it('NoAttachmentNeeded: a service principal', () => {
    expect(of({}, { spec: { type: 1 } })).toMatchObject({ status: 'True', reason: 'NoAttachmentNeeded' });
  });

  it('stays unchanged until a new leader has read a host', () => {
    const ready = {
      type: 'Ready',
      status: 'True',
      reason: 'Attached',
      message: 'm',
      lastTransitionTime: 't',
    };
    const other = { ...ready, type: 'Other', reason: 'Unrelated' };
    const said = { status: { conditions: [other, ready] } };
    for (const unread of [withFacts(createFacts(vmss1)), { facts: new Map() }]) {
      expect(of(unread, said)).toMatchObject({ reason: 'Attached', message: 'm' });
      expect(of(unread).reason).toBe('Attaching');
    }
    const nodes = [node(), node('node-1', instanceOf('vmss2'))];
    const pods = [pod(), pod({ name: 'web-1', node: 'node-1' })];
    const half = withFacts(facts(vmss1), createFacts(vmss2));
    expect(of({ nodes, pods, ...half }, said).reason).toBe('Attaching');
  });
});

describe('is not rewritten', () => {
  it('because of pods that are created and deleted', () => {
    const many = Array.from({ length: 50 }, (_, position) => pod({ name: `web-${position}` }));
    expect(of({ pods: many })).toEqual(of());
  });

  it.each([
    [rejectedFor('Unknown', 'correlation 5 at noon'), rejectedFor('Unknown', 'correlation 6 at one')],
    [
      lastFailure('failed'),
      {
        ...lastFailure('failed'),
        lastFailure: { ...lastFailure('failed').lastFailure!, message: 'other', failures: 9 },
      },
    ],
  ])('because Azure says the same in other words', (before, after) => {
    expect(of(withFacts(after))).toEqual(of(withFacts(before)));
  });
});

describe('a value that is probably not meant', () => {
  const doubtful = { spec: { type: 0, resourceID: reader, tenantID: 'shop' } };
  const warning =
    '. Warning: spec.tenantID is "shop", which is neither the id of a tenant (a GUID) nor a domain such as contoso.onmicrosoft.com: write one of them';

  it('of an AzureIdentity is in the message, whatever else is said', () => {
    expect(of({}, doubtful)).toEqual({
      type: 'Ready',
      status: 'True',
      reason: 'Attached',
      message: `attached to the hosts of the pods that use it${warning}`,
    });
    const refused = of(withFacts(rejectedFor('Unknown', '')), doubtful);
    expect(refused.reason).toBe('Rejected');
    expect(refused.message).toMatch(/^Azure refused to attach it /);
    expect(refused.message).toContain(warning);
  });

  it('is said once in a condition that a new leader keeps, and no more when it is corrected', () => {
    const lastTransitionTime = '2026-01-01T00:00:00Z';
    const status = { conditions: [{ ...of({}, doubtful), lastTransitionTime }] };
    const unread = withFacts(createFacts(vmss1));
    expect(of(unread, { ...doubtful, status }).message).toBe(
      `attached to the hosts of the pods that use it${warning}`,
    );
    expect(of(unread, { status }).message).toBe('attached to the hosts of the pods that use it');
  });

  it('of an AzureIdentityBinding is in the message', () => {
    const { status, message } = bindingCondition(binding({ selector: 'demo app' }), worldOf());
    expect(status).toBe('True');
    expect(message).toMatch(/\. Warning: spec\.selector is "demo app", which no label can have /);
  });

  it('is one of at most five, and a key in the spelling of 2018, which MIC rewrites, is none', () => {
    const spec = {
      type: 1,
      ClientID: 'a',
      TenantID: 'b',
      auxiliaryTenantIDs: ['c', 'd', 'e', 'f'],
      adEndpoint: 'http://g',
      adResourceID: 'h',
    };
    const { message } = of({}, { spec });
    expect(message.split(/; spec\./).length).toBe(5);
    expect(message).toMatch(/; and 1 more$/);
    expect(message).not.toContain('old spelling');
  });
});

describe('a message stays far below the size up to which MIC reads conditions', () => {
  it('of an object with very many problems', () => {
    const keys = Array.from({ length: 99 }, (_, at) => `${'"'.repeat(70)}${at}`);
    const podSelector = Object.fromEntries(keys.map((key) => [key, 1]));
    const { message } = bindingCondition(binding({ spec: { podSelector } }), worldOf());
    expect(message).toMatch(/; and 89 more$/);
    expect(JSON.stringify(message).length).toBeLessThan(8_000);
  });

  it.each([
    ['quotes', '"'.repeat(8_000)],
    ['control characters', '\u0001'.repeat(2_700)],
    ['pairs of surrogates', `a${'\u{1f600}'.repeat(4_000)}`],
  ])('of an object with a very long problem, of %s', (_, key) => {
    const { message } = bindingCondition(binding({ spec: { podSelector: { [key]: 1 } } }), worldOf());
    expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThan(8_100);
    // The API server replaces halves of a pair, and MIC would write the condition again.
    expect(message.isWellFormed()).toBe(true);
    expect(message).toMatch(
      /^spec\.podSelector\..*\.\.\. is not known here: write matchLabels, matchExpressions$/,
    );
  });

  it('of an object with many long problems, of control characters and pairs of surrogates', () => {
    const keys = Array.from(
      { length: 12 },
      (_, at) => `${'\u0001'.repeat(140 + at)}${'\u{1f600}'.repeat(50)}`,
    );
    const podSelector = Object.fromEntries(keys.map((key) => [key, 1]));
    const { message } = bindingCondition(binding({ spec: { podSelector } }), worldOf());
    expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThan(8_100);
    expect(message.isWellFormed()).toBe(true);
    expect(message).toMatch(/^spec\.podSelector\..*\.\.\.$/s);
  });

  it('of an object with long doubtful values', () => {
    const long = '\u4e00'.repeat(1_000);
    const spec = { type: 1, clientID: long, tenantID: long, auxiliaryTenantIDs: [long], adResourceID: long };
    const { message } = of({}, { spec: { ...spec, adEndpoint: long } });
    expect(JSON.stringify(message).length).toBeLessThan(16_000);
  });
});

describe('an AzureIdentityBinding', () => {
  const bindingOf = (different: Partial<ClusterSnapshot>, view = binding()) =>
    bindingCondition(view, worldOf(different));

  it.each([
    [{}, ['True', 'Bound'], 'pods labelled aadpodidbinding=demo may act as AzureIdentity default/reader'],
    [{ identities: [] }, ['False', 'IdentityNotFound'], 'there is no AzureIdentity default/reader'],
    [
      { identities: [identity({ spec: { type: 9 } })] },
      ['False', 'IdentityInvalid'],
      'AzureIdentity default/reader is invalid: spec.type',
    ],
  ])('%#: %j %s', (different, [status, reason], message) => {
    const condition = bindingOf(different);
    expect(condition).toMatchObject({ type: 'Ready', status, reason });
    expect(condition.message).toContain(message);
  });

  it('InvalidSpec: names the field', () => {
    expect(bindingOf({}, binding({ azureIdentity: '' }))).toMatchObject({
      reason: 'InvalidSpec',
      message: expect.stringContaining('spec.azureIdentity') as unknown,
    });
  });
});

describe('the next conditions of an object', () => {
  const ready: Condition = {
    type: 'Ready',
    status: 'True',
    reason: 'A',
    message: 'm',
    lastTransitionTime: 'then',
  };
  const other: Condition = { ...ready, type: 'Other' };
  const draft = { type: 'Ready', status: 'True', reason: 'A', message: 'm' } as const;

  it.each<[readonly Condition[] | undefined, object, unknown]>([
    [[ready], draft, undefined],
    [[{ ...other, status: 'False' }, ready], draft, undefined],
    [[ready], { ...draft, reason: 'B' }, [{ ...ready, reason: 'B' }]],
    [undefined, draft, [{ ...draft, lastTransitionTime: 'now' }]],
    [[ready], { ...draft, message: 'n' }, [{ ...ready, message: 'n' }]],
    [
      [ready, other],
      { ...draft, status: 'False' },
      [other, { ...ready, status: 'False', lastTransitionTime: 'now' }],
    ],
    [[ready], { ...draft, observedGeneration: 2 }, [{ ...ready, observedGeneration: 2 }]],
  ])('%#: none when equal, others kept, a new time only with a new status', (before, change, after) => {
    expect(nextConditions(before, { ...draft, ...change }, 'now')).toEqual(after);
  });
});

describe('a long message, of which MIC keeps a hash', () => {
  const long = 'kind: ClusterRole '.repeat(100);
  const ready = { type: 'Ready', status: 'False', reason: 'HostRefused', lastTransitionTime: 't' } as const;
  const known = (message: string) => identity({ status: { conditions: [{ ...ready, message }] } });
  const conditionsOf = (message: string) => {
    const view = known(message);
    return view.kind === 'valid' ? view.identity.status?.conditions : undefined;
  };
  const unread = worldOf(withFacts(createFacts(vmss1)));

  it('is written again only when it is another one, and then as a whole', () => {
    expect(JSON.stringify(known(long)).length).toBeLessThan(long.length);
    expect(nextConditions(conditionsOf(long), { ...ready, message: long }, 'now')).toBeUndefined();
    const other = { ...ready, message: `${long}.` };
    expect(nextConditions(conditionsOf(long), other, 'now')).toEqual([other]);
  });

  it('is not what a new leader says until it has read a host, but the part before long warnings is', () => {
    expect(identityCondition(known(long), unread)).toMatchObject({ reason: 'Attaching' });
    expect(identityCondition(known(`m. Warning: ${long}`), unread)).toMatchObject({ message: 'm' });
  });
});
