// Keeps secrets out of log lines, by field name and by pattern, at any depth.

const secretName = /(token|secret|password|passphrase|assertion|authorization|privatekey|cookie)s?$/;
/**
 * A JSON web token, with the text before it in the same word. Each word is scanned once and only if a dot follows: a search from
 * each `eyJ` would scan the rest of a long word every time, and editors of objects could block the thread with it.
 */
const webToken = /(?<![\w-])(?=[\w-]+\.[\w-])([\w-]*?\b)eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?/g;
const secretText = [
  /(?<=\b(?:Bearer|Basic) )[\w.~+/=-]{8,}/gi,
  /(?<=\b(?:access_token|refresh_token|id_token|client_secret|client_assertion|assertion|password)=)[^&\s"]+/gi,
];
const mark = '[redacted]';
/** Objects in log fields can be nested without end, or contain themselves. */
const deepest = 8;

/** A copy for logging: plain JSON values, errors expanded, secrets replaced. */
export function redact(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case 'string':
      return redactText(value);
    case 'object':
      return redactObject(value, depth);
    case 'bigint':
    case 'symbol':
    case 'function':
      return redactText(String(value));
    case 'number':
    case 'boolean':
    case 'undefined':
      return value;
  }
}

export function redactText(text: string): string {
  return secretText.reduce(
    (clean, pattern) => clean.replace(pattern, mark),
    text.replace(webToken, `$1${mark}`),
  );
}

function redactObject(value: object | null, depth: number): unknown {
  if (value === null) return null;
  // Deeper values are circular or too long for a line.
  if (depth >= deepest) return '[deep]';
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Error) return redactFields(errorFields(value), depth);
  if (value instanceof Map) return redactFields(Object.fromEntries(value) as object, depth);
  if (Array.isArray(value) || value instanceof Set)
    return Array.from(value, (item) => redact(item, depth + 1));
  return redactFields(value, depth);
}

function redactFields(fields: object, depth: number): Record<string, unknown> {
  const entries = Object.entries(fields).map(([name, value]: [string, unknown]) => [
    name,
    isSecret(name, value) ? mark : redact(value, depth + 1),
  ]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}

/** By a name like `clientSecret` or `access_token`; booleans and empty values are not secret. */
function isSecret(name: string, value: unknown): boolean {
  if (value === null || value === undefined || typeof value === 'boolean') return false;
  return secretName.test(name.toLowerCase().replaceAll(/[-_]/g, ''));
}

function errorFields(error: Error): Record<string, unknown> {
  const { name, message, stack, cause } = error;
  return {
    ...Object.fromEntries(Object.entries(error)),
    name,
    message,
    stack,
    ...(cause === undefined ? {} : { cause }),
  };
}
