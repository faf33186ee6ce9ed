import { formatDuration } from '@pod-identity/kit/core';
import { micFlags } from './flags.ts';
import type { MicFlag } from './mic-flag.ts';

/** Settings that are not flags. */
const environment: readonly (readonly [name: string, meaning: string])[] = [
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

const cloudKeys: readonly (readonly [key: string, meaning: string])[] = [
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
    'new: endpoints of a custom cloud; `https`, or `http` on the loopback',
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

/** The tables of docs/configuration.md for MIC, as Markdown. */
export function configurationTable(): string {
  return [
    '### Flags',
    table(['Flag', 'Default', 'Meaning', 'Compared with the original'], micFlags.map(flagRow)),
    '### Environment',
    table(
      ['Variable', 'Meaning'],
      environment.map(([names, meaning]) => [code(names), meaning]),
    ),
    '### azure.json',
    'JSON, or YAML with one `key: value` per line. Keys are case-insensitive; nested values are ignored.',
    table(
      ['Key', 'Meaning'],
      cloudKeys.map(([keys, meaning]) => [code(keys), meaning]),
    ),
  ].join('\n\n');
}

function flagRow(flag: MicFlag): readonly string[] {
  const { name, help, env, choices, fate, note } = flag;
  const meaning = [help, choices && `One of ${choices.join(', ')}.`, env && `Environment: \`${env}\`.`];
  return [
    `\`--${name}\``,
    defaultText(flag),
    meaning.filter(Boolean).join(' '),
    note === undefined ? fate : `${fate}: ${note}`,
  ];
}

function defaultText({ kind, default: value }: MicFlag): string {
  if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) return '';
  return `\`${kind === 'duration' && typeof value === 'number' ? formatDuration(value) : String(value)}\``;
}

function code(names: string): string {
  return names
    .split(', ')
    .map((name) => `\`${name}\``)
    .join(', ');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
