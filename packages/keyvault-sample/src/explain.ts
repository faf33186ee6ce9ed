import { factsOf, type ErrorFacts } from './error-facts.ts';
import { isGuid } from './identity.ts';
import type { Item, Kind } from './vault-object.ts';

export const reasons = [
  'no-identity',
  'several-identities',
  'identity-pending',
  'identity-refused',
  'no-endpoint',
  'no-role',
  'other-tenant',
  'not-found',
  'disabled',
  'firewall',
  'no-such-vault',
  'not-a-vault',
  'unreachable',
  'proxy',
  'certificate-of-tls',
  'throttled',
  'unavailable',
  'no-response',
  'unreadable',
  'unknown',
] as const;
export type Reason = (typeof reasons)[number];

/** Why a read failed, in words for the person who runs this program. */
export interface Explanation {
  readonly reason: Reason;
  readonly problem: string;
  readonly remedy: string;
  /** A command that is the remedy, to be copied. */
  readonly command?: string;
  /** What the service wrote. */
  readonly said: string | undefined;
}

export interface Attempt {
  readonly item: Item;
  readonly vaultUrl: string;
  /** The object id of the identity, if a token was given. */
  readonly objectId: string | undefined;
  /** The environment variable that sends requests for the vault to a proxy. */
  readonly proxyVariable: string | undefined;
  /** If there was no response within it. */
  readonly deadlineMs: number | undefined;
}

export function explain(error: unknown, attempt: Attempt): Explanation {
  const facts = factsOf(error);
  const reason = reasonOf(facts, attempt);
  const [problem, remedy] = wordings[reason](attempt, facts);
  const command = reason === 'no-role' ? { command: roleCommand(attempt) } : {};
  return { reason, problem, remedy, ...command, said: facts.text };
}

function reasonOf(facts: ErrorFacts, attempt: Attempt): Reason {
  if (facts.words.has('PARSE_ERROR')) return 'unreadable';
  if (attempt.deadlineMs !== undefined) return 'no-response';
  if (facts.isTokenFailure) return tokenReason(facts);
  if (facts.status !== undefined) return statusReason(facts.status, facts.innerCode);
  return networkReason(facts, attempt);
}

function tokenReason({ status, words, text = '' }: ErrorFacts): Reason {
  if (words.has('ambiguous-identity') || text.includes('Multiple user assigned identities exist'))
    return 'several-identities';
  if (status === undefined) return 'no-endpoint';
  if (status === 400) return 'no-identity';
  if (status === 401 || status === 403) return 'identity-refused';
  // The endpoint and NMI use 404, 410, 429 and 5xx for "not yet".
  return 'identity-pending';
}

const innerReasons: Readonly<Record<string, Reason>> = {
  ForbiddenByFirewall: 'firewall',
  ForbiddenByConnection: 'firewall',
  SecretDisabled: 'disabled',
};

const statusReasons: Readonly<Record<number, Reason>> = {
  401: 'other-tenant',
  403: 'no-role',
  404: 'not-found',
  407: 'proxy',
  429: 'throttled',
};

function statusReason(status: number, innerCode: string | undefined): Reason {
  const inner = innerCode === undefined ? undefined : innerReasons[innerCode];
  return inner ?? statusReasons[status] ?? (status >= 500 ? 'unavailable' : 'unknown');
}

const tlsCodes = /^(ERR_TLS|CERT_|UNABLE_TO_(GET|VERIFY)|SELF_SIGNED|DEPTH_ZERO)/;

function networkReason({ words, text = '' }: ErrorFacts, { proxyVariable }: Attempt): Reason {
  const has = (...codes: string[]): boolean => codes.some((code) => words.has(code));
  if (text.includes('does not match the requested domain')) return 'not-a-vault';
  if ([...words].some((word) => tlsCodes.test(word))) return 'certificate-of-tls';
  const isLost = has('ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EPIPE');
  const isUnnamed = has('ENOTFOUND', 'EAI_AGAIN');
  if ((isLost || isUnnamed) && proxyVariable !== undefined) return 'proxy';
  if (isUnnamed) return 'no-such-vault';
  return isLost ? 'unreachable' : 'unknown';
}

type Wording = (attempt: Attempt, facts: ErrorFacts) => readonly [problem: string, remedy: string];

const roles: Readonly<Record<Kind, string>> = {
  secret: 'Key Vault Secrets User',
  key: 'Key Vault Crypto User',
  certificate: 'Key Vault Certificate User',
};

const wordings: Readonly<Record<Reason, Wording>> = {
  'no-identity': () => [
    'This pod has no Azure identity',
    "Label the pod and create an AzureIdentity and an AzureIdentityBinding; 'mic explain NAMESPACE/POD' says which step is missing",
  ],
  'several-identities': () => [
    'This pod has several identities, and none was named',
    'Set AZURE_CLIENT_ID to the client id of one of them',
  ],
  'identity-pending': () => [
    'The identity of this pod is not ready yet',
    "Wait: the next round tries again. If this lasts for minutes, read the Events of the pod, or run 'mic explain NAMESPACE/POD'",
  ],
  'identity-refused': () => [
    'Azure refuses the identity of this pod',
    'Check that the identity or application still exists, and that its secret or certificate has not expired',
  ],
  'no-endpoint': () => [
    'No endpoint that gives tokens can be reached',
    'Check that the pod runs on Azure, that NMI runs on its node, and that no network policy or proxy is between the pod and 169.254.169.254',
  ],
  'no-role': ({ item }) => [
    `The identity has no right to read a ${item.kind} of this vault`,
    `Give it the role '${roles[item.kind]}', or an access policy where the vault has these; a new role takes effect within 10 minutes`,
  ],
  'other-tenant': () => [
    'The vault does not accept tokens of this identity',
    'Use an identity of the tenant of the vault',
  ],
  'not-found': ({ item }) => [
    `The vault has no ${item.kind} of this name`,
    `Check the name (az keyvault ${item.kind} list), and whether the ${item.kind} was deleted`,
  ],
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
  'not-a-vault': ({ vaultUrl }) => [
    `${hostOf(vaultUrl)} is not the address of a vault in this cloud`,
    'Use https://NAME.vault.azure.net (or the suffix of your cloud); for a vault behind a name of yours set KEYVAULT_SKIP_CHALLENGE_VERIFICATION=true',
  ],
  unreachable: ({ vaultUrl }) => [
    `${hostOf(vaultUrl)} cannot be reached`,
    'Allow connections from the pod to port 443 of the vault: network policies, the firewall of the network, routes',
  ],
  proxy: ({ proxyVariable = 'HTTPS_PROXY', vaultUrl }, { status }) => [
    status === 407
      ? 'The HTTP proxy requires a login'
      : `The HTTP proxy that ${proxyVariable} names cannot be reached or refuses the connection`,
    `Correct ${proxyVariable}, or add ${hostOf(vaultUrl)} and 169.254.169.254 to NO_PROXY`,
  ],
  'certificate-of-tls': ({ vaultUrl }) => [
    `The certificate that ${hostOf(vaultUrl)} shows is not trusted`,
    'A proxy that reads TLS has an authority of its own: set NODE_EXTRA_CA_CERTS to its certificate, or exempt the vault in the proxy',
  ],
  throttled: () => ['Key Vault limits the number of requests', 'Set a longer INTERVAL_SECONDS'],
  unavailable: (_, { status }) => [
    `Key Vault is not available at the moment (${status ?? 'no status'})`,
    'Wait: the next round tries again. If this lasts, see the health of the service in the Azure portal',
  ],
  'no-response': ({ vaultUrl, deadlineMs = 0 }) => [
    `There was no response within ${deadlineMs / 1000} s`,
    `Check that the pod reaches 169.254.169.254 and ${hostOf(vaultUrl)}: network policies, firewalls, proxies. An identity that is new can take as long`,
  ],
  unreadable: ({ vaultUrl }) => [
    `${hostOf(vaultUrl)} sent a response that is not one of Key Vault`,
    'Check KEYVAULT_URL, and that no proxy changes responses',
  ],
  unknown: (_, { words }) => [
    `The read failed (${[...words].join(', ') || 'without a code'})`,
    'Look the code up in the documentation of Key Vault',
  ],
};

/** The object id is a claim that nothing has checked, and the command is for a shell. */
function roleCommand({ item, objectId = '', vaultUrl }: Attempt): string {
  const assignee = isGuid(objectId) ? objectId : 'OBJECT-ID';
  const vault = `"$(az keyvault show --name ${vaultName(vaultUrl)} --query id --output tsv)"`;
  return `az role assignment create --role '${roles[item.kind]}' --assignee-object-id ${assignee} --assignee-principal-type ServicePrincipal --scope ${vault}`;
}

const hostOf = (vaultUrl: string): string => new URL(vaultUrl).host;
/** A vault behind another name has a name that is not known here. */
const vaultName = (vaultUrl: string): string =>
  /^([0-9a-z-]+)\.vault\./.exec(new URL(vaultUrl).hostname)?.[1] ?? 'VAULT';
