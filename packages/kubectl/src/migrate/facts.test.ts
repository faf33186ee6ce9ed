import { expect, test } from 'vitest';
import { rivalOf, type UsedIdentity } from './facts.ts';

const idOf = (name: string) =>
  `/subscriptions/s/resourcegroups/g/providers/microsoft.managedidentity/userassignedidentities/${name}`;
const used = (more: Partial<UsedIdentity> = {}): UsedIdentity => ({
  key: 'pay/vault',
  type: 0,
  clientId: 'c',
  resourceId: idOf('vault'),
  isGuest: false,
  ...more,
});
const rivalAmong = (...identities: UsedIdentity[]) =>
  rivalOf('pay/vault', {
    key: 'pay/web',
    account: { namespace: 'pay', name: 'web' },
    isRbac: false,
    isPlaced: true,
    identities,
  });
const other = (more: Partial<UsedIdentity> = {}) => used({ key: 'pay/other', ...more });

test.each([
  ['states no client id', other({ clientId: '' })],
  ['is of another namespace', other({ key: 'shop/other' })],
])('an AzureIdentity of the same resource is a rival, if it %s', (_, rival) => {
  expect(rivalAmong(used(), rival)).toBe(rival.key);
});

test.each([
  ['counts as the same one then, too', other()],
  ['counts as another one already', other({ clientId: 'd' })],
  ['is of another resource', other({ resourceId: idOf('other'), clientId: '' })],
  ['is a guest, which decides nothing', other({ key: 'shop/other', isGuest: true })],
])('one that %s is none', (_, one) => {
  expect(rivalAmong(used(), one)).toBeUndefined();
});

test('a guest has no rival, and the client id that it does not state is that of the other one', () => {
  expect(rivalAmong(used({ isGuest: true }), other({ clientId: '' }))).toBeUndefined();
  expect(rivalAmong(used({ clientId: '' }), other())).toBeUndefined();
});
