// Room: role assignments that MIC misses, as the command that adds them.
// It must not assign a role.
import { canonicalResourceId, type Host, type ResourceId } from '@pod-identity/crd-types';
import { granteeNote, roleCommand, type AzureRole } from '../../tell/remedy.ts';

/** A right that MIC needs at a scope, and the built-in role with it. */
export interface RoleNeed {
  readonly role: AzureRole;
  /** Recommended scope of the role: the identity, or the resource group of the host. */
  readonly scope: ResourceId;
  readonly actions: readonly string[];
}

export interface MissingRole {
  readonly role: AzureRole;
  readonly scope: ResourceId;
  /** The first action that is not allowed. */
  readonly action: string;
  /** The exact az command that assigns it. */
  readonly command: string;
  readonly message: string;
}

/** One entry of ARM's permissions response: the actions of one role assignment. */
export interface Permission {
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
}

export function needOfHost(host: Host): RoleNeed {
  const type = host.kind === 'vm' ? 'virtualMachines' : 'virtualMachineScaleSets';
  return {
    role: 'Virtual Machine Contributor',
    scope: resourceGroupOf(host.id),
    actions: [`Microsoft.Compute/${type}/read`, `Microsoft.Compute/${type}/write`],
  };
}

/** To attach an identity; at the identity or above it. */
export function needOfIdentity(identity: ResourceId): RoleNeed {
  return {
    role: 'Managed Identity Operator',
    scope: identity,
    actions: ['Microsoft.ManagedIdentity/userAssignedIdentities/assign/action'],
  };
}

/** `/subscriptions/<id>/resourcegroups/<name>` of a canonical resource id. */
function resourceGroupOf(id: ResourceId): ResourceId {
  return canonicalResourceId(id.split('/', 5).join('/'));
}

/** The first action that no assignment allows. Exclusions (notActions) apply to their own assignment only. */
export function deniedAction(
  actions: readonly string[],
  permissions: readonly Permission[],
): string | undefined {
  return actions.find((action) => !permissions.some((permission) => allows(permission, action)));
}

function allows(permission: Permission, action: string): boolean {
  return (
    permission.actions.some((pattern) => covers(pattern, action)) &&
    !permission.notActions.some((pattern) => covers(pattern, action))
  );
}

/** Azure's patterns: `*` matches any part of an action, also none between two slashes; without case. */
function covers(pattern: string, action: string): boolean {
  const literal = (text: string) => text.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`);
  const betweenSlashes = pattern.split('/*/').map((part) => part.split('*').map(literal).join('.*'));
  return new RegExp(`^${betweenSlashes.join('/(.+/)?')}$`, 'i').test(action);
}

export function missingRole(need: RoleNeed, action: string, micPrincipalId: string | undefined): MissingRole {
  const { role, scope } = need;
  const command = roleCommand({ role, scope, micPrincipalId });
  const message = `MIC may not perform '${action}' at ${scope}${granteeNote(micPrincipalId)}: ${command}`;
  return { role, scope, action, command, message };
}
