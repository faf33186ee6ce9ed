import type { Host, ResourceId } from '@pod-identity/crd-types';
import { inPlugIn, shellWord, type Remedy } from '@pod-identity/policy';
import type { LastFailure, RejectionCode } from '../snapshot/facts/facts.ts';

export type AzureRole = 'Managed Identity Operator' | 'Virtual Machine Contributor';

export interface RoleAssignment {
  readonly role: AzureRole;
  readonly scope: ResourceId;
  /** The object id of MIC's own identity, if known. */
  readonly micPrincipalId?: string | undefined;
}

/** The command that assigns the missing role to MIC. Where MIC's own identity is not known, it is looked up as on AKS: the kubelet's. */
export function roleCommand({ role, scope, micPrincipalId }: RoleAssignment): string {
  const assign = (id: string) =>
    `az role assignment create --role "${role}" --assignee-object-id ${id} --scope ${shellWord(scope)}`;
  if (micPrincipalId !== undefined) return assign(micPrincipalId);
  const query = '--query identityProfile.kubeletidentity.objectId --output tsv';
  return `MIC_PRINCIPAL_ID=$(az aks show --resource-group GROUP --name CLUSTER ${query}) && ${assign('"$MIC_PRINCIPAL_ID"')}`;
}

/** Whom the command of a missing role is for: MIC may also be a service principal, or have an identity of its own. */
export const granteeNote = (micPrincipalId: string | undefined): string =>
  micPrincipalId === undefined
    ? " (the command is for MIC that uses the kubelet's identity; else set MIC_PRINCIPAL_ID to the object id of MIC's own)"
    : '';

/** The remedy for an identity that ARM rejects. Deterministic, since it is used in conditions. */
export function remedyFor(of: {
  readonly code: RejectionCode;
  readonly id: ResourceId;
  readonly micPrincipalId?: string | undefined;
}): Remedy {
  const lookUp = `az identity show --ids ${shellWord(of.id)}`;
  switch (of.code) {
    case 'LinkedAuthorizationFailed':
      return {
        text: `MIC may not assign this identity: grant it the role Managed Identity Operator on it${granteeNote(of.micPrincipalId)}`,
        command: roleCommand({ ...of, role: 'Managed Identity Operator', scope: of.id }),
      };
    case 'FailedIdentityOperation':
    case 'IdentityNotFound':
      return {
        text: 'Azure does not find this identity: create it, or correct spec.resourceID of the AzureIdentity',
        command: lookUp,
      };
    case 'InvalidIdentity':
      return {
        text: 'Azure does not take this id: correct spec.resourceID of the AzureIdentity',
        command: lookUp,
      };
    case 'Unknown':
      return {
        text: 'Azure gave no reason that MIC knows: see its message, for a pod that uses it',
        ...explain,
      };
  }
}

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

/** The remedy for an AzureIdentity with a wrong client id. Does not disclose it: whoever runs the command must be allowed to read it. */
export function clientIdRemedy(id: ResourceId, { namespace, name }: ObjectName): Remedy {
  const clientId = `$(az identity show --ids ${shellWord(id)} --query clientId --output tsv)`;
  return {
    text: 'correct spec.clientID, or leave it out',
    command: `kubectl patch azureidentity ${name} --namespace ${namespace} --type merge --patch "{\\"spec\\":{\\"clientID\\":\\"${clientId}\\"}}"`,
  };
}

/** The remedy for a host that could not be read or changed. */
export function hostRemedy(of: {
  readonly kind: LastFailure['kind'];
  readonly host: Host;
  readonly lacksToken?: boolean | undefined;
  readonly isLocked?: boolean | undefined;
  readonly micPrincipalId?: string | undefined;
}): Remedy {
  switch (of.kind) {
    case 'denied':
      if (of.lacksToken === true) return { text: noToken };
      if (of.isLocked === true) return lockRemedy(of.host);
      return {
        text: `MIC may not change this host: grant it the role Virtual Machine Contributor on it${granteeNote(of.micPrincipalId)}`,
        command: roleCommand({ ...of, role: 'Virtual Machine Contributor', scope: of.host.id }),
      };
    case 'gone':
      return { text: 'Azure does not know this host: delete its nodes if it was removed' };
    case 'throttled':
      return { text: 'nothing to do: MIC goes on when Azure allows it' };
    case 'busy':
      return { text: 'nothing to do: MIC waits for another operation on this host to end' };
    case 'unavailable':
      return { text: 'nothing to do: MIC tries again' };
    case 'failed':
      return { text: 'MIC tries again; see the message, for a pod of the host', ...explain };
  }
}

/** A lock that only forbids deletions stays: MIC deletes nothing there. */
function lockRemedy({ id }: Host): Remedy {
  const [, , subscription = '', , group = ''] = id.split('/');
  const where = `--resource-group ${shellWord(group)} --subscription ${shellWord(subscription)}`;
  return {
    text: 'a lock forbids changes of this host: remove the read-only locks of its resource group',
    command: `az lock delete --ids $(az lock list ${where} --query "[?level=='ReadOnly'].id" --output tsv)`,
  };
}

const explain = { command: inPlugIn('explain NAMESPACE/POD') };
const noToken =
  'MIC itself has no token that Azure accepts: correct its own identity or application in azure.json or in its environment; its log has the response of Azure';
