import type { ResourceId } from '@pod-identity/crd-types';
import { describe, expect, test } from 'vitest';
import { facts, hostOf, idOf, instanceOf, now } from '../../plan/test/builders.ts';
import type { HostFacts, Strike } from './facts.ts';
import { foldUpdate } from './host-facts.ts';
import type { HostFailure, HostUpdate } from './outcomes.ts';
import { quarantineMs } from './pauses.ts';

const host = hostOf(instanceOf('vmss1'));
const [a, b] = [idOf('a'), idOf('b')];
const at = { now, chance: 0.5 };
const before: Strike = { failedAt: now - 60_000, spentUntil: 0, distrusted: false };
const struck = (...namespaces: string[]): HostFacts => ({
  ...facts(host),
  strikes: new Map(namespaces.map((one) => [one, before])),
});
const answeredBy = (namespaces: Readonly<Record<string, string>>) =>
  new Map(Object.entries(namespaces) as [ResourceId, string][]);
const update = (
  change: Partial<HostUpdate['change']>,
  outcome: Partial<HostUpdate['outcome']>,
): HostUpdate => ({
  change: { attach: [], renew: [], detach: [], ...change },
  outcome: { rejected: [], patches: 1, ...outcome },
});

describe('an update that left one namespace out', () => {
  const suspect = 'evil';
  const blamed = (known: HostFacts, outcome: Partial<HostUpdate['outcome']>, change = { suspect }) => [
    ...foldUpdate(known, update(change, outcome), at).strikes.keys(),
  ];

  test('and succeeded: the updates before failed because of that namespace, whose ids are distrusted from now on', () => {
    const { strikes } = foldUpdate(struck(), update({ suspect }, { present: new Map() }), at);
    expect([...strikes]).toEqual([['evil', { failedAt: now, spentUntil: now + 120_000, distrusted: true }]]);
  });

  test.each<[string, Partial<HostUpdate['outcome']>]>([
    ['was not sent', { present: new Map(), patches: 0 }],
    ['failed as well', { present: new Map(), failed: true }],
    ['failed for a reason of its own', { refusal: { kind: 'failed', message: 'no', late: true } }],
    [
      'was refused for one of its ids',
      { present: new Map(), rejected: [{ id: a, code: 'Unknown', message: 'no' }] },
    ],
  ])('and %s: nobody is blamed', (_, outcome) => {
    expect(blamed(struck(), outcome)).toEqual([]);
  });

  test('nobody is blamed where none or more than one was left out', () => {
    expect([...foldUpdate(struck(), update({}, { present: new Map() }), at).strikes]).toEqual([]);
  });
});

describe('an update that failed late', () => {
  const late = { kind: 'failed', message: 'VMExtensionProvisioningError', late: true } as const;
  const change = { attach: [a], again: [b], namespaces: answeredBy({ [a]: 'evil', [b]: 'evil' }) };
  const failed = (known: HostFacts, over: Partial<HostUpdate['change']> = {}, refusal: HostFailure = late) =>
    foldUpdate(known, update({ ...change, ...over }, { refusal }), at);

  test('for namespaces alone with a strike: their ids are quarantined, the strike is renewed, the host pauses for 5 seconds', () => {
    const after = failed(struck('evil'));
    const { message } = late;
    const quarantine = { until: now + quarantineMs(1, 0.5), failures: 1, code: 'Unknown', message };
    expect([...after.quarantined]).toEqual([
      [a, quarantine],
      [b, quarantine],
    ]);
    expect(after.strikes.get('evil')).toMatchObject({ failedAt: now, spentUntil: now + 120_000 });
    expect(after).toMatchObject({ notBefore: now + 5_000, lastFailure: { kind: 'failed', message } });
  });

  test('where nothing was sent again, what was attached is quarantined alone', () => {
    const first = { attach: [a], namespaces: answeredBy({ [a]: 'evil' }) };
    const { quarantined } = foldUpdate(struck('evil'), update(first, { refusal: late }), at);
    expect([...quarantined.keys()]).toEqual([a]);
  });

  test('it is no failure of the host: however many of them, the pause stays short and none is counted', () => {
    const once = failed({ ...struck('evil'), lateFailures: 3 });
    expect(once.lateFailures).toBe(3);
    expect(once.lastFailure?.failures).toBe(1);
    const twice = failed(once);
    expect(twice).toMatchObject({ lateFailures: 3, notBefore: now + 5_000 });
    expect(twice.quarantined.get(a)?.failures).toBe(2);
  });

  test('several namespaces are charged with one refusal each', () => {
    const namespaces = answeredBy({ [a]: 'evil', [b]: 'worse' });
    const { strikes } = failed(struck('evil', 'worse'), { namespaces });
    expect([...strikes.values()].map(({ spentUntil }) => spentUntil)).toEqual([now + 120_000, now + 120_000]);
  });

  const mixed = answeredBy({ [a]: 'evil', [b]: 'shop' });
  test.each<[string, { known?: HostFacts; over?: Partial<HostUpdate['change']>; refusal?: HostFailure }]>([
    ['nobody has a strike', { known: struck() }],
    ['one of two namespaces has none', { over: { namespaces: mixed } }],
    ['it was for no namespace', { over: { namespaces: new Map() } }],
    ['the host was busy', { refusal: { kind: 'busy', message: 'busy', retryAfterMs: 5_000 } }],
    ['it was refused at once', { refusal: { kind: 'failed', message: 'no' } }],
  ])('the failure counts for the host and for no namespace where %s', (_, scene) => {
    const { known = struck('evil'), over = {}, refusal = late } = scene;
    const after = failed(known, over, refusal);
    expect(after.strikes).toEqual(known.strikes);
    expect([...after.quarantined]).toEqual([]);
    expect(after.notBefore).toBeGreaterThan(now);
    expect(after.lateFailures).toBe('late' in refusal ? 1 : 0);
  });
});
