import { describe, expect, test } from 'vitest';
import type { HostFacts, Strike } from '../snapshot/facts/facts.ts';
import { createFacts } from '../snapshot/facts/host-facts.ts';
import { attemptDueAt, standingOf } from './standing.ts';
import { hostOf, idOf, instanceOf, now } from './test/builders.ts';

const host = hostOf(instanceOf('vmss1'));
const id = idOf('a');
const strike = (spentUntil: number, distrusted = false): Strike => ({
  failedAt: now,
  spentUntil,
  distrusted,
});
const facts = (strikes: Readonly<Record<string, Strike>>, more: Partial<HostFacts> = {}): HostFacts => ({
  ...createFacts(host),
  strikes: new Map(Object.entries(strikes)),
  ...more,
});
const accepted = new Map([[id, now]]);
const quarantined = new Map([[id, { until: 0, failures: 1, code: 'Unknown', message: '' } as const]]);

describe('who answers for an id, and what speaks for it', () => {
  test.each<[string, readonly string[], HostFacts, string | undefined, string]>([
    [
      'a namespace without a strike, whatever the others did',
      ['evil', 'shop'],
      facts({ evil: strike(0) }),
      'shop',
      'clean',
    ],
    ['of several without a strike the same one at all times', ['shop', 'bank'], facts({}), 'bank', 'clean'],
    ['nobody, for what no AzureIdentity names', [], facts({ evil: strike(0) }), undefined, 'clean'],
    [
      'a namespace whose id the host has carried',
      ['evil'],
      facts({ evil: strike(0) }, { accepted }),
      'evil',
      'accepted',
    ],
    [
      'not one whose accepted ids were refused',
      ['evil', 'odd'],
      facts({ evil: strike(0, true), odd: strike(0) }, { accepted }),
      'odd',
      'accepted',
    ],
    ['nor where all are such', ['evil'], facts({ evil: strike(0, true) }, { accepted }), 'evil', 'unproven'],
    ['where the host has not carried it', ['evil'], facts({ evil: strike(0) }), 'evil', 'unproven'],
    ['where it was refused itself', ['evil'], facts({ evil: strike(0) }, { quarantined }), 'evil', 'refused'],
    [
      'of several the one that has spent least',
      ['a', 'b', 'c'],
      facts({ a: strike(3), b: strike(1), c: strike(2) }),
      'b',
      'unproven',
    ],
    [
      'of equal ones the same one at all times',
      ['b', 'a'],
      facts({ a: strike(1), b: strike(1) }),
      'a',
      'unproven',
    ],
  ])('%s', (...[, claimants, known, namespace, trust]) => {
    expect(standingOf(id, known, () => claimants)).toEqual({ namespace, trust });
  });
});

describe('when an attempt may be made', () => {
  const spent = facts({ evil: strike(now + 4 * 120_000) }, { spentUntil: now + 8 * 20_000 });
  test.each(['clean', 'accepted'] as const)('at once where its standing is %s', (trust) => {
    expect(attemptDueAt({ namespace: 'evil', trust }, spent, now)).toBe(0);
  });

  test('at once where nobody is charged', () => {
    expect(attemptDueAt({ namespace: undefined, trust: 'unproven' }, spent, now)).toBe(0);
  });

  test.each(['unproven', 'refused'] as const)('%s: when the namespace has an attempt left', (trust) => {
    const known = facts({ evil: strike(now + 4 * 120_000) });
    expect(attemptDueAt({ namespace: 'evil', trust }, known, now)).toBe(now + 120_000);
    expect(attemptDueAt({ namespace: 'other', trust }, known, now)).toBe(now);
  });

  test('unproven: when the host has three PATCHes left for others besides', () => {
    const due = (patches: number) =>
      attemptDueAt(
        { namespace: 'evil', trust: 'unproven' },
        facts({ evil: strike(now) }, { spentUntil: now + patches * 20_000 }),
        now,
      ) - now;
    expect([due(0), due(4), due(5), due(8)]).toEqual([0, 0, 20_000, 80_000]);
  });

  test('unproven: when both allow it', () => {
    expect(attemptDueAt({ namespace: 'evil', trust: 'unproven' }, spent, now)).toBe(now + 120_000);
    const drained = facts({ evil: strike(now + 3 * 120_000 + 1) }, { spentUntil: now + 8 * 20_000 });
    expect(attemptDueAt({ namespace: 'evil', trust: 'unproven' }, drained, now)).toBe(now + 80_000);
  });
});
