/** What can be said about a failed read, from the error and the errors within it. */
export interface ErrorFacts {
  /** No token was given: the failure is not the vault's. */
  readonly isTokenFailure: boolean;
  /** It is a managed identity that has no token: the endpoint at 169.254.169.254 was asked. */
  readonly isManaged: boolean;
  /** The name and the place of an error of this program, without its text, which may have a value. */
  readonly programError: string | undefined;
  /** Codes and names of all errors, such as `ENOTFOUND`, `RestError`, `identity-not-found`. */
  readonly words: ReadonlySet<string>;
  /** The first HTTP status: of the vault, or of the endpoint that gives tokens. */
  readonly status: number | undefined;
  /**
   * Whether Key Vault wrote the response: its refusals have a code in the body, and follow upon a token. Others are of a proxy, a gateway
   * or a portal.
   */
  readonly isOfVault: boolean;
  /** Whether nothing shows that Key Vault wrote the response: no such code, and none of its headers, which it also sends without a body. */
  readonly isForeign: boolean;
  /** Key Vault's own code within its error, such as `ForbiddenByFirewall`. */
  readonly innerCode: string | undefined;
  /** What the service wrote, on one line and cut; undefined if it may have the value of a secret. */
  readonly text: string | undefined;
}

interface Link {
  readonly name: string;
  readonly code: string;
  readonly status: number | undefined;
  readonly isOfVault: boolean;
  readonly hasVaultHeaders: boolean;
  readonly innerCode: string | undefined;
  readonly message: string;
  readonly stack: string;
}

/** Names of errors of @azure/identity, and codes of those of imds-client. */
const tokenErrors: ReadonlySet<string> = new Set([
  'AggregateAuthenticationError',
  'AuthenticationError',
  'AuthenticationRequiredError',
  'CredentialUnavailableError',
  ...['ambiguous-identity', 'bad-request', 'denied', 'identity-not-found', 'invalid-response'],
  ...['throttled', 'timeout', 'unavailable'],
]);

export function factsOf(error: unknown): ErrorFacts {
  const links = chainOf(error);
  const words = new Set(links.flatMap(({ name, code }) => [name, code]).filter((word) => word !== ''));
  const isTokenFailure = [...words].some((word) => tokenErrors.has(word));
  // DefaultAzureCredential tries several places. In a pod only the managed identity counts.
  const managed = links.filter(({ message }) => message.startsWith('ManagedIdentityCredential'));
  const said = isTokenFailure && managed.length > 0 ? managed : links;
  return {
    isTokenFailure,
    isManaged: isTokenFailure && managed.length > 0,
    programError: programErrorOf(links),
    words,
    status: links.find(({ status }) => status !== undefined)?.status,
    isOfVault: links.some((link) => link.isOfVault),
    isForeign: !links.some((link) => link.isOfVault || link.hasVaultHeaders),
    innerCode: links.find(({ innerCode }) => innerCode !== undefined)?.innerCode,
    // The Azure SDK repeats the body of a response that it cannot parse, and the body of a secret has its value.
    text: words.has('PARSE_ERROR') ? undefined : textOf(said[0]?.message ?? ''),
  };
}

/** The error, its causes and the errors that it groups, at most 20: an error can be its own cause. */
function chainOf(error: unknown): readonly Link[] {
  const queue: unknown[] = [error];
  const links: Link[] = [];
  for (let at = 0; at < queue.length && links.length < 20; at += 1) {
    const fields = fieldsOf(queue[at]);
    links.push({
      name: word(fields['name']),
      code: word(fields['code']),
      status: statusOf(fields['statusCode'] ?? fields['status']),
      isOfVault: hasCode(fields['details']) && hadToken(fields['request']),
      hasVaultHeaders: vaultHeaders.some((name) => headersOf(fields['response'])?.has?.(name) === true),
      innerCode: innerCodeOf(fields['details']),
      message: text(fields['message']),
      stack: text(fields['stack']),
    });
    const inner = Array.isArray(fields['errors']) ? (fields['errors'] as unknown[]) : [];
    queue.push(...[fields['cause'], ...inner].filter((one) => one !== undefined));
  }
  return links;
}

/** `name` and `message` of an error are not its own properties, so they are read by name. */
function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const word = (value: unknown): string => text(value).slice(0, 60);
const statusOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

const hasCode = (details: unknown): boolean => word(fieldsOf(fieldsOf(details)['error'])['code']) !== '';

const vaultHeaders = ['x-ms-keyvault-region', 'x-ms-keyvault-service-version', 'x-ms-request-id'];

/** Of an HTTP request of the SDK; true if there is none to look at. */
const hadToken = (request: unknown): boolean => headersOf(request)?.has?.('authorization') ?? true;

/** Of an HTTP request or response of the SDK. */
function headersOf(message: unknown): Partial<Pick<Headers, 'has'>> | undefined {
  return fieldsOf(message)['headers'] as Partial<Pick<Headers, 'has'>> | undefined;
}

/** Errors of JavaScript itself: no service causes them. */
const programErrors: ReadonlySet<string> = new Set([
  'TypeError',
  'ReferenceError',
  'RangeError',
  'SyntaxError',
]);

function programErrorOf([first, second]: readonly Link[]): string | undefined {
  if (first?.name === 'UseSecretError') return `useSecret failed: ${placeOf(second)}`;
  return first !== undefined && programErrors.has(first.name) ? placeOf(first) : undefined;
}

/** The name, the code and the place of an error, without its text. */
export const placeOfError = (error: unknown): string => placeOf(chainOf(error)[0]);

/** The first place of the stack is behind the message, which can be of many lines. */
function placeOf(link: Link | undefined): string {
  if (link === undefined) return 'an error without an object';
  const { name, code, message, stack } = link;
  const [, place] = /^\s+at (.{1,300})$/m.exec(stack.slice(stack.indexOf(message) + message.length)) ?? [];
  return [name || 'Error', code, place === undefined ? '' : `at ${place}`]
    .filter((part) => part !== '')
    .join(' ');
}

/** The SDK spells the field of the service, `innererror`, in its own way. */
function innerCodeOf(details: unknown): string | undefined {
  const { innerError, innererror } = fieldsOf(fieldsOf(details)['error']);
  const code = word(fieldsOf(innerError ?? innererror)['code']);
  return code === '' ? undefined : code;
}

/** NMI's texts are shorter. */
const longestText = 3000;

/** MSAL wraps the description of the endpoint into fields that it does not have. */
function textOf(message: string): string | undefined {
  const [, description] = /Description: (.*?) - Correlation ID:/s.exec(message) ?? [];
  const [, answered] = /^the endpoint answered \d+ (\w+: .+)$/s.exec(message) ?? [];
  const text = (description ?? answered ?? message).replace(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  if (text === '') return undefined;
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text;
}
