// Room: role assignments that MIC misses, as the command that adds them.
// It must not assign a role.
import type { Host, ResourceId } from '@pod-identity/crd-types';
import { createLimit } from '@pod-identity/kit/core';
import type { ArmClient } from '../arm/arm-client.ts';
import {
  deniedAction,
  missingRole,
  managedIdentityNeed,
  needOfHost,
  needOfIdentity,
  resourceGroupOf,
  type MissingRole,
  type RoleNeed,
} from './missing-roles.ts';
import { permissionsAt } from './permissions.ts';

export interface RoleCheckInput {
  readonly hosts: readonly Host[];
  readonly identities: readonly ResourceId[];
  readonly signal: AbortSignal;
}

const requestsAtATime = 4;
/** Beyond this number of identities the resource group is reported as a whole. */
const singlesInAGroup = 25;

/** Returns the roles that MIC lacks, by ARM's permissions of its own credential. Unknown ones are skipped. `idOf`: the object id in MIC's own token. */
export async function checkRoles(
  client: ArmClient,
  idOf: (signal: AbortSignal) => Promise<string | undefined>,
  request: RoleCheckInput,
): Promise<readonly MissingRole[]> {
  const { signal } = request;
  const limit = createLimit(requestsAtATime);
  const permissionsOf = (scope: ResourceId) => limit(() => permissionsAt(client, scope, signal));
  const principalId = await idOf(signal);

  const lacking = async (need: RoleNeed, scope = need.scope): Promise<MissingRole[]> => {
    const permissions = await permissionsOf(scope);
    const action = permissions && deniedAction(need.actions, permissions);
    return action === undefined ? [] : [missingRole(need, action, principalId)];
  };

  // A role on the group covers all in it: most clusters need one request for each group.
  const lackingIdentities = async ([group, identities]: readonly [ResourceId, readonly ResourceId[]]) => {
    const whole = await lacking({ ...managedIdentityNeed, scope: group });
    if (whole.length === 0 || identities.length > singlesInAGroup) return whole;
    return (await Promise.all(identities.map((identity) => lacking(needOfIdentity(identity))))).flat();
  };

  const lackingHost = async (host: Host) => {
    const whole = await lacking(needOfHost(host));
    return whole.length === 0 ? whole : lacking(needOfHost(host), host.id);
  };

  const found = await Promise.all([
    ...request.hosts.map(lackingHost),
    ...[...Map.groupBy(request.identities, resourceGroupOf)].map(lackingIdentities),
  ]);
  return [...new Map(found.flat().map((missing) => [`${missing.role} ${missing.scope}`, missing])).values()];
}
