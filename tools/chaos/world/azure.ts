// The run's part of Azure: hosts, identities and rights, and faults of a single host.
import type { AzureOptions, Sim } from '@pod-identity/sim';
import * as names from '../../stage/names.ts';
import {
  foreignIdentities,
  mainHosts,
  pool,
  probeHosts,
  probeIdentities,
  residentIdentity,
  sharedIdentities,
  spareNode,
  type NodePlace,
} from '../plan/scene.ts';

/** The form in which judges compare ids. */
export const hostIdOf = (host: string): string => resourceIdOf(host).toLowerCase();
export const identityIdOf = (name: string): string => names.identityId(name).toLowerCase();

export function resourceIdOf(host: string): string {
  const scaleSet = names.scaleSetId(host);
  return host === pool ? scaleSet : scaleSet.replace('virtualMachineScaleSets', 'virtualMachines');
}

export const hosts: readonly string[] = [...mainHosts, ...probeHosts];
export const identityNames = [
  ...[...sharedIdentities, ...foreignIdentities, residentIdentity],
  ...probeIdentities,
];

export const providerIdOf = ({ host, instance }: NodePlace): string =>
  `azure://${resourceIdOf(host)}${instance === undefined ? '' : `/virtualMachines/${instance}`}`;

export const machineOf = ({ host, instance }: NodePlace): string =>
  instance === undefined ? host : `${host}_${instance}`;

/** How long an update of a host takes, if not as usual. Keys are host ids in lower case. */
export type Latencies = Map<string, { readonly ms: number; hits: number }>;

const usualLatencyMs = 150;

export function azureOptions(latencies: Latencies): Partial<AzureOptions> {
  return {
    throttle: true,
    enforceRoles: true,
    armLatencyMs: ({ hostId }) => {
      const slow = latencies.get(hostId.toLowerCase());
      if (slow) slow.hits += 1;
      return slow?.ms ?? usualLatencyMs;
    },
  };
}

/** The role without which MIC can't update a host. */
const updater = 'Virtual Machine Contributor';

export async function seedAzure({ azure }: Sim): Promise<void> {
  const { world } = azure;
  for (const name of identityNames)
    world.addIdentity({ resourceId: names.identityId(name), tenantId: names.tenant });
  world.addScaleSet({ id: resourceIdOf(pool), instances: spareInstance });
  for (const host of hosts) if (host !== pool) world.addVirtualMachine({ id: resourceIdOf(host) });
  const { principalId } = world.identity(names.clusterIdentity.id);
  const identities = names.identityId('x').split('/providers/')[0] ?? '';
  world.grant(principalId, 'Managed Identity Operator', identities);
  world.grant(principalId, updater, names.scaleSetId(names.scaleSet));
  for (const host of hosts) grantHost(azure, host);
  await azure.ready();
}

const spareInstance = Number(spareNode.split('-')[1]);

export function grantHost({ world }: Sim['azure'], host: string): void {
  world.grant(world.identity(names.clusterIdentity.id).principalId, updater, resourceIdOf(host));
}

export function revokeHost({ world }: Sim['azure'], host: string): void {
  world.revoke(world.identity(names.clusterIdentity.id).principalId, updater, resourceIdOf(host));
}
