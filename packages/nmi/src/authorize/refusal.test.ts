import { expect, it } from 'vitest';
import { subjectOf } from '../../test/builders.ts';
import type { Access } from '../access/types.ts';
import { isWorthWaiting, replacesRefusal, reviewedFor } from './refusal.ts';
import type { Needed } from './missing-right.ts';
import type { Decision, Denial, GrantedIdentity } from './types.ts';

const reader = subjectOf('reader') as GrantedIdentity;
const denial: Denial = { why: 'several-identities', offered: [] };
const access: Access = { mode: 'rbac', subject: { namespace: 'default', name: 'web' }, pairs: 'machine' };
const ofReader = { identity: 'default/reader', access: undefined };
const passThrough = { kind: 'machine', selector: { by: 'nothing' } } as const;
const all: readonly (readonly [Decision, readonly Needed[], boolean])[] = [
  [{ kind: 'allow', identity: reader }, [ofReader], true],
  [{ kind: 'deny', denial, among: [reader] }, [ofReader], true],
  [{ kind: 'deny', denial }, [], false],
  [{ kind: 'allow-by-object-id', identities: [reader] }, [], true],
  [{ ...passThrough, clientIds: undefined, access }, [{ identity: '', access }], true],
  [{ kind: 'unusable', identity: 'default/reader', fault: 'no' }, [], false],
];

it.each(all)(
  'of %j the rights on %j are reviewed first; it counts in place of a refusal: %s',
  (decision, reviewed, counts) => {
    expect(reviewedFor(decision)).toEqual(reviewed);
    expect(replacesRefusal(decision)).toBe(counts);
  },
);

it('a right can be granted to a ServiceAccount, and to no pod without one', () => {
  const lacking = (name: string): Denial => ({
    why: 'access-denied',
    identity: 'default/reader',
    subject: { namespace: 'default', name },
    targets: [],
  });
  const refusal: Decision = { kind: 'unusable', identity: 'default/reader', fault: 'no' };
  const reasons = [lacking('web'), lacking(''), denial];
  expect(reasons.map((why) => isWorthWaiting(refusal, why))).toEqual([true, false, false]);
});

it('a missing object may come where the decision says so', () => {
  expect(isWorthWaiting({ kind: 'deny', denial, mayCome: true }, denial)).toBe(true);
  expect(isWorthWaiting({ kind: 'deny', denial }, denial)).toBe(false);
});
