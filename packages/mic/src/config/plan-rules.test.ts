import { expect, test } from 'vitest';
import { planRules } from './plan-rules.ts';

const config = {
  immutableClientIds: new Set(['one', 'two']),
  detachGraceMs: 5_000,
  driftPeriodMs: 60_000,
};

test('a plan keeps the identities of --immutable-user-msis and the cluster’s own, and has the periods of the flags', () => {
  expect(planRules(config, 'OWN')).toStrictEqual({
    immutableClientIds: new Set(['one', 'two', 'own']),
    detachGraceMs: 5_000,
    driftPeriodMs: 60_000,
  });
});

test('a cluster without its own identity protects only those of --immutable-user-msis, and none by an empty client id', () => {
  expect(planRules(config, '').immutableClientIds).toEqual(new Set(['one', 'two']));
  const empty = { ...config, immutableClientIds: new Set(['']) };
  expect(planRules(empty, '').immutableClientIds).toEqual(new Set());
});
