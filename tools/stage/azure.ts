// The stage's part of Azure: its initial state, and the configuration with its addresses for MIC.
import type { Sim, World } from '@pod-identity/sim';
import * as names from './names.ts';

/** Creates one scale set, the two identities of the demo, the cluster's own identity, and a vault that both may read. */
export function seed(world: World, nodes: number): void {
  for (const { id, clientId } of [names.firstIdentity, names.secondIdentity, names.clusterIdentity]) {
    world.addIdentity({ resourceId: id, clientId, tenantId: names.tenant });
  }
  world.addScaleSet({
    id: names.scaleSetId(names.scaleSet),
    instances: nodes,
    identities: [names.clusterIdentity.id],
  });
  world.addVault({
    name: names.vault,
    secrets: { 'database-password': 'correct horse', 'api-key': 'battery staple' },
    readers: [],
  });
  for (const { id } of [names.firstIdentity, names.secondIdentity]) {
    world.allowRead(names.vault, world.identity(id).principalId);
  }
}

export function azureConfiguration(sim: Sim): object {
  return {
    cloud: 'AzurePublicCloud',
    tenantId: names.tenant,
    subscriptionId: names.subscription,
    resourceGroup: names.nodeResourceGroup,
    vmType: 'vmss',
    useManagedIdentityExtension: true,
    userAssignedIdentityID: names.clusterIdentity.clientId,
    resourceManagerEndpoint: sim.azure.armUrl,
    activeDirectoryEndpoint: sim.azure.entraUrl,
  };
}
