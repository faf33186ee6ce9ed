import { oneLine } from './errors.ts';

/** Characters: NMI's longest texts end with roles to paste. */
const longestDescription = 4_000;

/** Characters of a text that is not in the form of the service: that of the original NMI with long names of a pod. */
const longestPlain = 400;

/** What a refusal consists of, as far as its text is concerned. */
export interface RefusalBody {
  /** The header `Content-Type`. */
  readonly contentType?: string | null | undefined;
  readonly body: string;
}

/**
 * What looks like a text with a token: parts of a JSON Web Token begin with the base64 of a brace.
 */
const tokenLike =
  /(access|refresh)_?token["']?\s*[:=]|(?<![a-z0-9])e(y[aij]|w[0ko])[\w-]{6}|bearer\s+[\w.+/=~-]{20}/i;

/** Words as long as a part of a JSON Web Token are none of a sentence. The parts of an ARM id, between its slashes, are shorter. */
const longWord = /[\w.+=~-]{130}/;

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

export const webPage = 'a web page, not a metadata service';

/**
 * What a body without JSON says, in one line: the original NMI, and ours with --compat-errors, give their reason as plain text; what stands in place of a
 * metadata service often sends a web page.
 */
export function plainReason(response: RefusalBody): string {
  if (isWebPage(response)) return webPage;
  const { contentType, body } = response;
  const text = oneLine(body).trim();
  const isText = /^\s*(text\/plain\b.*)?$/i.test(contentType ?? '') && !text.includes('\ufffd');
  return isText ? quotable(text, longestPlain) : '';
}

export function isWebPage({ contentType, body }: RefusalBody): boolean {
  return /^\s*text\/html\b/i.test(contentType ?? '') || /^[\ufeff\s]*<[!?a-z]/i.test(body);
}
