import { expect, it } from 'vitest';
import { subjectOf } from '../../test/builders.ts';
import { isGrantable, replacesRefusal, reviewedFor } from './refusal.ts';
import type { Decision, Denial, GrantedIdentity } from './types.ts';

const reader = subjectOf('reader') as GrantedIdentity;
const denial: Denial = { why: 'several-identities', offered: [] };
const all: readonly (readonly [Decision, readonly GrantedIdentity[], boolean])[] = [
  [{ kind: 'allow', identity: reader }, [reader], true],
  [{ kind: 'deny', denial, among: [reader] }, [reader], true],
  [{ kind: 'deny', denial }, [], false],
  [{ kind: 'allow-by-object-id', identities: [reader] }, [], true],
  [{ kind: 'pass-through', why: 'exempt', selector: { by: 'nothing' }, clientIds: undefined }, [], true],
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
  expect([lacking('web'), lacking(''), denial].map(isGrantable)).toEqual([true, false, false]);
});
