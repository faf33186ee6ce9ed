import { canonicalResourceId } from '@pod-identity/crd-types';
import { expect, it } from 'vitest';
import { hostOf, idOf, instanceOf } from '../plan/test/builders.ts';
import type { LastFailure, RejectionCode } from '../snapshot/facts/facts.ts';
import { clientIdRemedy, hostRemedy, remedyFor } from './remedy.ts';

const id = idOf('reader');
const host = hostOf(instanceOf('vmss1'));

it('a missing right to assign names the role, who needs it and where', () => {
  expect(remedyFor({ code: 'LinkedAuthorizationFailed', id, micPrincipalId: 'p' }).command).toBe(
    `az role assignment create --role "Managed Identity Operator" --assignee-object-id p --scope ${id}`,
  );
});

it('where MIC does not know its own identity, the command looks it up before it uses it, and has no word that a shell interprets', () => {
  expect(remedyFor({ code: 'LinkedAuthorizationFailed', id }).command).toBe(
    `MIC_PRINCIPAL_ID=$(az aks show --resource-group GROUP --name CLUSTER --query identityProfile.kubeletidentity.objectId --output tsv) && az role assignment create --role "Managed Identity Operator" --assignee-object-id "$MIC_PRINCIPAL_ID" --scope ${id}`,
  );
});

it.each([
  ['an identity', remedyFor({ code: 'LinkedAuthorizationFailed', id })],
  ['a host', hostRemedy({ kind: 'denied', host })],
])(
  'where MIC does not know its own identity, the remedy for %s says whom the command is for, and what to put for another',
  (_, { text }) => {
    expect(text).toContain("the kubelet's identity");
    expect(text).toContain('set MIC_PRINCIPAL_ID');
  },
);

it('where MIC knows its own identity, the remedy names no other', () => {
  expect(remedyFor({ code: 'LinkedAuthorizationFailed', id, micPrincipalId: 'p' }).text).not.toContain(
    'kubelet',
  );
});

it('a missing right on a host names the other role and the host', () => {
  expect(hostRemedy({ kind: 'denied', host, micPrincipalId: 'p' }).command).toBe(
    `az role assignment create --role "Virtual Machine Contributor" --assignee-object-id p --scope ${host.id}`,
  );
});

it('a host whose changes are locked needs no role: the read-only locks of its group are to be removed', () => {
  const { text, command } = hostRemedy({ kind: 'denied', host, isLocked: true });
  expect(text).toContain('lock');
  expect(command).toBe(
    `az lock delete --ids $(az lock list --resource-group rg --subscription s1 --query "[?level=='ReadOnly'].id" --output tsv)`,
  );
});

it('a wrong client id is replaced by the one that Azure names', () => {
  expect(clientIdRemedy(id, { namespace: 'shop', name: 'reader' }).command).toBe(
    `kubectl patch azureidentity reader --namespace shop --type merge --patch "{\\"spec\\":{\\"clientID\\":\\"$(az identity show --ids ${id} --query clientId --output tsv)\\"}}"`,
  );
});

it('an id with special characters is quoted for a shell', () => {
  const odd = canonicalResourceId('/subscriptions/s/resourceGroups/a(b)/providers/M/t/n');
  expect(remedyFor({ code: 'IdentityNotFound', id: odd }).command).toBe(`az identity show --ids '${odd}'`);
});

it.each<RejectionCode>(['FailedIdentityOperation', 'IdentityNotFound', 'InvalidIdentity'])(
  '%s: correct the id',
  (code) => expect(remedyFor({ code, id }).text).toContain('spec.resourceID'),
);

it.each<LastFailure['kind']>(['throttled', 'busy', 'unavailable'])('%s: nothing to do', (kind) =>
  expect(hostRemedy({ kind, host }).text).toMatch(/^nothing to do/),
);

it('what MIC does not understand is left to the reader', () => {
  const command = 'kubectl azure-pod-identity explain NAMESPACE/POD';
  expect(remedyFor({ code: 'Unknown', id })).toMatchObject({ command });
  expect(hostRemedy({ kind: 'failed', host })).toMatchObject({ command });
  expect(hostRemedy({ kind: 'gone', host }).text).toContain('delete its nodes');
});
