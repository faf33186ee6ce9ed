import { oneLine } from './errors.ts';
import { quotable } from './refusal-text.ts';

/**
 * What the error of a transport says, and what caused it, in one line. Nothing if it may quote a response or a header, which may be a
 * token, or has an address with a password: there it is only in the error's `cause`.
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
