import { describe, expect, it } from 'vitest';
import type { HostFacts, Quarantine } from '../snapshot/facts/facts.ts';
import { createFacts } from '../snapshot/facts/host-facts.ts';
import type { ClusterSnapshot } from '../snapshot/test/cluster-snapshot.ts';
import { plan, type Plan } from './test/cluster-plan.ts';
import {
  alive,
  binding,
  clientIdOf,
  facts,
  factsMap,
  hostOf,
  identity,
  idOf,
  instanceOf,
  machine,
  minute,
  node,
  now,
  pod,
  resourceIdOf,
  rules,
  snapshot,
  type PlanAndMatchingRules,
} from './test/builders.ts';
import type { HostPlan } from './types.ts';

const vmss1 = hostOf(instanceOf('vmss1'));
const reader = idOf('reader');
const grace = rules.detachGraceMs;

/** The changes of hosts, as `host: +attached ~renewed -detached ?read`. */
function changes({ hosts }: Plan): string[] {
  const name = (id: string) => id.slice(id.lastIndexOf('/') + 1);
  return hosts.flatMap((host: HostPlan) => {
    const words = [
      ...host.attach.map((id) => `+${name(id)}`),
      ...host.renew.map((id) => `~${name(id)}`),
      ...host.detach.map((id) => `-${name(id)}`),
      ...(host.read ? ['?'] : []),
    ];
    return words.length === 0 ? [] : [`${name(host.host?.id ?? '/none')}: ${words.join(' ')}`];
  });
}

const planOf = (different: Partial<ClusterSnapshot>, more: Partial<PlanAndMatchingRules> = {}) =>
  plan(snapshot(different), { ...rules, ...more });
const changesOf = (different: Partial<ClusterSnapshot>, more: Partial<PlanAndMatchingRules> = {}) =>
  changes(planOf(different, more));
const withFacts = (...list: HostFacts[]) => ({ facts: factsMap(...list) });
const idleSince = (at: number, ...names: string[]) => new Map(names.map((name) => [idOf(name), at]));
const quarantine = (until: number): Quarantine => ({ until, failures: 1, code: 'Unknown', message: '' });

describe('attaching', () => {
  it('C51 E16 what is missing is attached, and nothing else', () => {
    expect(changesOf(withFacts(facts(vmss1)))).toEqual(['vmss1: +reader']);
    expect(changesOf(withFacts(facts(vmss1, ['reader', 'other'])))).toEqual([]);
  });

  describe('when updates of the host were refused because of a namespace', () => {
    const strikes = new Map([
      ['default', { failedAt: now, spentUntil: now + 4 * 2 * minute, distrusted: false }],
    ]);
    const struck = withFacts(facts(vmss1, [], { strikes }));

    it('what only that namespace names is attached when it may try again', () => {
      const planned = planOf({ ...struck, assigned: [] });
      expect(changes(planned)).toEqual([]);
      expect(planned.wakeAt).toBe(now + 2 * minute);
    });

    it('what another namespace names as well is attached at once', () => {
      const identities = [identity(), identity({ namespace: 'shop' })];
      expect(changesOf({ ...struck, identities })).toEqual(['vmss1: +reader']);
    });
  });

  it('a host that was never read is read, and everything needed is asked for meanwhile', () => {
    const { hosts } = planOf({ facts: new Map() });
    expect(hosts).toMatchObject([{ host: vmss1, attach: [reader], read: true }]);
    expect(hosts[0]?.needed).toEqual(new Set([reader]));
  });

  it.each([
    ['waits while it is quarantined', now + minute, { changes: [], wakeAt: now + minute }],
    ['is tried again at the end of that', now, { changes: ['vmss1: +reader'] }],
  ])('an identity that Azure refused %s', (_, until, expected) => {
    const planned = planOf(
      withFacts(facts(vmss1, [], { quarantined: new Map([[reader, quarantine(until)]]) })),
    );
    expect({ ...planned, changes: changes(planned) }).toMatchObject(expected);
  });

  it('a hold of ARM is passed on, and the host is planned again when it ends', () => {
    const until = now + 7 * minute;
    const { hosts, wakeAt } = planOf({ assigned: [], ...withFacts(facts(vmss1, [], { notBefore: until })) });
    expect(hosts).toMatchObject([
      { attach: [reader], notBefore: until, wakeAt: until, steps: [{ kind: 'create' }] },
    ]);
    expect(wakeAt).toBe(until);
  });
});

describe('waking', () => {
  const held = now + minute;

  it('a host that nobody needs is looked at once more when its record is to be cleared away', () => {
    const quarantined = new Map([[reader, quarantine(now + minute)]]);
    const day = 24 * 60 * minute;
    const planned = planOf({ pods: [], assigned: [], ...withFacts(facts(vmss1, [], { quarantined })) });
    expect(planned.wakeAt).toBe(now + minute + day);
  });

  it('a hold wakes nobody where nothing is due', () => {
    const { wakeAt } = planOf(withFacts(facts(vmss1, ['reader'], { notBefore: now + 1_000 })));
    expect(wakeAt).toBeGreaterThan(now + 2 * minute);
  });

  it('a hold that ends now is none', () => {
    const [host] = planOf(withFacts(facts(vmss1, [], { notBefore: now }))).hosts;
    expect(host).toMatchObject({ attach: [reader] });
    expect(host).not.toHaveProperty('notBefore');
  });

  it('what is due of several kinds is as due as one alone', () => {
    const old = { oursNames: ['old'], idleSince: idleSince(now - grace, 'old'), notBefore: held };
    const other = { identities: [identity(), identity({ name: 'dead' })] };
    const bindings = [binding(), binding({ azureIdentity: 'dead' })];
    const attachAndDetach = planOf(withFacts(facts(vmss1, ['old'], old)));
    expect(changes(attachAndDetach)).toEqual(['vmss1: +reader -old']);
    expect(attachAndDetach.wakeAt).toBe(held);
    const present = new Map([[idOf('dead'), {}]]);
    const attachAndRenew = planOf({
      ...other,
      bindings,
      ...withFacts(facts(vmss1, [], { present, notBefore: held })),
    });
    expect(changes(attachAndRenew)).toEqual(['vmss1: +reader ~dead']);
    expect(attachAndRenew.wakeAt).toBe(held);
  });

  it('what is due but held back wakes its host at the end of the hold, before anything else', () => {
    expect(planOf(withFacts(facts(vmss1, [], { notBefore: held }))).wakeAt).toBe(held);
  });

  it('what becomes due within a hold wakes nobody before its end', () => {
    const more = { oursNames: ['reader'], idleSince: idleSince(now + 1 - grace, 'reader'), notBefore: held };
    expect(planOf({ pods: [], assigned: [], ...withFacts(facts(vmss1, ['reader'], more)) }).wakeAt).toBe(
      held,
    );
  });
});

describe('renewing', () => {
  const dead = (more: Partial<HostFacts> = {}) =>
    facts(vmss1, [], { present: new Map([[reader, {}]]), ...more });
  const recreated = facts(vmss1, [], {
    present: new Map([[reader, { ...alive('reader'), clientId: 'old' }]]),
  });

  const ownReader = new Map([[reader, { since: now, confirmed: true }]]);

  it('what is left of a deleted identity is removed and attached again', () => {
    expect(changesOf(withFacts(dead()))).toEqual(['vmss1: ~reader']);
  });

  it.each([
    ['others attached', recreated],
    ['MIC attached', { ...recreated, ours: ownReader }],
  ])('a living entry that %s is left alone, whatever client id AzureIdentities state', (_, one) => {
    expect(changesOf(withFacts(one))).toEqual([]);
    expect(changesOf({ ...withFacts(one), identities: [identity(), identity({ name: 'other' })] })).toEqual(
      [],
    );
  });

  it('not twice within an hour: a client id that never fits must cause no loop', () => {
    const one = (ago: number) => dead({ renewedAt: new Map([[reader, now - ago]]) });
    expect(changesOf(withFacts(one(59 * minute)))).toEqual([]);
    expect(changesOf(withFacts(one(60 * minute)))).toEqual(['vmss1: ~reader']);
  });

  describe('of what others attached, taken off and not yet put back', () => {
    const off = facts(vmss1, [], { renewing: new Map([[reader, { since: now }]]) });
    const unneeded = { pods: [], assigned: [] };

    it('is completed whether a pod needs it or not', () => {
      expect(changesOf(withFacts(off))).toEqual(['vmss1: +reader']);
      expect(changesOf({ ...unneeded, ...withFacts(off) })).toEqual(['vmss1: +reader']);
    });

    it('is completed by a new leader after it has read the host', () => {
      const { renewing } = off;
      expect(changesOf({ ...unneeded, ...withFacts({ ...createFacts(vmss1), renewing }) })).toEqual([
        'vmss1: ?',
      ]);
    });

    it('is over once the host lists the entry, be it dead', () => {
      const listed = { ...off, present: new Map([[reader, {}]]) };
      expect(changesOf({ ...unneeded, ...withFacts(listed) })).toEqual([]);
    });

    it('waits while Azure refuses it', () => {
      const quarantined = new Map([[reader, quarantine(now + 1)]]);
      expect(changesOf({ ...unneeded, ...withFacts({ ...off, quarantined }) })).toEqual([]);
    });
  });

  it('not while it is quarantined', () => {
    const quarantined = new Map([[reader, quarantine(now + 1)]]);
    expect(changesOf(withFacts(dead({ quarantined })))).toEqual([]);
  });

  it('a protected one only when it is dead: that takes nothing from anybody, and a pod waits for it', () => {
    const immutableClientIds = new Set([clientIdOf('reader')]);
    expect(changesOf(withFacts(recreated), { immutableClientIds })).toEqual([]);
    expect(changesOf(withFacts(dead()), { immutableClientIds })).toEqual(['vmss1: ~reader']);
  });
});

describe('detaching', () => {
  const idle = (ago: number, more: Partial<HostFacts> = {}) =>
    facts(vmss1, ['reader'], { oursNames: ['reader'], idleSince: idleSince(now - ago, 'reader'), ...more });
  const unused = (one: HostFacts) => ({ pods: [], assigned: [], ...withFacts(one) });

  it('what nobody needs goes after the grace, and not before', () => {
    expect(changesOf(unused(idle(grace)))).toEqual(['vmss1: -reader']);
    const early = planOf(unused(idle(grace - 1000)));
    expect(changes(early)).toEqual([]);
    expect(early.wakeAt).toBe(now + 1000);
  });

  it('the grace of what has only just become idle starts now', () => {
    const one = facts(vmss1, ['reader'], { oursNames: ['reader'] });
    expect(changesOf(unused(one))).toEqual([]);
    expect(changesOf(unused(one), { detachGraceMs: 0 })).toEqual(['vmss1: -reader']);
  });

  it('a finished pod needs nothing (W-C6)', () => {
    expect(changesOf({ ...unused(idle(grace)), pods: [pod({ phase: 'Succeeded' })] })).toEqual([
      'vmss1: -reader',
    ]);
  });

  it('what no reading has confirmed stays: it may be somebody else’s', () => {
    const intent = new Map([[reader, { since: now - 1, confirmed: false }]]);
    expect(changesOf(unused(idle(grace, { ours: intent })))).toEqual([]);
  });

  it.each([
    ['by the client id that ARM reports', { identities: [] }],
    [
      'by the client id that an AzureIdentity states',
      { facts: factsMap(idle(grace, { present: new Map([[reader, { principalId: 'p' }]]) })) },
    ],
  ])('C47 E15 E17 an immutable identity stays, known %s', (_, different) => {
    const immutableClientIds = new Set([clientIdOf('reader')]);
    expect(changesOf({ ...unused(idle(grace)), ...different }, { immutableClientIds })).toEqual([]);
    expect(changesOf({ ...unused(idle(grace)), ...different })).toEqual(['vmss1: -reader']);
  });

  it('C47 an immutable identity stays, in whatever case Azure writes its client id', () => {
    const clientId = '0000ABCD-0000-0000-0000-00000000EEFF';
    const one = idle(grace, { present: new Map([[reader, { clientId }]]) });
    const unstated = { ...unused(one), identities: [] };
    expect(changesOf(unstated, { immutableClientIds: new Set([clientId.toLowerCase()]) })).toEqual([]);
    expect(changesOf(unstated)).toEqual(['vmss1: -reader']);
  });

  it('E12 what somebody took off by hand already needs nothing', () => {
    expect(changesOf(unused(idle(grace, { present: new Map() })))).toEqual([]);
  });

  it('nothing is detached from a host that was not read yet', () => {
    const { host, ours, idleSince: since } = idle(grace);
    const unread = { ...createFacts(host), ours, idleSince: since };
    expect(changesOf(unused(unread))).toEqual(['vmss1: ?']);
  });

  it('attaching wins: an id that is idle under one spelling and needed under another stays', () => {
    const identities = [identity({ spec: { type: 0, resourceID: resourceIdOf('READER') } })];
    expect(changesOf({ identities, assigned: [], ...withFacts(idle(grace)) })).toEqual([]);
  });

  it('W-C4 a scale set without nodes is cleaned up as well: its facts remember it', () => {
    expect(changesOf({ ...unused(idle(grace)), nodes: [] })).toEqual(['vmss1: -reader']);
  });
});

describe('an update that failed after ARM had accepted it', () => {
  const listed = (more: Partial<HostFacts>) =>
    facts(vmss1, ['reader'], { oursNames: ['reader'], unapplied: new Set([reader]), ...more });
  const planned = (more: Partial<HostFacts>) => planOf({ assigned: [], ...withFacts(listed(more)) }).hosts[0];

  it('is sent again for what it was to attach, while the host is Failed', () => {
    expect(planned({ failed: true })).toMatchObject({ attach: [], again: [reader], detach: [] });
    expect(planned({})).not.toHaveProperty('again');
  });

  it('is not sent before the pause after the last failure is over', () => {
    const held = planned({ failed: true, notBefore: now + minute });
    expect(held).toMatchObject({ notBefore: now + minute, wakeAt: now + minute });
  });

  it('waits as long as a refusal over the identity lasts', () => {
    const quarantined = new Map([[reader, quarantine(now + 5 * minute)]]);
    expect(planned({ failed: true, quarantined })).not.toHaveProperty('again');
  });

  it('is not sent for what was on the host before, nor for what nobody needs any more', () => {
    expect(changesOf(withFacts(facts(vmss1, ['reader'], { failed: true })))).toEqual([]);
    const unused = { pods: [], assigned: [], ...withFacts(listed({ failed: true })) };
    expect(planOf(unused).hosts.flatMap(({ again = [] }) => again)).toEqual([]);
  });

  it('is sent for an entry of others that MIC put back, whoever needs it', () => {
    const ours = new Map();
    const foreign = { pods: [], assigned: [], ...withFacts(listed({ failed: true, ours })) };
    expect(planOf(foreign).hosts[0]).toMatchObject({ again: [reader] });
  });

  it('while it is under way the host is read again soon, later for one that takes long', () => {
    const begun = (ago: number) =>
      planOf({ ...withFacts(listed({ ours: new Map([[reader, { since: now - ago, confirmed: true }]]) })) });
    expect(begun(0).wakeAt).toBe(now + 2000);
    expect(begun(20_000).wakeAt).toBe(now + 10_000);
    expect(begun(60 * minute).wakeAt).toBe(now + minute);
  });
});

describe('reading', () => {
  const aged = (ago: number) => facts(vmss1, ['reader'], { readAt: now - ago });

  it.each<[string, Partial<HostFacts>]>([
    ['MIC attached', { ours: new Map([[reader, { since: now, confirmed: false }]]) }],
    ['is to be put back', { renewing: new Map([[reader, { since: now }]]) }],
    ['was sent and is not known to have succeeded', { unapplied: new Set([reader]) }],
    [
      'MIC attached and another one that is to be put back',
      {
        ours: new Map([[reader, { since: now, confirmed: true }]]),
        renewing: new Map([[idOf('other'), { since: now }]]),
      },
    ],
    [
      'MIC attached, of which nothing is known',
      { ours: new Map([[reader, { since: now, confirmed: false }]]), unapplied: new Set([reader]) },
    ],
  ])('a host without pods is read for what %s', (_, more) => {
    const unread = { ...createFacts(vmss1), ...more };
    expect(changesOf({ pods: [], assigned: [], ...withFacts(unread) })).toEqual(['vmss1: ?']);
  });

  it('a host whose update has failed is read within the drift period, not as one whose update is under way', () => {
    const one = { ours: new Map([[reader, { since: now, confirmed: true }]]), unapplied: new Set([reader]) };
    const until = { quarantined: new Map([[reader, quarantine(now + 60 * minute)]]) };
    const wakeOf = (more: Partial<HostFacts>) =>
      planOf(withFacts(facts(vmss1, ['reader'], { ...one, ...until, ...more }))).wakeAt;
    expect(wakeOf({})).toBe(now + 2_000);
    expect(wakeOf({ failed: true })).toBeGreaterThan(now + 0.7 * rules.driftPeriodMs);
  });

  it('a host is read again within the drift period', () => {
    expect(changesOf(withFacts(aged(rules.driftPeriodMs)))).toEqual(['vmss1: ?']);
    const early = planOf(withFacts(aged(rules.driftPeriodMs / 2)));
    expect(changes(early)).toEqual([]);
    expect(early.wakeAt).toBeGreaterThan(now);
    expect(early.wakeAt).toBeLessThanOrEqual(now + rules.driftPeriodMs / 2);
  });

  it('a host with nothing of ours and nothing needed is never read, and never wakes anybody', () => {
    const planned = planOf({ pods: [], assigned: [], ...withFacts(createFacts(vmss1)) });
    expect(planned).toMatchObject({ hosts: [] });
    expect(planned).not.toHaveProperty('wakeAt');
  });

  it('hosts are not all read at the same moment, but over a good part of the period', () => {
    const names = Array.from({ length: 100 }, (_, count) => `vm-${count}`);
    const dues = names.map((name) => {
      const different = {
        nodes: [node('node-0', machine(name))],
        ...withFacts(facts(hostOf(machine(name)), ['reader'])),
      };
      return planOf(different).wakeAt ?? 0;
    });
    expect(new Set(dues).size).toBeGreaterThan(50);
    expect(Math.max(...dues) - Math.min(...dues)).toBeGreaterThan(0.05 * rules.driftPeriodMs);
    expect(Math.min(...dues)).toBeGreaterThanOrEqual(now + 0.8 * rules.driftPeriodMs);
  });
});

describe('an identity that moves between type 0 and type 3', () => {
  const tenantID = '72f988bf-86f1-41af-91ab-2d7cd011db47';
  const federated = (name = 'reader') =>
    identity({
      name,
      spec: { type: 3, resourceID: resourceIdOf('reader'), clientID: clientIdOf('reader'), tenantID },
    });
  const given = (since: number) =>
    withFacts(facts(vmss1, ['reader'], { oursNames: ['reader'], idleSince: idleSince(since, 'reader') }));

  it('of type 3 is attached to no host', () => {
    expect(changesOf({ identities: [federated()], ...withFacts(facts(vmss1)) })).toEqual([]);
  });

  it('to type 3 is given back by the machine after its grace', () => {
    const identities = [federated()];
    expect(changesOf({ identities, ...given(now - grace + 1) })).toEqual([]);
    expect(changesOf({ identities, ...given(now - grace) })).toEqual(['vmss1: -reader']);
  });

  it('back to type 0 is attached beside the one of type 3, before that is deleted', () => {
    const identities = [federated('federated'), identity()];
    const bindings = [binding({ azureIdentity: 'federated' }), binding()];
    expect(changesOf({ identities, bindings, ...withFacts(facts(vmss1)) })).toEqual(['vmss1: +reader']);
  });
});
