import { describe, expect, test } from 'vitest';
import { aborted, ImdsError, isImdsError } from './errors.ts';

describe('an error', () => {
  test('of another copy of this package is recognised', async () => {
    const copy = './errors.ts?another-copy';
    const other = (await import(copy)) as { ImdsError: typeof ImdsError };
    expect(other.ImdsError).not.toBe(ImdsError);
    const error = new other.ImdsError('denied', 'no');
    expect(error).not.toBeInstanceOf(ImdsError);
    expect(isImdsError(error)).toBe(true);
  });

  test.each([undefined, null, 'ImdsError', {}, new Error('no'), { name: 'ImdsError', code: 'denied' }])(
    'is not %j',
    (value) => {
      expect(isImdsError(value)).toBe(false);
    },
  );

  test.each([
    ['aborted', 'AbortError'],
    ['timeout', 'TimeoutError'],
    ['denied', 'ImdsError'],
  ] as const)('with the code %s has the name %s, as errors of the platform', (code, name) => {
    expect(new ImdsError(code, 'x')).toMatchObject({ code, name });
    expect(String(new ImdsError(code, 'x'))).toBe(`${name}: x`);
  });

  test('of an abort has the reason of the signal as its cause', () => {
    const reason = new Error('shutting down');
    expect(aborted(reason).cause).toBe(reason);
  });

  test('names the resource and the identity', () => {
    const asked = { resource: 'https://vault.azure.net', identity: { clientId: 'c' } };
    const error = new ImdsError('identity-not-found', 'no', { asked });
    expect(error.message).toBe('no (resource https://vault.azure.net, client id c)');
    expect(error).toMatchObject({ ...asked, reason: 'no' });
  });

  test('is bounded and of one line, whatever was asked for', () => {
    const asked = { resource: `a\nb${'x'.repeat(9999)}`, identity: { resourceId: 'y'.repeat(9999) } };
    const { message } = new ImdsError('denied', 'no', { asked });
    expect(message.length).toBeLessThan(600);
    expect(message).not.toContain('\n');
  });

  test('shows in JSON what it says, and nothing else', () => {
    expect(Object.keys(new ImdsError('denied', 'no')).sort()).toEqual([
      'code',
      'identity',
      'name',
      'reason',
      'requestId',
      'resource',
      'retryAfterMs',
      'retryable',
      'serviceCode',
      'status',
    ]);
  });
});
