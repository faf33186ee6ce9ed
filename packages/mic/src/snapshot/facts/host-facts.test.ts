import { describe, expect, it } from 'vitest';
import { alive, facts, hostOf, idOf, instanceOf, minute, now } from '../../plan/test/builders.ts';
import type { HostFacts } from './facts.ts';
import {
  createFacts,
  factsFromRecord,
  foldExpiry,
  foldIdle,
  foldIntent,
  foldReading,
  foldRefused,
  foldRenewal,
  foldSpending,
  foldThrottle,
  foldUpdate,
  isCarried,
  isMisstated,
  recordOf,
  settledAt,
} from './host-facts.ts';
import type { HostUpdate } from './outcomes.ts';

import { isEmptyRecord, serialiseRecord } from './host-record.ts';

const host = hostOf(instanceOf('vmss1'));
const [reader, writer] = [idOf('reader'), idOf('writer')];
const at = { now, chance: 0.5 };
const present = (...names: string[]) => new Map(names.map((name) => [idOf(name), alive(name)]));
const update = (
  outcome: Partial<HostUpdate['outcome']>,
  change: Partial<HostUpdate['change']> = {},
): HostUpdate => ({
  change: { attach: [], renew: [], detach: [], ...change },
  outcome: { rejected: [], patches: 1, ...outcome },
});
const ours = (one: HostFacts) =>
  Object.fromEntries([...one.ours].map(([id, { confirmed }]) => [id, confirmed]));

describe('what is remembered as our own', () => {
  it('is what was written down before the PATCH and seen after it', () => {
    const intended = foldIntent(facts(host), [reader], now);
    expect(ours(intended)).toEqual({ [reader]: false });
    const done = foldUpdate(intended, update({ present: present('reader') }), at);
    expect(ours(done)).toEqual({ [reader]: true });
    expect(done.readAt).toBe(now);
  });

  it('is never what was there before: renewed or not, it stays whose it is', () => {
    const before = facts(host, ['reader']);
    expect(foldIntent(before, [reader], now).ours).toBe(before.ours);
  });

  it('outlives a lost answer: the next reading tells', () => {
    const lost = foldUpdate(foldIntent(facts(host), [reader], now), update({}), at);
    expect(lost).not.toHaveProperty('present');
    expect(lost).not.toHaveProperty('readAt');
    expect(ours(lost)).toEqual({ [reader]: false });
    expect(ours(foldReading(lost, { kind: 'read', present: present('reader') }, at))).toEqual({
      [reader]: true,
    });
  });

  it('is not given up while the host is being changed, however long; then a reading decides', () => {
    const intended = foldIntent(facts(host), [reader], now);
    const later = { ...at, now: now + 600 * minute };
    const changing = foldReading(intended, { kind: 'read', present: present(), unsettled: true }, later);
    expect(ours(changing)).toEqual({ [reader]: false });
    const listed = foldReading(
      intended,
      { kind: 'read', present: present('reader'), unsettled: true },
      later,
    );
    expect(ours(listed)).toEqual({ [reader]: true });
    expect(ours(foldReading(changing, { kind: 'read', present: present() }, later))).toEqual({});
    expect(ours(foldReading(changing, { kind: 'read', present: present('reader') }, later))).toEqual({
      [reader]: true,
    });
  });

  it('is not lost when its identity is re-created or deleted in Azure while the host is being changed', () => {
    const one = facts(host, ['reader'], { oursNames: ['reader'] });
    const changing = foldReading(one, { kind: 'read', present: present(), unsettled: true }, at);
    expect(ours(changing)).toEqual({ [reader]: true });
    const dead = new Map([[reader, {}]]);
    expect(ours(foldReading(changing, { kind: 'read', present: dead }, at))).toEqual({ [reader]: true });
    expect(ours(foldUpdate(one, update({ present: present(), unsettled: true }), at))).toEqual({
      [reader]: true,
    });
  });

  it('is withdrawn by a definite refusal, so that a later attachment of others stays theirs', () => {
    const refused = foldUpdate(
      foldIntent(facts(host), [reader], now),
      update({ refused: [reader], present: present(), unsettled: true }),
      at,
    );
    expect(ours(refused)).toEqual({});
    expect(ours(foldReading(refused, { kind: 'read', present: present('reader') }, at))).toEqual({});
  });

  it('is not withdrawn when an earlier PATCH under it has no answer, in this term or in an earlier one', () => {
    const earlier = factsFromRecord(recordOf(foldIntent(facts(host), [reader], now)));
    const again = foldIntent(earlier, [reader], now);
    const refused = foldUpdate(again, update({ refused: [reader] }), at);
    expect(ours(refused)).toEqual({ [reader]: false });
    expect(ours(foldRefused(foldIntent(refused, [reader], now), [reader, reader]))).toEqual({});
  });

  it('is not withdrawn by a refusal once a reading has confirmed it', () => {
    const one = facts(host, ['reader'], { oursNames: ['reader'] });
    expect(ours(foldRefused(one, [reader]))).toEqual({ [reader]: true });
  });

  it('ends with a detach, ours or another’s: who attaches it next owns it', () => {
    const one = facts(host, ['reader'], { oursNames: ['reader'] });
    expect(ours(foldUpdate(one, update({ present: present() }, { detach: [reader] }), at))).toEqual({});
    expect(ours(foldReading(one, { kind: 'read', present: present() }, at))).toEqual({});
  });

  it('does not hold what ARM refused', () => {
    const intended = foldIntent(facts(host), [reader, writer], now);
    const rejected = [{ id: reader, code: 'LinkedAuthorizationFailed' as const, message: 'no' }];
    expect(ours(foldUpdate(intended, update({ present: present('writer'), rejected }), at))).toEqual({
      [writer]: true,
    });
  });

  it('ends with the host', () => {
    const gone = foldReading(
      facts(host, ['reader'], { oursNames: ['reader'] }),
      { kind: 'gone', message: '404' },
      at,
    );
    expect(ours(gone)).toEqual({});
    expect(gone.present?.size).toBe(0);
  });
});

describe('quarantine', () => {
  const rejected = [{ id: reader, code: 'FailedIdentityOperation' as const, message: 'no such identity' }];

  it('counts on over its end, and is over once the identity is seen alive', () => {
    const once = foldUpdate(facts(host), update({ rejected }), at);
    const twice = foldUpdate(once, update({ rejected }), { ...at, now: now + 5 * minute });
    expect(twice.quarantined.get(reader)).toMatchObject({ failures: 2, until: now + 7 * minute });
    const dead = { kind: 'read', present: new Map([[reader, {}]]) } as const;
    expect(foldReading(twice, dead, at).quarantined.size).toBe(1);
    expect(foldReading(twice, { kind: 'read', present: present('reader') }, at).quarantined.size).toBe(0);
  });
});

describe('a host that could not be read or changed', () => {
  it('is forgiven by the first success, which does not end a hold that others have set', () => {
    const held = foldThrottle(
      foldReading(facts(host), { kind: 'failed', message: 'm' }, at),
      now + 9 * minute,
    );
    const read = foldReading(held, { kind: 'read', present: present() }, at);
    expect(read).not.toHaveProperty('lastFailure');
    expect(read.notBefore).toBe(now + 9 * minute);
    expect(foldExpiry(read, now + 9 * minute).notBefore).toBe(0);
  });

  it('aborted: says nothing about it', () => {
    const one = facts(host);
    expect(foldReading(one, { kind: 'aborted' }, at)).toBe(one);
    expect(foldUpdate(one, update({ refusal: { kind: 'aborted' }, patches: 0 }), at)).toBe(one);
  });
});

it('what was read before stays known when nothing was sent', () => {
  const one = facts(host, ['reader']);
  const refusal = { kind: 'throttled', message: 'm', retryAfterMs: 1, scope: 'host' } as const;
  expect(foldUpdate(one, update({ refusal, patches: 0 }), at).present).toBe(one.present);
});

describe('a dead entry of others that is renewed', () => {
  const dead = facts(host, [], { present: new Map([[reader, {}]]) });
  const off = { kind: 'read', present: present() } as const;

  it('is on record before it is taken off, and is put back as theirs by whoever leads by then', () => {
    const begun = factsFromRecord(recordOf(foldRenewal(dead, [reader], now)));
    expect([...begun.renewing.keys()]).toEqual([reader]);
    const unread = foldReading(begun, off, at);
    const restoring = foldIntent(unread, [reader], now);
    expect(ours(restoring)).toEqual({});
    const done = foldUpdate(restoring, update({ present: present('reader') }), at);
    expect([ours(done), done.renewing.size]).toEqual([{}, 0]);
  });

  it('is not begun any more once a settled list shows it still there', () => {
    const begun = foldRenewal(dead, [reader], now);
    const listed = { kind: 'read', present: new Map([[reader, {}]]) } as const;
    expect(foldReading(begun, { ...listed, unsettled: true }, at).renewing.size).toBe(1);
    expect(foldReading(begun, listed, at).renewing.size).toBe(0);
  });

  it('needs no record when it is MIC’s own', () => {
    const own = { ...dead, ours: new Map([[reader, { since: now, confirmed: true }]]) };
    expect(foldRenewal(own, [reader], now)).toBe(own);
  });

  it('is given up after thirty days, and with its host', () => {
    const begun = foldRenewal(dead, [reader], now);
    expect(foldExpiry(begun, now + 29 * 24 * 60 * minute)).toBe(begun);
    expect(foldExpiry(begun, now + 30 * 24 * 60 * minute).renewing.size).toBe(0);
    expect(foldReading(begun, { kind: 'gone', message: '404' }, at).renewing.size).toBe(0);
  });
});

describe('a renewal', () => {
  const one = facts(host, ['reader']);

  it('that was still to come when the budget of the host ended is not taken for done', () => {
    const refusal = {
      kind: 'throttled',
      message: 'next update in 34 s',
      retryAfterMs: 34_000,
      scope: 'host',
    } as const;
    const present = new Map([[reader, {}]]);
    const outcome = { present, refusal, applied: [writer], patches: 1 };
    expect(foldUpdate(one, update(outcome, { attach: [writer], renew: [reader] }), at).renewedAt.size).toBe(
      0,
    );
  });
});

describe('grace', () => {
  it('starts when nobody needs it any more, goes on, and ends when somebody does', () => {
    const one = facts(host, ['reader'], { oursNames: ['reader'] });
    const idle = foldIdle(one, new Set(), now);
    expect(idle.idleSince).toEqual(new Map([[reader, now]]));
    expect(foldIdle(idle, new Set(), now + 1)).toBe(idle);
    expect(foldIdle(idle, new Set([reader]), now + 2).idleSince.size).toBe(0);
  });

  it('is nobody’s but ours', () => {
    const one = facts(host, ['reader']);
    expect(foldIdle(one, new Set(), now)).toBe(one);
  });
});

it('says when time will have settled what is on record', () => {
  const one = createFacts(host);
  const refused = { until: now, failures: 1, code: 'Unknown', message: 'm' } as const;
  expect(settledAt(one)).toBe(Infinity);
  expect(settledAt({ ...one, notBefore: now + 1 })).toBe(now + 1);
  const quarantined = new Map([[reader, refused]]);
  const end = settledAt({ ...one, notBefore: now + 1, quarantined });
  expect(end).toBe(now + 24 * 3_600_000);
});

it('a record is what outlives the term', () => {
  const one = { ...facts(host, ['reader'], { oursNames: ['reader'] }), notBefore: 5 };
  expect(factsFromRecord(recordOf(one))).toEqual({ ...createFacts(host), ours: one.ours, notBefore: 5 });
});

describe('what is on record of attempts', () => {
  const named = (count: number) => Array.from({ length: count }, (_, index) => idOf(`bad-${index}`));

  it('what is on record of refusals is bounded, whatever ids are written and whatever ARM says of them', () => {
    const rejected = named(2_000).map((id) => ({
      id,
      code: 'IdentityNotFound' as const,
      message: 'x'.repeat(9_000),
    }));
    const after = foldUpdate(facts(host), update({ rejected }), at);
    expect(after.quarantined.size).toBe(300);
    expect(serialiseRecord(recordOf(after)).length).toBeLessThan(400_000);
  });

  it('strikes keep the record for as long as they are remembered', () => {
    const struck = foldUpdate(facts(host), update({ blamed: new Map([['shop', 1]]) }), at);
    expect(settledAt(struck)).toBe(now + 24 * 60 * minute);
    expect(isEmptyRecord(foldExpiry(struck, now + 23 * 60 * minute))).toBe(false);
    expect(isEmptyRecord(foldExpiry(struck, now + 24 * 60 * minute))).toBe(true);
  });
});

describe('a client id that an AzureIdentity states', () => {
  const carried = { ...facts(host), present: new Map([[reader, { clientId: 'AAAA', principalId: 'p' }]]) };
  it.each([
    ['is wrong where the host carries the identity under another one', carried, 'bbbb', true],
    ['is compared in any case', carried, 'aAAa', false],
    ['that is not there is not wrong', carried, undefined, false],
    ['is not wrong where the host carries nothing', facts(host), 'bbbb', false],
    ['is not wrong where nothing is known of the host', undefined, 'bbbb', false],
    [
      'is not wrong where the entry says none',
      { ...facts(host), present: new Map([[reader, { principalId: 'p' }]]) },
      'bbbb',
      false,
    ],
  ])('%s', (...[, known, stated, expected]) => {
    expect(isMisstated(known, reader, stated)).toBe(expected);
  });
});

describe('a host whose update has failed', () => {
  const lastFailure = { kind: 'failed', message: 'no', failures: 2 } as const;
  const failing = { ...facts(host), lastFailure, unapplied: new Set([reader]) };
  const reading = (over: object) => ({ kind: 'read', present: present('reader'), ...over }) as const;

  it('keeps its last failure when it is read while its update is still to be repeated', () => {
    expect(foldReading(failing, reading({ failed: true }), at).lastFailure).toBe(lastFailure);
    const unavailable = { ...lastFailure, kind: 'unavailable' } as const;
    expect(
      foldReading({ ...failing, lastFailure: unavailable }, reading({ failed: true }), at).lastFailure,
    ).toBe(unavailable);
  });

  it.each([
    ['the update has succeeded', failing, reading({})],
    [
      'nothing of MIC’s was in it',
      { ...failing, unapplied: new Set<typeof reader>() },
      reading({ failed: true }),
    ],
    [
      'the last failure was of another kind',
      { ...failing, lastFailure: { ...lastFailure, kind: 'denied' } as const },
      reading({ failed: true }),
    ],
  ])('is well when it is read and %s', (...[, known, outcome]) => {
    expect(foldReading(known, outcome, at)).not.toHaveProperty('lastFailure');
  });

  it('has no failure while a newer update is under way, or when the failure was reported before this term', () => {
    expect(foldReading(failing, reading({ unsettled: true }), at)).not.toHaveProperty('lastFailure');
    const untold = { ...facts(host), unapplied: new Set([reader]) };
    expect(foldReading(untold, reading({ failed: true }), at)).not.toHaveProperty('lastFailure');
  });

  it('fails for longer each time, in this term and before it', () => {
    const late = { kind: 'failed', message: 'no', late: true } as const;
    const failures = (known: HostFacts) => {
      const after = foldReading(known, late, at);
      return [after.lateFailures, after.lastFailure?.failures];
    };
    expect(failures(facts(host))).toEqual([1, 1]);
    expect(failures({ ...facts(host), lateFailures: 4 })).toEqual([5, 5]);
    expect(
      failures({ ...facts(host), lateFailures: 1, lastFailure: { ...lastFailure, failures: 6 } }),
    ).toEqual([2, 7]);
    expect(foldReading(facts(host), { kind: 'failed', message: 'no' }, at).lateFailures).toBe(0);
  });

  it('is forgiven by a success alone', () => {
    const known = { ...facts(host), lateFailures: 3 };
    const left = (over: object) => foldReading(known, reading(over), at).lateFailures;
    expect([left({}), left({ failed: true }), left({ unsettled: true })]).toEqual([0, 3, 3]);
  });
});

describe('a refusal', () => {
  it('of the whole subscription holds its other hosts as well, any other this host alone', () => {
    const throttled = { kind: 'throttled', message: 'slow', retryAfterMs: 5_000 } as const;
    const of = (scope: 'host' | 'subscription') => {
      const { notBefore, subscriptionNotBefore } = foldReading(facts(host), { ...throttled, scope }, at);
      return [notBefore - now, subscriptionNotBefore && subscriptionNotBefore - now];
    };
    expect([of('host'), of('subscription')]).toEqual([
      [5_000, 0],
      [5_000, 5_000],
    ]);
  });

  it('never shortens a wait', () => {
    const held = { ...facts(host), notBefore: now + 60_000, spentUntil: now + 60_000 };
    expect(foldThrottle(held, now + 1)).toBe(held);
    expect(foldThrottle(held, now + 60_001).notBefore).toBe(now + 60_001);
    expect(foldSpending(held, now + 1)).toBe(held);
    expect(foldSpending(held, now + 60_001).spentUntil).toBe(now + 60_001);
  });

  it('of an intent takes one attempt back, and the intent with the last one', () => {
    const intent = (attempts?: number) => ({ since: 1, confirmed: false, ...(attempts && { attempts }) });
    const known = {
      ...facts(host),
      ours: new Map([
        [idOf('one'), intent()],
        [idOf('two'), intent(2)],
        [idOf('three'), intent(3)],
        [idOf('own'), { since: 1, confirmed: true }],
      ]),
      unapplied: new Set(['one', 'two', 'own'].map(idOf)),
    };
    const after = foldRefused(known, ['one', 'two', 'three', 'own', 'unknown'].map(idOf));
    expect([...after.ours]).toStrictEqual([
      [idOf('two'), intent()],
      [idOf('three'), intent(2)],
      [idOf('own'), { since: 1, confirmed: true }],
    ]);
    // Ids that are no longer MIC's own are removed.
    expect([...after.unapplied]).toEqual(['two', 'own'].map(idOf));
  });
});

describe('a renewal that was carried out', () => {
  const renewed = { renew: [reader] };
  const dead = new Map([[reader, {}]]);

  it('is remembered for the entry as it is, until that becomes another one', () => {
    const after = foldUpdate(
      facts(host),
      update({ present: present('reader'), applied: [reader] }, renewed),
      at,
    );
    expect([...after.renewedAt]).toEqual([[reader, now]]);
    const read = (one: HostFacts, entries: typeof dead) => [
      ...foldReading(one, { kind: 'read', present: entries }, at).renewedAt.keys(),
    ];
    expect(read(after, present('reader'))).toEqual([reader]);
    expect(read(after, dead)).toEqual([]);
    expect(read(after, new Map())).toEqual([]);
    expect(read({ ...after, present: new Map() }, new Map())).toEqual([reader]);
    const still = foldUpdate(facts(host), update({ present: dead, applied: [reader] }, renewed), at);
    expect(read(still, dead)).toEqual([reader]);
    expect(read(still, new Map())).toEqual([reader]);
    expect(read(still, present('reader'))).toEqual([]);
  });

  it('is none where nothing was sent', () => {
    const after = foldUpdate(facts(host), update({ patches: 0 }, renewed), at);
    expect([...after.renewedAt]).toEqual([]);
  });
});

it('what is confirmed as MIC’s own is attached again without another intent', () => {
  const own = facts(host, ['reader'], { oursNames: ['reader'], unapplied: new Set([reader]) });
  expect(foldIntent(own, [reader], now).ours).toBe(own.ours);
});

it('nothing is carried by a host that is not known', () => {
  expect(isCarried(undefined, reader)).toBe(false);
});

describe('what time has settled', () => {
  const day = 24 * 60 * minute;
  it.each<[string, Partial<HostFacts>, number]>([
    [
      'a refused id, a day after it may be tried again',
      { quarantined: new Map([[reader, { until: now, failures: 1, code: 'Unknown', message: '' }]]) },
      day,
    ],
    ['an accepted id, after a day', { accepted: new Map([[reader, now]]) }, day],
    ['a pause', { notBefore: now + 5 }, 5],
    ['a pause of the subscription', { subscriptionNotBefore: now + 5 }, 5],
  ])('%s, is forgotten, and not before', (_, over, ms) => {
    const known = { ...createFacts(host), ...over };
    expect(foldExpiry(known, now + ms - 1)).toBe(known);
    expect(recordOf(foldExpiry(known, now + ms))).toEqual(recordOf(createFacts(host)));
  });

  it('what was sent counts alone as long as more than half of the burst is missing', () => {
    const spent = { ...createFacts(host), spentUntil: now + 80_001 };
    expect(foldExpiry(spent, now).spentUntil).toBe(now + 80_001);
    expect(foldExpiry(spent, now + 1).spentUntil).toBe(0);
  });

  it('what was sent counts as long as anything else is on record', () => {
    const spent = { ...createFacts(host), spentUntil: now + 1 };
    const later = now + day;
    expect(foldExpiry(spent, later).spentUntil).toBe(0);
    for (const over of [
      { ours: new Map([[reader, { since: 1, confirmed: true }]]) },
      { unapplied: new Set([reader]) },
      { renewing: new Map([[reader, { since: later }]]) },
      { notBefore: later + 1 },
      {
        ours: new Map([[reader, { since: 1, confirmed: true }]]),
        renewing: new Map([[writer, { since: later }]]),
      },
      {
        renewing: new Map([[writer, { since: later }]]),
        quarantined: new Map([
          [reader, { until: later, failures: 1, code: 'Unknown' as const, message: '' }],
        ]),
      },
      {
        ours: new Map([[reader, { since: 1, confirmed: true }]]),
        strikes: new Map([['shop', { failedAt: later, spentUntil: 0, distrusted: false }]]),
      },
    ])
      expect(foldExpiry({ ...spent, ...over }, later).spentUntil).toBe(now + 1);
  });
});

it('an entry that is alive or dead is told by either of its ids', () => {
  const rejected = { until: now + 1, failures: 1, code: 'Unknown', message: '' } as const;
  const known = { ...facts(host), quarantined: new Map([[reader, rejected]]) };
  const left = (entry: object) =>
    foldReading(known, { kind: 'read', present: new Map([[reader, entry]]) }, at).quarantined.size;
  expect([left({ clientId: 'c' }), left({ principalId: 'p' }), left({})]).toEqual([0, 0, 1]);
});
