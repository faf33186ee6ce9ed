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
import { azureIdOf, misstatedClientId, objectOf, subscriptionOf } from './check-identities.ts';
import { found, itemsOf, type AzureFacts, type Checked, type DoctorWorld, type Found } from './world.ts';

/** The identities that AzureIdentities name are in Azure, with these client ids, and MIC may attach them to the hosts. */
export function checkAzure(world: DoctorWorld): Checked {
  const { azure } = world;
  if (azure === undefined) return { findings: [], unknown: [] };
  const [identities, nodes] = [itemsOf(world.identities), itemsOf(world.nodes)];
  return {
    findings: [
      ...identities.items.flatMap((identity) => inAzure(identity, azure)),
      ...lackingRoles(world, azure),
    ],
    unknown: [...azure.unknown, ...identities.unknown, ...nodes.unknown],
  };
}

type Identity = Parameters<typeof objectOf>[0];

function inAzure(identity: Identity, azure: AzureFacts): Found[] {
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
function lackingRoles({ nodes, identities, services }: DoctorWorld, azure: AzureFacts): Found[] {
  if (azure.roles === undefined || services.mic.length === 0) return [];
  const hosts = itemsOf(nodes).items.flatMap(({ host }) => host ?? []);
  const attached = itemsOf(identities).items.flatMap((identity) => {
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
): Found[] {
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
