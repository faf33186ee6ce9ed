import { membersOf } from '../../json.ts';
import { redactId, TokenError, withoutIds, type TokenErrorCode } from '../errors.ts';
import type { ServicePrincipal } from '../types.ts';

export type EntraResponse =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly retryAfterMs: number | undefined;
      readonly body: unknown;
    }
  | {
      readonly kind: 'silence';
      /** Why no request could be sent. */
      readonly problem?: string;
    };

interface EntraRefusal {
  readonly error: string;
  readonly number: number | undefined;
  readonly description: string;
}

/** Used without Retry-After, as in Microsoft's own clients. */
const usualPauseMs = 60_000;

/** Remedies by error number. `%` is the Secret. */
export const remedies: Readonly<Record<number, string>> = {
  7000215: 'the client secret is wrong. Put the value of a client secret, not its id, into %.',
  7000222: 'the client secret has expired. Make a new one and put it into %.',
  7000229: 'the application has no service principal in this tenant. Have it consented to there.',
  700016: 'the tenant does not know the application. Check spec.clientID and spec.tenantID.',
  700027:
    'the certificate is not registered for the application. Upload the certificate of %, or put the registered one there.',
  700024: 'the signed assertion is outside its time. Check the clock of this node.',
  700023: 'the login endpoint does not take the assertion as meant for it. Check spec.adEndpoint.',
  700229: 'the application is not one that may have tokens of its own.',
  7000112: 'the application is disabled.',
  7000218: 'the application needs another kind of credential. Check spec.type.',
  90002: 'there is no such tenant in this cloud. Check spec.tenantID and spec.adEndpoint.',
  900023: 'spec.tenantID is no tenant.',
  900382: 'the tenant belongs to another cloud. Check spec.adEndpoint.',
  53003: 'a Conditional Access policy blocks the application.',
  530032: 'a security policy of the tenant blocks the application.',
  5002738: 'it does not take certificates with elliptic curves. Use a certificate with an RSA key.',
};

const resources: ReadonlySet<number> = new Set([500011, 50001, 70011, 700022, 1002012, 901002]);
const passing: ReadonlySet<number> = new Set([90006, 90012, 90024, 90033, 90061]);
/** Entra also says this of federated credentials that exist. */
const credentialMissing: ReadonlySet<number> = new Set([70021, 700211, 700212, 700213, 70025]);
/** '': an answer without an error code comes from something in between, such as a proxy. */
const passingErrors: ReadonlySet<string> = new Set(['', 'temporarily_unavailable']);
const resourceErrors: ReadonlySet<string> = new Set(['invalid_resource', 'invalid_scope']);
const throttling: ReadonlySet<number> = new Set([90055, 50196]);

/** The text contains neither a full id nor anything of the credential. */
export function principalError(
  response: EntraResponse,
  subject: ServicePrincipal,
  tenantId: string,
): TokenError {
  const where = tenantId === subject.tenantId ? '' : ` in the auxiliary tenant ${redactId(tenantId)}`;
  const { namespace, name: secret } = subject.secret;
  return entraError(response, `AzureIdentity ${subject.name}${where}`, (number) =>
    remedies[number]?.replace('%', `Secret ${namespace}/${secret}`),
  );
}

/** `who` has no token; `remedyOf`: what helps against an error number. */
export function entraError(response: EntraResponse, who: string, remedyOf: RemedyOf): TokenError {
  if (response.kind === 'silence')
    return response.problem === undefined
      ? new TokenError('unavailable', `The login endpoint did not answer for ${who}.`)
      : new TokenError(
          'proxy',
          `No request can be sent to the login endpoint for ${who}: ${response.problem}.`,
        );
  const refusal = readRefusal(response.body);
  const code = codeOf(response.status, refusal);
  const retryAfterMs = response.retryAfterMs ?? (code === 'throttled' ? usualPauseMs : undefined);
  return new TokenError(code, textOf(code, who, { refusal, remedyOf, status: response.status }), {
    retryAfterMs,
  });
}

/** Whether no federated credential fits the assertion. */
export function lacksCredential(response: EntraResponse): boolean {
  return response.kind === 'answer' && credentialMissing.has(readRefusal(response.body).number ?? 0);
}

function codeOf(status: number, { error, number = 0 }: EntraRefusal): TokenErrorCode {
  if (status === 429 || throttling.has(number)) return 'throttled';
  if (status >= 500 || passes(error, number)) return 'unavailable';
  return resourceErrors.has(error) || resources.has(number) ? 'refused' : 'denied';
}

function passes(error: string, number: number): boolean {
  return passing.has(number) || credentialMissing.has(number) || passingErrors.has(error);
}

type RemedyOf = (number: number) => string | undefined;

interface RefusedRequest {
  readonly refusal: EntraRefusal;
  readonly remedyOf: RemedyOf;
  readonly status: number;
}

function textOf(code: TokenErrorCode, who: string, { refusal, remedyOf, status }: RefusedRequest): string {
  const { error, number, description } = refusal;
  const name = number === undefined ? `${status} ${error}`.trim() : `AADSTS${number}`;
  if (code === 'throttled') return `Microsoft Entra has too many requests for ${who} (${name}).`;
  if (code === 'unavailable') return `Microsoft Entra gave no token for ${who} (${name}); it may later.`;
  if (code === 'refused')
    return `Microsoft Entra does not know the resource that ${who} asks for (${name}): ${description}`;
  const remedy = remedyOf(number ?? 0) ?? description;
  return `Microsoft Entra refused ${who} (${name}): ${remedy}`;
}

function readRefusal(body: unknown): EntraRefusal {
  const { error, error_codes, error_description } = membersOf(body);
  const [number] = Array.isArray(error_codes) ? (error_codes as unknown[]) : [];
  return {
    error: typeof error === 'string' ? error.slice(0, 64) : '',
    number: typeof number === 'number' ? number : undefined,
    description: typeof error_description === 'string' ? firstWords(error_description) : '',
  };
}

/** Without the error number and without trace ids. */
function firstWords(description: string): string {
  const [text = ''] = description.replace(/^AADSTS\d+: /, '').split(/ ?\r?\n| Trace ID: /);
  return withoutIds(text).slice(0, 300);
}
