import { expect, test } from 'vitest';
import { isAllowed } from './attachable.ts';

const assign = 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action';
const role = (actions: string[], notActions: string[] = []) => ({ actions, notActions });

test.each([
  ['no role', [], false],
  ['the exact action', [role([assign])], true],
  [
    'Managed Identity Operator as Azure defines it',
    [role(['Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action'])],
    true,
  ],
  ['everything', [role(['*'])], true],
  ['another case', [role(['microsoft.managedidentity/*'])], true],
  ['everything but this', [role(['*'], ['Microsoft.ManagedIdentity/*/assign/action'])], false],
  ['excluded by one role, allowed by another', [role(['*'], [assign]), role([assign])], true],
  ['reading only', [role(['*/read'])], false],
])('%s', (_, permissions, expected) => {
  expect(isAllowed(assign, permissions)).toBe(expected);
});
