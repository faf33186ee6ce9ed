import { expect, test } from 'vitest';
import { boundedByNamespace, entryOf, type Use } from './uses.ts';

const use: Use = {
  pod: 'shop/web',
  subject: { namespace: 'shop', name: 'web' },
  node: 'n',
  by: 'AzureIdentity shop/reader',
  type: 'managed',
  targets: [],
  mode: 'rbac',
  needsRight: true,
  state: '',
};

test('attack: thousands of pods with a hundred bindings each do not make a table that is too long to be printed', () => {
  const crowd = Array.from({ length: 21_000 }, () => ({
    ...use,
    subject: { namespace: 'crowd', name: 'x' },
  }));
  const { kept, leftOut } = boundedByNamespace([...crowd, use]);
  expect([kept.length, kept.at(-1)]).toEqual([20_001, use]);
  expect(leftOut).toEqual(['1000 more uses of identities in namespace crowd are left out']);
});

const target = { resource: 'managedidentities', names: ['/a', '/b'] } as unknown as Use['targets'][number];
const subject = use.subject;
const refused = { kind: 'refused' } as const;
const unanswered = { kind: 'unanswered' } as const;
const allowed = { kind: 'allowed', level: 1 } as const;

test.each([
  ['the right is there', { more: {}, review: allowed, right: 'allowed', mayUse: true }],
  ['the right is missing', { more: {}, review: refused, right: 'refused', mayUse: false }],
  [
    'a missing right in mode warn',
    { more: { mode: 'warn' }, review: refused, right: 'refused', mayUse: true },
  ],
  [
    'a missing right in a mode that is not known',
    { more: { mode: null }, review: refused, right: 'refused', mayUse: null },
  ],
  ['no answer', { more: {}, review: unanswered, right: 'unknown', mayUse: null }],
  [
    'mode namespace',
    { more: { mode: 'namespace', needsRight: false }, review: refused, right: 'not-needed', mayUse: true },
  ],
  [
    'no right can be given',
    { more: { targets: [], isImpossible: true }, review: allowed, right: 'refused', mayUse: false },
  ],
  ['the machine is not known', { more: { targets: [] }, review: allowed, right: 'unknown', mayUse: null }],
] as const)('who may use it: %s', async (_, { more, review, right, mayUse }) => {
  const asked = { ...use, targets: [target], ...more };
  const entry = await entryOf(asked, () => Promise.resolve({ subject, target, review }));
  expect(entry).toMatchObject({ serviceAccount: 'shop/web', right, mayUse });
});
