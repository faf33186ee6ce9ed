// Settings of MIC that are not flags, for docs/reference/configuration.md.

/** Environment variables that are not only those of flags. */
export const micEnvironment: readonly (readonly [names: string, meaning: string])[] = [
  [
    'MIC_POD_NAMESPACE',
    "MIC's own namespace, with its Lease, its record of attached identities and its ConfigMap. Default: `default`",
  ],
  ['FORCENAMESPACED', '`false`: as `--forceNamespaced=false`'],
  [
    'CLOUD, TENANT_ID, CLIENT_ID, CLIENT_SECRET',
    'used as `cloud`, `tenantId`, `aadClientId`, `aadClientSecret` if `--cloudconfig` is not set',
  ],
  [
    'USE_MSI, USER_ASSIGNED_MSI_CLIENT_ID',
    'used as `useManagedIdentityExtension`, `userAssignedIdentityID` if `--cloudconfig` is not set',
  ],
  [
    'SUBSCRIPTION_ID, RESOURCE_GROUP, VM_TYPE',
    "accepted without effect: a host's resource id comes from its node's providerID",
  ],
  [
    'AZURE_ENVIRONMENT_FILEPATH',
    'JSON file with the endpoints of an Azure Stack (`cloud` is AzureStackCloud)',
  ],
  [
    'AZURE_FEDERATED_TOKEN_FILE, AZURE_TENANT_ID, AZURE_CLIENT_ID',
    'a federated credential, in the variables that the webhook of Workload Identity sets',
  ],
  [
    'AZURE_POD_IDENTITY_AUTHORITY_HOST',
    "another address of the metadata service, for MIC's own managed identity",
  ],
];

export const azureJson: readonly (readonly [keys: string, meaning: string])[] = [
  [
    'cloud',
    'AzurePublicCloud (AzureCloud), AzureUSGovernmentCloud, AzureChinaCloud, AzureGermanCloud or AzureStackCloud, in any case',
  ],
  [
    'useManagedIdentityExtension',
    '`true`: MIC authenticates with a managed identity, system-assigned unless the next key is set',
  ],
  [
    'userAssignedIdentityID',
    'client id of a user-assigned identity; it is also protected from being detached',
  ],
  ['tenantId, aadClientId', 'otherwise MIC authenticates as this application, with one of the following'],
  ['aadClientSecret', 'its secret'],
  ['aadClientCertPath, aadClientCertPassword', 'new: its certificate with private key (PEM)'],
  [
    'useFederatedWorkloadIdentityExtension, aadFederatedTokenFile',
    'new: a projected service account token that the application trusts',
  ],
  [
    'resourceManagerEndpoint, activeDirectoryEndpoint, tokenAudience',
    'new: endpoints of a custom cloud; `https`, that of ARM also `http` on the loopback',
  ],
  [
    'computeApiVersion',
    'new: api-version of virtual machines and scale sets in a custom cloud (2019-12-01 without it)',
  ],
  [
    'subscriptionId, resourceGroup, vmType, securityGroupName',
    "accepted without effect: a host's resource id comes from its node's providerID",
  ],
];
