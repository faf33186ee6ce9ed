import { factsOf, type ErrorFacts } from './error-facts.ts';
import { commandFor, wordings, type Attempt, type Command, type Reason } from './wordings.ts';

/** Why a read failed, in words for the person who runs this program. */
export interface Explanation {
  readonly reason: Reason;
  readonly problem: string;
  readonly remedy: string;
  /** A command that is the remedy, to be copied. */
  readonly command?: Command;
  /** What the service wrote, or the text of the error. */
  readonly detail: string | undefined;
}

export function explain(error: unknown, attempt: Attempt): Explanation {
  const facts = factsOf(error);
  const reason = reasonOf(facts, attempt);
  const [problem, remedy] = wordings[reason](attempt, facts);
  const command = reason === 'no-role' ? commandFor(attempt) : undefined;
  // An error of this program has no text of a service.
  const detail = reason === 'program' || reason === 'no-response' ? undefined : facts.text;
  return { reason, problem, remedy, ...(command !== undefined && { command }), detail };
}

function reasonOf(facts: ErrorFacts, attempt: Attempt): Reason {
  if (facts.words.has('PARSE_ERROR')) return 'unreadable';
  if (facts.words.has('UseSecretError')) return 'program';
  if (attempt.deadlineMs !== undefined) return 'no-response';
  if (facts.isTokenFailure) return tokenReason(facts, attempt);
  if (facts.status !== undefined) return statusReason(facts, facts.status, attempt);
  return networkReason(facts, attempt);
}

function tokenReason(facts: ErrorFacts, { proxies }: Attempt): Reason {
  const { status, words, isManaged } = facts;
  // The proxy is not on the node of this pod: whatever came from there was not meant for it.
  if (isManaged && proxies.tokens !== undefined) return 'proxy';
  const said = saidReason(facts);
  if (said !== undefined && said !== 'no-identity') return said;
  if (status === undefined || words.has('invalid-response')) return 'no-endpoint';
  if (status === 400) return said ?? 'token-refused';
  // The endpoint and NMI use 404, 410, 502 to 504 for "not yet".
  return tokenReasons[status] ?? 'identity-pending';
}

/** The endpoint and NMI have one code for all of these, so their text decides; the most telling first. */
const tokenTexts: readonly (readonly [text: RegExp, reason: Reason])[] = [
  [/Multiple user assigned identities exist/, 'several-identities'],
  [/\bServiceAccount (\S+|\[\d+ characters left out\]) may not use \S/, 'no-access'],
  [/Identity not found/, 'no-identity'],
];

function saidReason({ words, status = 0, text = '' }: ErrorFacts): Reason | undefined {
  if (words.has('ambiguous-identity')) return 'several-identities';
  // Text of Azure on an identity that the pod has.
  if (ofAzure.has(status)) return undefined;
  return tokenTexts.find(([part]) => part.test(text))?.[1];
}

const ofAzure: ReadonlySet<number> = new Set([401, 403, 429]);

const tokenReasons: Readonly<Record<number, Reason>> = {
  401: 'identity-refused',
  403: 'identity-refused',
  429: 'throttled',
  500: 'endpoint-failed',
};

const innerReasons: Readonly<Record<string, Reason>> = {
  ForbiddenByFirewall: 'firewall',
  ForbiddenByConnection: 'firewall',
  SecretDisabled: 'disabled',
};

/** Whoever responds. */
const statusReasons: Readonly<Record<number, Reason>> = { 407: 'proxy', 429: 'throttled' };

const vaultReasons: Readonly<Record<number, Reason>> = {
  401: 'other-tenant',
  403: 'no-role',
  404: 'not-found',
};

function statusReason(
  { isOfVault, isForeign, innerCode = '' }: ErrorFacts,
  status: number,
  { proxies }: Attempt,
): Reason {
  const ofStatus = isOfVault ? { ...statusReasons, ...vaultReasons } : statusReasons;
  const found = innerReasons[innerCode] ?? ofStatus[status];
  if (found !== undefined) return found;
  if (isForeign && proxies.vault !== undefined && status >= 400) return 'proxy';
  if (status >= 500) return 'unavailable';
  return isOfVault ? 'unknown' : 'unreadable';
}

const tlsCodes = /^(ERR_TLS|CERT_|UNABLE_TO_(GET|VERIFY)|SELF_SIGNED|DEPTH_ZERO)/;
const lost = ['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EPIPE'];

function networkReason({ words, programError, text = '' }: ErrorFacts, { proxies }: Attempt): Reason {
  if (text.includes('does not match the requested domain')) return 'not-a-vault';
  if ([...words].some((word) => tlsCodes.test(word))) return 'certificate-of-tls';
  if (words.has('EAI_AGAIN')) return 'dns-unavailable';
  const isUnnamed = words.has('ENOTFOUND');
  if (isUnnamed || lost.some((code) => words.has(code))) {
    if (proxies.vault !== undefined) return 'proxy';
    return isUnnamed ? 'no-such-vault' : 'unreachable';
  }
  return programError === undefined ? 'unknown' : 'program';
}
