import { allNames, type Item, type Proxies } from './config.ts';

/** Why a read failed, in words for the person who runs this program. `detail` is what the service wrote, or the text of the error. */
export type Explanation = Readonly<{ reason: Reason; sentence: string; detail: string | undefined }>;

export interface Attempt {
  readonly item: Item;
  readonly vaultUrl: string;
  /** The object id of the identity, if a token was given. */
  readonly objectId?: string | undefined;
  readonly proxies: Proxies;
  /** The last one to a request for the vault. */
  readonly response?: VaultResponse | undefined;
  /** Whether the deadline has passed. */
  readonly isLate?: boolean;
}

export type VaultResponse = Readonly<{
  status: number;
  headers: Pick<Headers, 'has'>;
  bodyAsText?: string | null;
}>;

const roles = { secret: 'Key Vault Secrets User', key: 'Key Vault Reader', certificate: 'Key Vault Reader' };

export function explain(error: unknown, attempt: Attempt): Explanation {
  const facts = factsOf(error, attempt);
  const { isOfToken, status, words, text } = facts;
  const { item, proxies, objectId } = attempt;
  const { kind } = item;
  const reason = reasonOf(facts, attempt);
  const [service, host, proxy] = isOfToken
    ? ['The endpoint that gives tokens', proxies.metadataHost, proxies.tokens]
    : ['Key Vault', new URL(attempt.vaultUrl).host, proxies.vault];
  const codes = oneLine([...words, status].filter(Boolean).join(', ')) ?? 'no code';
  const right = item.name === allNames ? `list the ${kind}s` : `read a ${kind}`;
  const whose = { kind, objectId, role: roles[kind], right, status: String(status) };
  const sentence = sentenceFor(reason, { ...whose, service, host, proxy, codes });
  // The text of an error of the program, or of a body that cannot be parsed, can have the value of a secret.
  const isSaid = isOfToken || (words.has('RestError') && !words.has('PARSE_ERROR'));
  return { reason, sentence, detail: isSaid ? oneLine(text) : undefined };
}

type Facts = ReturnType<typeof factsOf>;

/** The errors of @azure/identity and imds-client. */
const tokenError =
  /^(AggregateAuthentication|Authentication|AuthenticationRequired|CredentialUnavailable|Imds)Error$/;

/** As the libraries have them. */
type Failure = Partial<
  Error & { code: string; statusCode: number; status: number; errors: readonly unknown[] }
>;

function factsOf(error: unknown, attempt: Attempt) {
  const all = chainOf(error);
  // No token was given: the failure is not the vault's.
  const isOfToken = all.some(({ name = '' }) => tokenError.test(name));
  // DefaultAzureCredential tries several places. In a pod only the managed identity counts.
  const managed = all.find(({ message = '' }) => isOfToken && message.startsWith(managedPrefix));
  const { message = '' } = managed ?? all[0] ?? {};
  // The error of a refused list lacks the text.
  const [, text = message] =
    /^Unexpected status code.*"message":\s*"([^"]+)"/s.exec(message + bodyOf(attempt)) ?? [];
  /** Names and codes, such as `RestError`, `ENOTFOUND`. */
  const words = new Set(all.flatMap(({ name = '', code = '' }) => [name, code]));
  const found = all.map((one) => one.statusCode ?? one.status).find((one) => typeof one === 'number');
  // The clients of Key Vault fail with a TypeError on a response without a body of Key Vault.
  const status = words.has('TypeError') ? (found ?? attempt.response?.status) : found;
  return { isOfToken, words, status, text };
}

/** The error, its causes and the errors that it groups, at most 20: an error can be its own cause. */
function chainOf(error: unknown): readonly Failure[] {
  const all = [Object(error) as Failure];
  for (const { cause, errors = [] } of all)
    for (const one of [cause, ...errors])
      if (one !== undefined && all.length < 20) all.push(Object(one) as Failure);
  return all;
}

const managedPrefix = 'ManagedIdentityCredential';

function reasonOf(facts: Facts, attempt: Attempt): Reason {
  if (facts.words.has('PARSE_ERROR')) return 'unreadable';
  if (attempt.isLate === true) return 'unreachable';
  if (facts.isOfToken) return tokenReason(facts, attempt.proxies);
  return facts.status === undefined ? networkReason(facts, attempt) : statusReason(facts.status, attempt);
}

type Reasons = Readonly<Record<string, Reason>>;
const mayNot = /\bServiceAccount (\S+|\[\d+ characters left out\]) may not use \S/;
/** Text of Azure on an identity that the pod has, and failures of NMI. */
const ofToken: Reasons = {
  401: 'token-refused',
  403: 'token-refused',
  429: 'unavailable',
  500: 'unavailable',
};

function tokenReason({ status, words, text }: Facts, proxies: Proxies): Reason {
  // The proxy is not on the node of this pod: whatever came from there was not meant for it.
  if (text.startsWith(managedPrefix) && proxies.tokens !== undefined) return 'proxy';
  if (status === undefined || words.has('invalid-response')) return 'no-endpoint';
  if (ofToken[status] !== undefined) return ofToken[status];
  // NMI has one code for all of these, so its text decides.
  if (text.includes('Multiple user assigned identities exist')) return 'several-identities';
  if (mayNot.test(text)) return 'no-access';
  // The endpoint and NMI use 404, 410, 502 to 504 for "not yet".
  if (status !== 400) return 'identity-pending';
  return text.includes('Identity not found') ? 'no-identity' : 'token-refused';
}

/** Of each response of Key Vault, also of one without a body. */
const vaultHeaders = ['x-ms-keyvault-region', 'x-ms-keyvault-service-version', 'x-ms-request-id'];
const ofVault: Reasons = {
  ForbiddenByFirewall: 'firewall',
  ForbiddenByConnection: 'firewall',
  SecretDisabled: 'disabled',
  401: 'other-tenant',
  403: 'no-role',
  404: 'not-found',
};

function statusReason(status: number, attempt: Attempt): Reason {
  const isOfVault = vaultHeaders.some((name) => attempt.response?.headers.has(name));
  if (!isOfVault && attempt.proxies.vault !== undefined && status >= 400) return 'proxy';
  if (status === 429 || status >= 500) return 'unavailable';
  if (!isOfVault) return 'unreadable';
  const said = Object.keys(ofVault).find((code) => bodyOf(attempt).includes(`"${code}"`));
  return ofVault[said ?? status] ?? 'unknown';
}

/** Of a refusal; others can have the value of a secret. */
const bodyOf = ({ response }: Attempt): string =>
  response !== undefined && response.status >= 400 ? (response.bodyAsText ?? '') : '';

const tlsCodes = /^(ERR_TLS|CERT_|UNABLE_TO_(GET|VERIFY)|SELF_SIGNED|DEPTH_ZERO)/;

function networkReason({ words, text }: Facts, { proxies }: Attempt): Reason {
  if (text.includes('does not match the requested domain')) return 'unreadable';
  if (!words.has('RestError')) return 'unknown';
  if ([...words].some((word) => tlsCodes.test(word))) return 'certificate-of-tls';
  if (proxies.vault !== undefined) return 'proxy';
  return words.has('ENOTFOUND') ? 'no-such-vault' : 'unreachable';
}

/** MSAL wraps the description of the endpoint into fields that it does not have. NMI's texts are shorter than what is cut. */
function oneLine(message: string): string | undefined {
  const [, description] = /Description: (.*?) - Correlation ID:/s.exec(message) ?? [];
  const [, responded] = /^the endpoint answered \d+ (\w+: .+)$/s.exec(message) ?? [];
  const text = (description ?? responded ?? message).replace(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return text.length > 3000 ? `${text.slice(0, 3000)}…` : text || undefined;
}

const whichStep =
  'Which step is missing says: kubectl azure-pod-identity explain NAMESPACE/POD (or ask the administrator of the cluster)';

/** For each reason why a read fails: what is wrong, and what to do. Words in braces are replaced. */
export const sentences = {
  'no-identity': `This pod has no Azure identity. Label the pod and create an AzureIdentity and an AzureIdentityBinding; if AZURE_CLIENT_ID is set, correct or unset it. ${whichStep}`,
  'no-access':
    'The ServiceAccount of this pod has no right to use the identity. A cluster administrator can give it the right; the details have the command',
  'several-identities':
    'This pod has several identities, and none was named. Set AZURE_CLIENT_ID to the client id of one of them',
  'identity-pending': `The identity of this pod is not ready yet. Wait: the next round tries again. If this lasts for minutes, read the Events of the pod. ${whichStep}`,
  'token-refused':
    'The request for a token is refused ({codes}). Change what the details name: a setting of the pod, the AzureIdentity, or the identity or application in Azure, which may be deleted or have an expired secret',
  'no-endpoint':
    'No endpoint that gives tokens can be reached, or something else responds there. Check that the pod runs on Azure, that NMI runs on its node, and that no network policy or proxy is between the pod and {host}',
  'no-role':
    "The identity has no right to {right} of this vault. Give it (object id {objectId}) the role '{role}', or an access policy where the vault has these; a new role takes effect within 10 minutes",
  'other-tenant':
    'The vault does not accept tokens of this identity. Use an identity of the tenant of the vault',
  'not-found': 'The vault has no {kind} of this name. Check the name, and whether the {kind} was deleted',
  disabled: 'The newest version of this {kind} is disabled. Enable it, or create a new version',
  firewall:
    "The firewall of the vault refuses the network of this pod. Add the cluster's subnet or outbound address in the vault's Networking settings, or reach the vault by a private endpoint",
  'no-such-vault':
    'DNS knows no {host}. Check the name in KEYVAULT_URL and whether the vault was deleted; with a private endpoint, link the zone privatelink.vaultcore.azure.net to the network of the cluster',
  unreachable:
    '{host} cannot be reached, or gave no response in three minutes ({codes}). Check network policies, firewalls, routes and proxies between the pod and DNS (port 53, UDP and TCP), the vault (port 443) and the metadata service',
  proxy:
    'The HTTP proxy that {proxy} names, or something behind it, responded in place of {host}, or cannot be reached ({codes}). Add {host} to NO_PROXY, or set CREDENTIAL=imds if it is the host that gives tokens; or allow {host} in the proxy, or correct {proxy}',
  'certificate-of-tls':
    'The certificate that {host} shows is not trusted ({codes}). A proxy that reads TLS has an authority of its own: set NODE_EXTRA_CA_CERTS to its certificate, or exempt the vault in the proxy',
  unavailable:
    '{service} is not available at the moment ({status}). Wait: the next round tries again. If this lasts, set a longer INTERVAL_SECONDS, and read the health of the vault in the Azure portal, or for tokens the log of NMI on the node',
  unreadable:
    '{host} sent a response that is not one of Key Vault ({codes}). Check KEYVAULT_URL, and that no firewall, gateway or proxy responds in place of the vault or changes its responses. For a vault behind a name of yours set KEYVAULT_SKIP_CHALLENGE_VERIFICATION=true',
  unknown:
    'The read failed ({codes}). Look the code up in the documentation of Key Vault, Node.js and the Azure SDK',
};

export type Reason = keyof typeof sentences;

export const sentenceFor = (reason: Reason, values: Readonly<Record<string, string | undefined>>): string =>
  sentences[reason].replace(/\{(\w+)\}/g, (_, word: string) => values[word] ?? 'unknown');
