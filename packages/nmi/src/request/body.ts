import type { RequestHeaders } from './wire.ts';

/** In bytes. */
export const largestBody = 16 * 1024;

/** What the headers say of a request's body. */
export function bodyOf(headers: RequestHeaders): 'none' | 'small' | 'large' | 'unknown' {
  if (headers['transfer-encoding'] !== undefined) return 'unknown';
  const length = headers['content-length'];
  if (length === undefined || length === '0') return 'none';
  return Number(length) <= largestBody ? 'small' : 'large';
}
