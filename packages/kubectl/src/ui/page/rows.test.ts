import { expect, test } from 'vitest';
import { rowsOf } from './rows.ts';
import { smallPicture } from '../../../test/pictures.ts';

test('the table says of pods and ServiceAccounts which identities they lead to, of others what is next', () => {
  expect(rowsOf(smallPicture).map(({ kind, name, leadsTo }) => [kind, name, leadsTo.join()])).toEqual([
    ['ServiceAccount', 'shop/report', 'shop/storage-writer'],
    ['ServiceAccount', 'shop/web', 'shop/vault-reader'],
    ['pod', 'shop/report-5', 'shop/storage-writer'],
    ['pod', 'shop/web-0', 'shop/vault-reader'],
    ['pod', 'shop/web-1', 'shop/vault-reader'],
    ['AzureIdentityBinding', 'shop/storage', 'shop/storage-writer'],
    ['AzureIdentityBinding', 'shop/vault', 'shop/vault-reader'],
    ['AzureIdentity', 'shop/storage-writer', 'vmss/aks-2'],
    ['AzureIdentity', 'shop/vault-reader', 'vmss/aks-1'],
    ['host', 'vmss/aks-1', ''],
    ['host', 'vmss/aks-2', ''],
  ]);
});
