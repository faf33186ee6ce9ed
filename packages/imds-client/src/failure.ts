import { ImdsError } from './errors.ts';
import { isObject, messageOf, textOf } from './text.ts';
import type { RequestedToken } from './types.ts';

/** What codes mean. `fetch` has the code of OpenSSL, node:https that of the connection. No retry changes what is permanent. */
const failures: readonly (readonly [codes: RegExp, what: string, isPermanent?: boolean])[] = [
  [/^HPE_/, 'does not speak HTTP', true],
  [/^EPROTO$|^ERR_SSL_/, 'does not speak TLS, or not as this runtime does', true],
  // Of OpenSSL and of Node's TLS.
  [/^(UNABLE_TO_|(\w+_)?CERT(_|$)|HOSTNAME_MISMATCH$)/, 'has a certificate that is not accepted', true],
  // ECONNREFUSED, and ConnectionRefused of Bun.
  [/REFUSED/i, 'nothing listens there'],
  [/UNREACH/, 'there is no route: is this a machine in Azure, or a pod whose calls NMI gets?'],
  [/ENETDOWN/, 'the network is down'],
  [/ENOTFOUND/, 'its name does not resolve'],
  [/EAI_AGAIN/, 'its name does not resolve at the moment'],
  [/ECONNRESET|EPIPE|UND_ERR_SOCKET/, 'the connection was closed before the response was complete'],
  [/ETIMEDOUT/, 'nothing answers there'],
  [/EACCES|EPERM/, 'a rule of this machine forbids it'],
];

export interface Thrown {
  readonly endpoint: string;
  readonly cause: unknown;
  readonly requested: RequestedToken | undefined;
}

/**
 * Why the endpoint cannot be reached, of what an HTTP client threw; or the error itself, if it is one of the program: that is neither retried nor
 * explained away.
 */
export function failureOf({ endpoint, cause, requested }: Thrown): ImdsError | Error {
  const unreachable = (why: string) =>
    new ImdsError('unavailable', `${endpoint} cannot be reached${why && `: ${why}`}`, { requested, cause });
  const code = systemCodeOf(cause, 5);
  if (code === undefined) return isOfTheProgram(cause) ? cause : unreachable(messageOf(cause));
  const [, what, isPermanent = false] = failures.find(([codes]) => codes.test(code)) ?? [];
  if (!isPermanent) return unreachable([code, what].filter(Boolean).join(', '));
  // The error of a parser has the bytes of the response, and they may be a token.
  const kept = code.startsWith('HPE_') ? Object.assign(new Error(textOf(cause)), { code }) : cause;
  return new ImdsError('invalid-response', `${endpoint} ${what} (${code})`, { requested, cause: kept });
}

/**
 * An error of the program, or of its settings, such as a scheme: no retry removes it. `fetch` reports failures of the network as a
 * TypeError, too: Node's has a cause, others name what failed.
 */
function isOfTheProgram(error: unknown): error is Error {
  if (error instanceof ReferenceError || error instanceof SyntaxError || error instanceof RangeError)
    return true;
  if (!(error instanceof TypeError)) return false;
  const { cause, message } = error;
  if (cause instanceof Error) return /scheme|invalid url|bad port/i.test(cause.message);
  return (
    !/fetch|network|connect|socket|request|load failed/i.test(message) ||
    /blocked|is not (a |an |iterable)|^cannot |undefined|of null/i.test(message)
  );
}

/** The code of a system call, of Node's HTTP parser or of another HTTP client, from the error or what caused it. */
function systemCodeOf(error: unknown, depth: number): string | undefined {
  if (!isObject(error) || depth === 0) return undefined;
  const { code, cause, errors, name } = error;
  const others: unknown[] = Array.isArray(errors) ? errors.slice(0, 3) : [];
  const deeper = [cause, ...others].map((one) => systemCodeOf(one, depth - 1)).find(Boolean);
  if (deeper !== undefined) return deeper;
  if (typeof code === 'string' && systemCode.test(code)) return code;
  // That of `fetch`, which may have no code.
  return name === 'HTTPParserError' ? 'HPE_UNKNOWN' : undefined;
}

/** Of the system, a certificate, OpenSSL or an HTTP client: other codes that begin with ERR_ are of the program. */
const systemCode =
  /^(?=\w{3,60}$)(E(?!RR_)[A-Z_\d]+$|HPE_|UND_ERR_|ERR_SSL_|UNABLE_TO_|(\w+_)?CERT(_|$)|HOSTNAME_MISMATCH$|[A-Z][A-Za-z]{5,}$)/;
