// What of the texts and values of others is read, and what of them is quoted.

export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether its fields can be read. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null;
}

export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function readText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

// Not a literal: V8 loads the tables of Unicode when it parses one, and few programs have an error.
let misleading: RegExp | undefined;

/** Texts of others may have characters that would begin a line of a log, move the cursor of a terminal or change the order of letters. */
export function oneLine(text: string): string {
  if (/^[ -~]*$/.test(text)) return text;
  misleading ??= new RegExp('[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]+', 'gu');
  return text.replace(misleading, ' ');
}

/** What looks like a text with a token: parts of a JSON Web Token begin with the base64 of a brace. */
const tokenLike =
  /(access|refresh)_?token["']?\s*[:=]|(?<![a-z0-9])e(y[aij]|w[0ko])[\w-]{6}|bearer\s+[\w.+/=~-]{20}/i;

/** Words as long as a part of a JSON Web Token are none of a sentence. The parts of an ARM id, between its slashes, are shorter. */
const longWord = /[\w.+=~-]{130}/;

/** Characters: NMI's longest texts end with roles to paste. */
const longestDescription = 4_000;

/**
 * The text of a field, of at most `most` characters ("…" shows that some are missing), with its line breaks; nothing if it looks like one with a
 * token. Long words are left out: each may be a token of an unknown form, or the long name of a pod.
 */
export function quotable(value: unknown, most = longestDescription): string {
  if (typeof value !== 'string' || tokenLike.test(value)) return '';
  const text = value.replace(/\S+/g, (word) =>
    longWord.test(word) ? `[${word.length} characters left out]` : word,
  );
  // Not between the two halves of a character.
  return text.length > most ? `${text.slice(0, most).replace(/[\ud800-\udbff]$/, '')}…` : text;
}

/** What a response consists of, as far as its text is concerned. */
export interface BodyText {
  /** The header `content-type`. */
  readonly contentType?: string | null | undefined;
  readonly body: string;
}

export const webPage = 'a web page, not a metadata service';

export function isWebPage({ contentType, body }: BodyText): boolean {
  return /^\s*text\/html\b/i.test(contentType ?? '') || /^[\ufeff\s]*<[!?a-z]/i.test(body);
}

/** Characters of a text that is not in the form of the service: that of the original NMI with long names of a pod. */
const longestPlain = 400;

/**
 * What a body without JSON says, in one line: the original NMI gives its reason as plain text; what stands in place of a metadata service often
 * sends a web page.
 */
export function plainReason(response: BodyText): string {
  if (isWebPage(response)) return webPage;
  const text = oneLine(response.body).trim();
  const isText = /^\s*(text\/plain\b.*)?$/i.test(response.contentType ?? '') && !text.includes('\ufffd');
  return isText ? quotable(text, longestPlain) : '';
}

/**
 * What an error says, and what caused it, in one line. Nothing if it may quote a response or a header, which may be a token, or has an address with a
 * password: there it is only in the error's `cause`.
 */
export function messageOf(error: unknown): string {
  const cause = error instanceof Error && error.cause;
  const text = oneLine([error, cause].map(textOf).filter(Boolean).join(': '));
  return /[{<[@]/.test(text) ? '' : quotable(text, 200);
}

/** Nothing if it is neither an error nor a text. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : typeof error === 'string' ? error : '';
}
