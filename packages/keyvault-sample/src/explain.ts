import { allNames, type Item } from './config.ts';
import type { Proxies } from './proxy.ts';
import { sentenceFor, type Reason } from './reasons.ts';

/** Why a read failed, in words for the person who runs this program. */
export interface Explanation {
  readonly reason: Reason;
  readonly sentence: string;
  /** What the service wrote, or the text of the error. */
  readonly detail: string | undefined;
}

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

export interface VaultResponse {
  readonly status: number;
  readonly headers: Pick<Headers, 'has'>;
  readonly bodyAsText?: string | null;
}

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
interface Failure extends Partial<Error> {
  readonly code?: string;
  readonly statusCode?: number;
  readonly status?: number;
  readonly errors?: readonly unknown[];
}

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

const mayNot = /\bServiceAccount (\S+|\[\d+ characters left out\]) may not use \S/;
type Reasons = Readonly<Record<string, Reason>>;
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
