import { ImdsError, type Asked } from './errors.ts';
import { messageOf } from './failure-text.ts';

/** What is done with the error that an HTTP client threw. */
export interface Thrown {
  readonly endpoint: string;
  readonly cause: unknown;
  readonly asked: Asked | undefined;
}

const sentences: Readonly<Partial<Record<string, string>>> = {
  ECONNREFUSED: 'nothing listens there',
  ConnectionRefused: 'nothing listens there',
  EHOSTUNREACH: 'there is no route: is this a machine in Azure, or a pod whose calls NMI gets?',
  ENETUNREACH: 'there is no route: is this a machine in Azure, or a pod whose calls NMI gets?',
  ENETDOWN: 'the network is down',
  ENOTFOUND: 'its name does not resolve',
  EAI_AGAIN: 'its name does not resolve at the moment',
  ECONNRESET: 'the connection was closed before the response was complete',
  EPIPE: 'the connection was closed before the response was complete',
  UND_ERR_SOCKET: 'the connection was closed before the response was complete',
  ETIMEDOUT: 'nothing answers there',
  EACCES: 'a rule of this machine forbids it',
  EPERM: 'a rule of this machine forbids it',
};

/**
 * Why the endpoint cannot be reached; or the error itself, if it is one of the program: that is neither retried nor explained away.
 */
export function failureOf(thrown: Thrown): ImdsError | Error {
  const { endpoint, cause, asked } = thrown;
  const code = systemCodeOf(cause, 5);
  if (code === undefined) return withoutCode(thrown);
  const [, permanent] = permanents.find(([codes]) => codes.test(code)) ?? [];
  if (permanent === undefined) {
    return unreachable(thrown, [code, sentences[code]].filter((text) => text !== undefined).join(', '));
  }
  const kept = code.startsWith('HPE_') ? withoutBytes(cause, code) : cause;
  return new ImdsError('invalid-response', `${endpoint} ${permanent} (${code})`, { asked, cause: kept });
}

function withoutCode(thrown: Thrown): ImdsError | Error {
  const { endpoint, cause } = thrown;
  // `fetch` connects to no port that another protocol uses.
  if (cause instanceof TypeError && refusedPort.test(`${cause.message} ${String(cause.cause)}`)) {
    const message = `fetch does not connect to the port of ${endpoint}: use transport 'node'`;
    return new TypeError(message, { cause });
  }
  return isOfTheProgram(cause) ? cause : unreachable(thrown, messageOf(cause));
}

const refusedPort = /\bbad port\b|\bport \d+ (is|are) blocked/i;

function unreachable({ endpoint, cause, asked }: Thrown, why: string): ImdsError {
  const reason = `${endpoint} cannot be reached${why === '' ? '' : `: ${why}`}`;
  return new ImdsError('unavailable', reason, { asked, cause });
}

/** The error of a parser has the bytes of the response, and they may be a token. */
function withoutBytes(cause: unknown, code: string): Error {
  return Object.assign(new Error(cause instanceof Error ? cause.message : code), { code });
}

/** The code of a system call, of Node's HTTP parser or of another HTTP client, from the error or what caused it. */
function systemCodeOf(error: unknown, depth: number): string | undefined {
  if (typeof error !== 'object' || error === null || depth === 0) return undefined;
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: unknown };
  const others: unknown[] = Array.isArray(errors) ? errors : [];
  const causes = [cause, ...others.slice(0, 3)];
  const deeper = causes.map((one) => systemCodeOf(one, depth - 1)).find((one) => one !== undefined);
  if (deeper !== undefined) return deeper;
  if (isSystemCode(code)) return code;
  // That of `fetch`, which may have no code.
  return (error as { name?: unknown }).name === 'HTTPParserError' ? 'HPE_UNKNOWN' : undefined;
}

/** Of OpenSSL and of Node's TLS: no retry changes a certificate. */
const certificateCode = /^(UNABLE_TO_\w{1,60}|(\w{1,40}_)?CERT(_\w{1,60})?|HOSTNAME_MISMATCH)$/;

/** What no retry changes. `fetch` has the code of OpenSSL, node:https that of the connection. */
const permanents: readonly (readonly [codes: RegExp, what: string])[] = [
  [/^HPE_/, 'does not speak HTTP'],
  [/^(EPROTO$|ERR_SSL_)/, 'does not speak TLS, or not as this runtime does'],
  [certificateCode, 'has a certificate that is not accepted'],
];

function isSystemCode(code: unknown): code is string {
  return (
    typeof code === 'string' &&
    (certificateCode.test(code) ||
      /^(?!ERR_(?!SSL_))(E[A-Z_\d]{2,60}|HPE_\w{1,40}|UND_ERR_\w{2,40}|[A-Z][A-Za-z]{5,40})$/.test(code))
  );
}

/**
 * `fetch` reports failures of the network as a TypeError: Node's has a cause, others name what failed. A scheme is a cause that no retry
 * removes.
 */
function isOfTheProgram(error: unknown): error is Error {
  if (error instanceof ReferenceError || error instanceof SyntaxError || error instanceof RangeError)
    return true;
  if (!(error instanceof TypeError)) return false;
  if (error.cause instanceof Error) return /scheme|invalid url/i.test(error.cause.message);
  return (
    !/fetch|network|connect|socket|request|load failed/i.test(error.message) ||
    /blocked|NO_PROXY|is not (a |an |iterable)|^cannot |undefined|of null/i.test(error.message)
  );
}
