import type { ErrorFacts } from './error-facts.ts';
import { isGuid } from './identity.ts';
import type { Proxies } from './proxy.ts';
import { allNames, type Item, type Kind } from './vault-object.ts';

export const reasons = [
  'no-identity',
  'no-access',
  'several-identities',
  'identity-pending',
  'identity-refused',
  'token-refused',
  'endpoint-failed',
  'no-endpoint',
  'no-role',
  'other-tenant',
  'not-found',
  'disabled',
  'firewall',
  'no-such-vault',
  'dns-unavailable',
  'not-a-vault',
  'unreachable',
  'proxy',
  'certificate-of-tls',
  'throttled',
  'unavailable',
  'no-response',
  'unreadable',
  'program',
  'unknown',
] as const;
export type Reason = (typeof reasons)[number];

export interface Attempt {
  readonly item: Item;
  readonly vaultUrl: string;
  /** The object id of the identity, if a token was given. */
  readonly objectId: string | undefined;
  readonly isUser?: boolean | undefined;
  /** AZURE_CLIENT_ID. */
  readonly clientId: string | undefined;
  readonly proxies: Proxies;
  /** If there was no response within it. */
  readonly deadlineMs: number | undefined;
}

/** Parts of a command for a shell: the program, and its options. */
export type Command = readonly string[];

type Wording = (attempt: Attempt, facts: ErrorFacts) => readonly [problem: string, remedy: string];

const roles: Readonly<Record<Kind, string>> = {
  secret: 'Key Vault Secrets User',
  // Its properties and public part are read: the roles of their users may also sign with a key, or read the values of all secrets.
  key: 'Key Vault Reader',
  certificate: 'Key Vault Reader',
};

const whichStep =
  'Which step is missing says: kubectl -n aad-pod-identity exec deploy/mic -- node /app/mic.js explain NAMESPACE/POD (or ask the administrator of the cluster)';

export const wordings: Readonly<Record<Reason, Wording>> = {
  'no-identity': ({ clientId }) =>
    clientId === undefined
      ? [
          'This pod has no Azure identity',
          `Label the pod and create an AzureIdentity and an AzureIdentityBinding. ${whichStep}`,
        ]
      : [
          `This pod does not have the identity that AZURE_CLIENT_ID names (${clientId})`,
          `Correct AZURE_CLIENT_ID or unset it, or bind this identity to the pod. ${whichStep}`,
        ],
  'no-access': () => [
    'The ServiceAccount of this pod has no right to use the identity',
    'A cluster administrator can give it the right; the details have the command',
  ],
  'several-identities': () => [
    'This pod has several identities, and none was named',
    'Set AZURE_CLIENT_ID to the client id of one of them',
  ],
  'identity-pending': () => [
    'The identity of this pod is not ready yet',
    `Wait: the next round tries again. If this lasts for minutes, read the Events of the pod. ${whichStep}`,
  ],
  'identity-refused': () => [
    'Azure refuses the identity of this pod',
    'Check that the identity or application still exists, and that its secret or certificate has not expired',
  ],
  'token-refused': (_, { text = 'no text' }) => [
    `The endpoint refuses the request for a token: ${text.replace(/\.$/, '')}`,
    'Change what this text names: settings of the pod, an AzureIdentity, or something on the way that changes requests',
  ],
  'endpoint-failed': () => [
    'The endpoint that gives tokens has failed (500)',
    'The next round tries again. If this lasts, read the log of NMI on the node of the pod',
  ],
  'no-endpoint': ({ proxies }) => [
    'No endpoint that gives tokens can be reached, or something else responds there',
    `Check that the pod runs on Azure, that NMI runs on its node, and that no network policy or proxy is between the pod and ${proxies.metadataHost}`,
  ],
  'no-role': ({ item }) => [
    `The identity has no right to ${item.name === allNames ? `list the ${item.kind}s` : `read a ${item.kind}`} of this vault`,
    `Give it the role '${roles[item.kind]}', or an access policy where the vault has these; a new role takes effect within 10 minutes`,
  ],
  'other-tenant': () => [
    'The vault does not accept tokens of this identity',
    'Use an identity of the tenant of the vault',
  ],
  'not-found': ({ item, vaultUrl }) => {
    const vault = vaultName(vaultUrl);
    const list = vault === undefined ? '' : ` (az keyvault ${item.kind} list --vault-name ${vault})`;
    return [
      `The vault has no ${item.kind} of this name`,
      `Check the name${list}, and whether the ${item.kind} was deleted`,
    ];
  },
  disabled: ({ item }) => [
    `The newest version of this ${item.kind} is disabled`,
    'Enable it, or create a new version',
  ],
  firewall: () => [
    'The firewall of the vault refuses the network of this pod',
    "Add the cluster's subnet or outbound address in the vault's Networking settings, or reach the vault by a private endpoint",
  ],
  'no-such-vault': ({ vaultUrl }) => [
    `DNS knows no ${hostOf(vaultUrl)}`,
    'Check the name in KEYVAULT_URL and whether the vault was deleted; with a private endpoint, link the zone privatelink.vaultcore.azure.net to the network of the cluster',
  ],
  'dns-unavailable': ({ vaultUrl, proxies }) => [
    `DNS gives no answer for ${proxies.vault === undefined ? hostOf(vaultUrl) : `the proxy that ${proxies.vault} names`} at present`,
    'The next round tries again. If this lasts, check that the DNS of the cluster (CoreDNS) runs, and that network policies let the pod reach it on port 53, UDP and TCP',
  ],
  'not-a-vault': ({ vaultUrl }) => [
    `${hostOf(vaultUrl)} is not the address of a vault in this cloud`,
    'Use https://NAME.vault.azure.net (or the suffix of your cloud); for a vault behind a name of yours set KEYVAULT_SKIP_CHALLENGE_VERIFICATION=true',
  ],
  unreachable: ({ vaultUrl }) => [
    `${hostOf(vaultUrl)} cannot be reached`,
    'Allow connections from the pod to port 443 of the vault: network policies, the firewall of the network, routes',
  ],
  proxy: proxyWording,
  'certificate-of-tls': ({ vaultUrl }) => [
    `The certificate that ${hostOf(vaultUrl)} shows is not trusted`,
    'A proxy that reads TLS has an authority of its own: set NODE_EXTRA_CA_CERTS to its certificate, or exempt the vault in the proxy',
  ],
  throttled: (_, { isTokenFailure }) => [
    `${isTokenFailure ? 'The endpoint that gives tokens' : 'Key Vault'} limits the number of requests`,
    isTokenFailure
      ? 'The next round tries again. If this lasts, other programs of this pod or its node request too many'
      : 'Set a longer INTERVAL_SECONDS',
  ],
  unavailable: (_, { status }) => [
    `Key Vault is not available at the moment (${status ?? 'no status'})`,
    'Wait: the next round tries again. If this lasts, see the health of the service in the Azure portal',
  ],
  'no-response': ({ vaultUrl, proxies, deadlineMs = 0 }) => [
    `There was no response within ${deadlineMs / 1000} s`,
    `Check that the pod reaches ${proxies.metadataHost} and ${hostOf(vaultUrl)}: network policies, firewalls, proxies. An identity that is new can take as long`,
  ],
  unreadable: ({ vaultUrl }, { status }) => [
    `${hostOf(vaultUrl)} sent a response that is not one of Key Vault${status === undefined ? '' : ` (${status})`}`,
    'Check KEYVAULT_URL, and that no firewall, gateway or proxy on the way responds in place of the vault or changes its responses',
  ],
  program: (_, { programError = 'an error' }) => [
    `This program failed, not the vault: ${programError}`,
    'Look at that place in the program, and at the version of Node.js, which package.json names (engines). The text of the error is left out: it may have the value of a secret',
  ],
  unknown: (_, { words, status }) => [
    `The read failed (${[...words, status ?? ''].filter((word) => word !== '').join(', ') || 'without a code'})`,
    `Look the code up in the documentation of ${status === undefined ? 'Node.js and of the Azure SDK' : 'Key Vault'}`,
  ],
};

function proxyWording(...[{ proxies, vaultUrl }, { isTokenFailure, status }]: Parameters<Wording>) {
  const variable = (isTokenFailure ? proxies.tokens : proxies.vault) ?? 'HTTPS_PROXY';
  const host = isTokenFailure ? proxies.metadataHost : hostOf(vaultUrl);
  const proxy = `The HTTP proxy that ${variable} names`;
  const remedy = isTokenFailure
    ? `Add ${host} to NO_PROXY, or set CREDENTIAL=imds: tokens come from the node of this pod, never through a proxy`
    : `Check KEYVAULT_URL, allow ${host} in the proxy, correct ${variable}, or add ${host} to NO_PROXY`;
  if (status === undefined) return [`${proxy} cannot be reached or ends the connection`, remedy] as const;
  if (status === 407) return [`${proxy} requires a login`, remedy] as const;
  // A gateway behind the proxy can have sent it, too.
  if (status >= 500)
    return [`${proxy}, or something behind it, responded in place of ${host} (${status})`, remedy] as const;
  return [`${proxy} does not let requests for ${host} through (${status})`, remedy] as const;
}

/**
 * The object id is a claim that nothing has checked, and the command is for a shell. There is none if a part of it is unknown: it would
 * be run with a placeholder.
 */
export function commandFor({ item, objectId = '', isUser, vaultUrl }: Attempt): Command | undefined {
  const name = vaultName(vaultUrl);
  if (name === undefined || !isGuid(objectId)) return undefined;
  return [
    'az role assignment create',
    `--role '${roles[item.kind]}'`,
    `--assignee-object-id ${objectId}`,
    `--assignee-principal-type ${isUser === true ? 'User' : 'ServicePrincipal'}`,
    `--scope "$(az keyvault show --name ${name} --query id --output tsv)"`,
  ];
}

const hostOf = (vaultUrl: string): string => new URL(vaultUrl).host;
/** A vault behind another name has a name that is not known here. */
const vaultName = (vaultUrl: string): string | undefined =>
  /^([0-9a-z-]+)\.vault\./.exec(new URL(vaultUrl).hostname)?.[1];
