// The names of the stage, from the article. deploy/demo/ uses the same ones.
export const subscription = '00000000-0000-0000-0000-000000000001';
export const tenant = '00000000-0000-0000-0000-00000000ad00';
const resourceGroup = 'demo-resource-group';
export const nodeResourceGroup = 'MC_demo-resource-group_demo_westeurope';

export const identityId = (name: string): string =>
  `/subscriptions/${subscription}/resourceGroups/${resourceGroup}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
export const scaleSetId = (name: string): string =>
  `/subscriptions/${subscription}/resourceGroups/${nodeResourceGroup}/providers/Microsoft.Compute/virtualMachineScaleSets/${name}`;

export const firstIdentity = {
  id: identityId('demo_pod_identity'),
  clientId: '00000000-0000-0000-0000-00000000c11d',
};
export const secondIdentity = {
  id: identityId('demo_pod_identity_2'),
  clientId: '00000000-0000-0000-0000-00000000c22d',
};
/** Attached to no machine: a federated credential lets the broker use it. */
export const federatedIdentity = {
  id: identityId('demo_federated_identity'),
  clientId: '00000000-0000-0000-0000-00000000c33d',
};
/** The cluster's own: MIC calls ARM as this identity, and must never detach it. */
export const clusterIdentity = {
  id: identityId('demo-agentpool'),
  clientId: '00000000-0000-0000-0000-00000000ac1d',
};

export const scaleSet = 'aks-default-00000000-vmss';
export const nodeName = (instance: number): string => `aks-default-00000000-${String(instance)}`;
export const providerId = (instance: number): string =>
  `azure://${scaleSetId(scaleSet)}/virtualMachines/${String(instance)}`;

export const vault = 'demo-vault';
export const systemNamespace = 'aad-pod-identity';
export const bindingLabel = 'aadpodidbinding';
