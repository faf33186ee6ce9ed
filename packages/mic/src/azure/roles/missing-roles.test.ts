import type { Host, ResourceId } from '@pod-identity/crd-types';
import { expect, it, test } from 'vitest';
import { deniedAction, missingRole, needOfHost, needOfIdentity } from './missing-roles.ts';

const vm: Host = {
  kind: 'vm',
  id: '/subscriptions/s/resourcegroups/g/providers/microsoft.compute/virtualmachines/v' as ResourceId,
};
const assign = 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action';
const role = (actions: string[], notActions: string[] = []) => ({ actions, notActions });

test.each([
  ['no role', [], assign],
  ['the exact action', [role([assign])], undefined],
  [
    'Managed Identity Operator as Azure defines it',
    [role(['Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action'])],
    undefined,
  ],
  ['everything', [role(['*'])], undefined],
  ['another case', [role(['microsoft.managedidentity/*'])], undefined],
  ['everything but this', [role(['*'], ['Microsoft.ManagedIdentity/*/assign/action'])], assign],
  ['excluded by one role, allowed by another', [role(['*'], [assign]), role([assign])], undefined],
  ['reading only', [role(['*/read'])], assign],
])('%s', (_, permissions, expected) => {
  expect(deniedAction([assign], permissions)).toBe(expected);
});

it('contains the role, the scope, the action and the exact command, for an identity and for a host’s resource group', () => {
  const identity = '/subscriptions/s/i' as ResourceId;
  expect(missingRole(needOfIdentity(identity), assign, 'P')).toMatchObject({
    role: 'Managed Identity Operator',
    scope: identity,
    action: assign,
    message: expect.stringContaining(assign) as string,
    command: expect.stringMatching(
      /^az role assignment create --role "Managed Identity Operator" .*P.* --scope \/subscriptions\/s\/i$/,
    ) as string,
  });
  expect(missingRole(needOfHost(vm), 'write', undefined)).toMatchObject({
    role: 'Virtual Machine Contributor',
    scope: '/subscriptions/s/resourcegroups/g',
  });
});
