import type { ResourceId } from '@pod-identity/crd-types';
import { problem } from '@pod-identity/policy';
import {
  deniedAction,
  missingRole,
  needOfHost,
  needOfIdentity,
  remedyFor,
  type RoleNeed,
} from '../../../mic/src/commands/plug-in.ts';
import { itemsOf, unknownOf } from '../cluster/lists.ts';
import { azureIdOf, misstatedClientId, objectOf, subscriptionOf } from './check-identities.ts';
import {
  found,
  type AzureFacts,
  type CheckResult,
  type DoctorFacts,
  type IdentityFacts,
  type ObjectFinding,
} from './facts.ts';

/** The identities that AzureIdentities name are in Azure, with these client ids, and MIC may attach them to the hosts. */
export function checkAzure(facts: DoctorFacts): CheckResult {
  const { azure } = facts;
  if (azure === undefined) return { findings: [], unknown: [] };
  const { identities, nodes } = facts;
  return {
    findings: [
      ...itemsOf(identities).flatMap((identity) => inAzure(identity, azure)),
      ...lackingRoles(facts, azure),
    ],
    unknown: [...azure.unknown, ...unknownOf(identities), ...unknownOf(nodes)],
  };
}

function inAzure(identity: IdentityFacts, azure: AzureFacts): ObjectFinding[] {
  const id = azureIdOf(identity);
  if (id === undefined || !azure.listed.has(subscriptionOf(id))) return [];
  const known = azure.identities.find((one) => one.id === id);
  const { namespace, name, clientId, refusal } = identity;
  if (known === undefined) {
    const text = `AzureIdentity ${namespace}/${name} names ${id}, which your az does not find in its subscription`;
    return [
      found(objectOf(identity), problem('identity', text, remedyFor({ code: 'IdentityNotFound', id }))),
    ];
  }
  const isMistyped = clientId !== '' && clientId.toLowerCase() !== known.clientId.toLowerCase();
  // The check `client-ids` names those that MIC has seen.
  return isMistyped && refusal !== 'ClientIDMismatch' ? misstatedClientId(identity) : [];
}

/** Of identities only those that are there: nobody can have a role on others. */
function lackingRoles({ nodes, identities, services }: DoctorFacts, azure: AzureFacts): ObjectFinding[] {
  if (azure.roles === undefined || services.mic.length === 0) return [];
  const hosts = itemsOf(nodes).flatMap(({ host }) => host ?? []);
  const attached = itemsOf(identities).flatMap((identity) => {
    const id = identity.type === 0 ? azureIdOf(identity) : undefined;
    return azure.identities.some((one) => one.id === id) ? (id ?? []) : [];
  });
  const { roles } = azure;
  const needs = [
    ...hosts.map((host) => ({ need: needOfHost(host), at: host.id })),
    ...attached.map((id) => ({ need: needOfIdentity(id), at: id })),
  ];
  const lacking = needs
    .filter(({ at }) => roles.listed.has(subscriptionOf(at)))
    .flatMap(({ need, at }) => lackingRole(need, at, roles));
  return [...new Map(lacking.map((one) => [one.object, one])).values()];
}

function lackingRole(
  need: RoleNeed,
  at: ResourceId,
  { principalId, assignments }: NonNullable<AzureFacts['roles']>,
): ObjectFinding[] {
  const held = assignments.filter(({ scope }) => `${at}/`.startsWith(`${scope}/`));
  const action = deniedAction(
    need.actions,
    held.flatMap(({ permissions }) => permissions),
  );
  if (action === undefined) return [];
  const { command, role, scope } = missingRole(need, action, principalId);
  const text = `MIC has no role in Azure with ${action} at ${scope}`;
  const remedy = { text: `assign it ${role}, if pods of this cluster are to have it`, command };
  return [found(`Role/${role} at ${scope}`, problem('permission', text, remedy))];
}
