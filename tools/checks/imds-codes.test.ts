// NMI's responses as imds-client reads them: the code decides what an app does, and what the command advises.
import { describe, expect, test } from 'vitest';
import { ImdsError } from '../../packages/imds-client/src/errors.ts';
import { readTokenResponse } from '../../packages/imds-client/src/response.ts';
import { errorRows, type ErrorRow, type ToldAnswer } from '../docs/error-rows.ts';

function errorOf({ status, text }: ToldAnswer, contentType: string): ImdsError {
  const answer = { status, body: text, contentType, retryAfter: null, requestId: null };
  const read = readTokenResponse(answer, { requested: { resource: 'r' }, now: 0, parseDate: Date.parse });
  if (read instanceof ImdsError) return read;
  throw new Error(`a token was read from ${text}`);
}

const refusals = errorRows.filter(({ ours }) => ours.text !== '');

/** Of a response with a status that has one code; NMI says with 400 what only the text distinguishes. */
const codeOfStatus: Readonly<Record<number, string>> = {
  403: 'denied',
  404: 'unavailable',
  405: 'bad-request',
  410: 'unavailable',
  429: 'throttled',
  500: 'unavailable',
  502: 'unavailable',
  503: 'unavailable',
};

function expectedCode({ kind, situation, ours }: ErrorRow): string | undefined {
  if (ours.status !== 400) return codeOfStatus[ours.status];
  if (kind !== 'denied') return 'bad-request';
  const isSeveral = situation === 'the pod has several identities and the request names none';
  return isSeveral ? 'ambiguous-identity' : 'identity-not-found';
}

const flat = (text = '') => text.replaceAll(/\s+/g, ' ').trim();

describe('imds-client reads the response of NMI if', () => {
  test.each(refusals)('$situation', (row) => {
    const { code, reason } = errorOf(row.ours, 'application/json');
    expect(code).toBe(expectedCode(row));
    const { error_description: text } = JSON.parse(row.ours.text) as Record<string, string>;
    expect(flat(reason).endsWith(`: ${flat(text)}`)).toBe(true);
  });

  test('several identities in one of these', () => {
    expect(refusals.map(expectedCode)).toContain('ambiguous-identity');
  });
});
