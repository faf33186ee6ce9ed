import { parseIdentityResourceId } from '@pod-identity/crd-types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostOf, idOf, instanceOf, machine, now, resourceIdOf } from '../../plan/test/builders.ts';
import type { HostRecord, RejectionCode } from './facts.ts';
import { createFacts, foldIntent, foldUpdate, recordOf } from './host-facts.ts';
import { isEmptyRecord, recordName, parseRecord, serialiseRecord } from './host-record.ts';

const host = hostOf(instanceOf('vmss1'));
const record: HostRecord = {
  host,
  ours: new Map([
    [idOf('writer'), { since: now, confirmed: false }],
    [idOf('reader'), { since: now - 1, confirmed: true }],
  ]),
  renewing: new Map([[idOf('foreign'), { since: now }]]),
  quarantined: new Map([
    [idOf('bad'), { until: now + 1, failures: 2, code: 'LinkedAuthorizationFailed', message: 'said "no"' }],
  ]),
  notBefore: now + 2,
  subscriptionNotBefore: now + 1,
  spentUntil: now + 3,
  strikes: new Map([['shop', { failedAt: now, spentUntil: now + 4, distrusted: true }]]),
  accepted: new Map([[idOf('gone'), now]]),
  unapplied: new Set([idOf('writer')]),
  lateFailures: 2,
};

describe('a host’s record', () => {
  it('comes back as it was written', () => {
    const ids = fc.array(fc.constantFrom('a', 'b', 'C', 'd-1').map(idOf));
    const codes = fc.constantFrom<RejectionCode>('IdentityNotFound', 'InvalidIdentity', 'Unknown');
    fc.assert(
      fc.property(ids, fc.nat(), codes, (names, time, code) => {
        const one: HostRecord = {
          host,
          ours: new Map(
            names.map((id) => [
              id,
              time % 2 === 0
                ? { since: time, confirmed: true }
                : { since: time, confirmed: false, ...(time > 2 && { attempts: 2 }) },
            ]),
          ),
          renewing: new Map(names.map((id) => [id, { since: time }])),
          quarantined: new Map(names.map((id) => [id, { until: time, failures: 1, code, message: id }])),
          notBefore: time,
          subscriptionNotBefore: time,
          spentUntil: time,
          strikes: new Map(
            names.map((id) => [id, { failedAt: time, spentUntil: time, distrusted: time % 2 === 0 }]),
          ),
          accepted: new Map(names.map((id) => [id, time])),
          unapplied: new Set(names),
          lateFailures: time,
        };
        expect(parseRecord(serialiseRecord(one))).toEqual({ ok: true, value: one, warnings: [] });
      }),
    );
  });

  it.each(['', 'null', '{}', '{"version":2,"host":{"kind":"vm","id":"/x"}}', '[1]'])(
    'of another version or none is refused: %s',
    (text) => expect(parseRecord(text)).toMatchObject({ ok: false, problems: [{ path: 'version' }] }),
  );

  it.each([{}, { kind: 'vm' }, { kind: 'pm', id: host.id }, { kind: 'vm', id: 'x' }])(
    'without a host is refused: %j',
    (bad) =>
      expect(parseRecord(JSON.stringify({ version: 1, host: bad }))).toMatchObject({
        ok: false,
        problems: [{ path: 'host' }],
      }),
  );

  it('of a version that knew neither budgets nor strikes is read: all of the budget, nobody blamed', () => {
    const older = serialiseRecord(record).replace(/,"spentUntil.*/, '}');
    expect(older).not.toMatch(/strikes|unapplied/);
    const value = { spentUntil: 0, strikes: new Map(), accepted: new Map() };
    expect(parseRecord(older)).toMatchObject({ ok: true, warnings: [], value });
  });

  it('of an earlier version is read: an intent in it is one PATCH whose answer is not known', () => {
    const text = JSON.stringify({
      version: 1,
      host,
      quarantined: [],
      notBefore: 0,
      subscriptionNotBefore: 0,
      ours: [{ id: idOf('app'), since: 5, confirmed: false }],
    });
    const parsed = parseRecord(text);
    expect(parsed).toMatchObject({ ok: true, warnings: [] });
    if (!parsed.ok) return;
    expect(parsed.value.ours).toEqual(new Map([[idOf('app'), { since: 5, confirmed: false }]]));
    expect(parsed.value.renewing.size).toBe(0);
    expect([...parsed.value.unapplied]).toEqual([idOf('app')]);
    expect(serialiseRecord(parsed.value)).not.toContain('renewing');
  });

  it('keeps what can be understood when a hand has been in it', () => {
    const text = JSON.stringify({
      version: 1,
      host: { kind: 'vmss', id: host.id.toUpperCase() },
      ours: [{ id: 'nonsense', since: 1 }, { id: resourceIdOf('reader'), since: 1 }, 7, { id: idOf('x') }],
      quarantined: [{ id: idOf('bad'), until: 5, code: 'NewCode' }, { id: idOf('worse') }],
      more: true,
    });
    const parsed = parseRecord(text);
    expect(parsed).toMatchObject({ ok: true, value: { host, notBefore: 0 } });
    if (!parsed.ok) return;
    expect([...parsed.value.ours]).toEqual([[idOf('reader'), { since: 1, confirmed: false }]]);
    expect([...parsed.value.quarantined]).toEqual([
      [idOf('bad'), { until: 5, failures: 1, code: 'Unknown', message: '' }],
    ]);
  });

  it('that has something else in place of a list is read without it', () => {
    const text = JSON.stringify({ version: 1, host: { kind: 'vmss', id: host.id }, ours: 7 });
    const parsed = parseRecord(text);
    expect(parsed).toMatchObject({ ok: true, warnings: [] });
    if (parsed.ok) expect(parsed.value.ours.size).toBe(0);
  });

  it('is empty when it says nothing', () => {
    const empty: HostRecord = recordOf(createFacts(host));
    expect(isEmptyRecord(empty)).toBe(true);
    expect(isEmptyRecord(record)).toBe(false);
    expect(isEmptyRecord({ ...empty, notBefore: 1 })).toBe(false);
    expect(isEmptyRecord({ ...empty, renewing: record.renewing })).toBe(false);
    expect(isEmptyRecord({ ...empty, unapplied: record.unapplied })).toBe(false);
  });
});

it('hosts have names of their own, which Kubernetes accepts', () => {
  const other = machine('vmss1').replace('RG', 'RG2');
  const keys = [instanceOf('vmss1'), machine('vmss1'), other, machine(`V_m.(1)-${'x'.repeat(300)}`)].map(
    (id) => recordName(hostOf(id)),
  );
  expect(new Set(keys).size).toBe(4);
  for (const key of keys) expect(key).toMatch(/^[a-z0-9]([-a-z0-9]{0,251}[a-z0-9])?$/);
  expect(recordName(hostOf(instanceOf('VMSS1', 7)))).toBe(recordName(host));
});

it('whatever ids people write and ARM refuses, the record fits into a ConfigMap', () => {
  const group = 'g'.repeat(90);
  const longest = (name: string) =>
    resourceIdOf(name.padEnd(128, 'x')).replace('S1', 's'.repeat(36)).replace('RG', group);
  let facts = createFacts(host);
  for (let round = 0; round < 10; round += 1) {
    const ids = Array.from({ length: 150 }, (_, at) => parseIdentityResourceId(longest(`i${round}-${at}`)));
    const attach = ids.flatMap((id) => (id.ok ? id.value : []));
    expect(attach).toHaveLength(150);
    const message = '漢'.repeat(90 * 99);
    const rejected = attach.map((id) => ({ id, code: 'IdentityNotFound' as const, message }));
    facts = foldIntent(facts, attach, 1);
    // Also recorded before the PATCH.
    expect(Buffer.byteLength(serialiseRecord(recordOf(facts)))).toBeLessThan(1_000_000);
    const outcome = { present: new Map(), rejected, refused: attach, patches: 1 };
    facts = foldUpdate(facts, { change: { attach, renew: [], detach: [] }, outcome }, { now: 1, chance: 0 });
  }
  expect(parseIdentityResourceId(longest('x'.repeat(600))).ok).toBe(false);
});

it('a record names what there is, and leaves out what says nothing', () => {
  const empty = recordOf(createFacts(host));
  expect(JSON.parse(serialiseRecord(empty))).toEqual({
    version: 1,
    host,
    ours: [],
    quarantined: [],
    strikes: [],
    accepted: [],
    notBefore: 0,
    subscriptionNotBefore: 0,
    spentUntil: 0,
  });
  const full = { ...empty, lateFailures: 1, unapplied: new Set(['b', 'a', 'c'].map(idOf)) };
  expect(JSON.parse(serialiseRecord(full))).toMatchObject({
    unapplied: ['a', 'b', 'c'].map((name) => ({ id: idOf(name) })),
    lateFailures: 1,
  });
});

it.each([
  ['a number that is a text', { notBefore: '5', spentUntil: null }, { notBefore: 0, spentUntil: 0 }],
  [
    'strikes that make no sense',
    {
      strikes: [
        { namespace: 'whole', failedAt: 1, spentUntil: 2 },
        { namespace: '', failedAt: 1, spentUntil: 2 },
        { namespace: 'no-time', spentUntil: 2 },
        { namespace: 'no-end', failedAt: 1 },
        7,
      ],
    },
    { strikes: new Map([['whole', { failedAt: 1, spentUntil: 2, distrusted: false }]]) },
  ],
  ['strikes that are no list', { strikes: 'all' }, { strikes: new Map() }],
  [
    'attempts that make no sense',
    {
      ours: [
        { id: idOf('a'), since: 1, attempts: 1 },
        { id: idOf('b'), since: 1, attempts: 'many' },
        { id: idOf('c'), since: 1, attempts: 2 },
      ],
    },
    {
      ours: new Map([
        [idOf('a'), { since: 1, confirmed: false }],
        [idOf('b'), { since: 1, confirmed: false }],
        [idOf('c'), { since: 1, confirmed: false, attempts: 2 }],
      ]),
    },
  ],
  [
    'a renewal of nobody knows when',
    { renewing: [{ id: idOf('a') }, { id: idOf('b'), since: 1 }] },
    { renewing: new Map([[idOf('b'), { since: 1 }]]) },
  ],
])('a record in which a hand has been, with %s, is read as far as it makes sense', (...[, over, value]) => {
  const text = JSON.stringify({ version: 1, host, ...over });
  const parsed = parseRecord(text);
  if (!parsed.ok) throw new Error('refused');
  expect(parsed.value).toMatchObject(value);
  for (const [key, expected] of Object.entries(value))
    expect(parsed.value[key as keyof HostRecord]).toStrictEqual(expected);
});

it.each([
  { spentUntil: 1 },
  { strikes: record.strikes },
  { quarantined: record.quarantined },
  { ours: record.ours },
  { ours: record.ours, renewing: new Map([...record.ours].map(([id]) => [id, { since: now }])) },
  { strikes: record.strikes, unapplied: record.unapplied },
])('a record that says anything is not empty: %#', (over) => {
  expect(isEmptyRecord({ ...recordOf(createFacts(host)), ...over })).toBe(false);
});

it('the name of a record tells which host it is of', () => {
  expect(recordName(hostOf(instanceOf('My__Set')))).toMatch(/^mic-host-vmss-my-set-[0-9a-f]{16}$/);
  expect(recordName(hostOf(machine('vm1')))).toMatch(/^mic-host-vm-vm1-[0-9a-f]{16}$/);
});

it('ids and namespaces are written in their order, for whoever reads or compares records', () => {
  const strike = { failedAt: 1, spentUntil: 1, distrusted: false };
  const ours = new Map(['c', 'a', 'b'].map((name) => [idOf(name), { since: 1, confirmed: true }]));
  const strikes = new Map(['y', 'x', 'z'].map((name) => [name, strike]));
  const text = serialiseRecord({ ...recordOf(createFacts(host)), ours, strikes });
  expect(JSON.parse(text)).toMatchObject({
    ours: ['a', 'b', 'c'].map((name) => ({ id: idOf(name) })),
    strikes: ['x', 'y', 'z'].map((namespace) => ({ namespace })),
  });
});

it('a time without end is none: it would hold a host for ever', () => {
  const text = serialiseRecord({ ...recordOf(createFacts(host)), notBefore: 5 });
  const parsed = parseRecord(text.replace('"notBefore":5', '"notBefore":1e999'));
  expect(parsed).toMatchObject({ ok: true, value: { notBefore: 0 } });
});
