import { beforeEach, describe, expect, test, vi } from 'vitest';
import { aborted, ImdsError, isImdsError } from './errors.ts';
import type { Identity } from './types.ts';

describe('a text in one line', () => {
  let oneLine: (text: string) => string;

  beforeEach(async () => {
    vi.resetModules();
    ({ oneLine } = await import('./text.ts'));
  });

  test.each([
    ['of printable ASCII is the same', ' a~', ' a~'],
    ['keeps letters of other scripts', '\u00e9\u4e2d', '\u00e9\u4e2d'],
    ['has one blank for the end of a line', 'a\r\nb', 'a b'],
    ['has one for nothing but that', '\n\n', ' '],
    ['has one for what moves the cursor', 'a\u009bb', 'a b'],
    ['has one for what changes the order of letters', 'a\u202eb', 'a b'],
    ['has one for the end of a line in Unicode', 'a\u2028b', 'a b'],
    ['has one for the end of a paragraph', 'a\u2029b', 'a b'],
    ['has one in each place', '\na\nb\u00e9', ' a b\u00e9'],
  ])('%s', (_, text, expected) => {
    expect([oneLine(text), oneLine(text)]).toEqual([expected, expected]);
  });
});

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

  test.each<[Identity | undefined, string]>([
    [{ objectId: 'o' }, 'object id o'],
    [{ resourceId: '/r' }, 'resource id /r'],
    [undefined, 'default identity'],
  ])('names the identity %j', (identity, words) => {
    const error = new ImdsError('denied', 'no', { requested: { resource: 'r', identity } });
    expect(error.message).toBe(`no (resource r, ${words})`);
  });

  test('has a cause only if there is one', () => {
    expect('cause' in new ImdsError('denied', 'no')).toBe(false);
  });

  test('of an abort has the reason of the signal as its cause', () => {
    const reason = new Error('shutting down');
    expect(aborted(reason).cause).toBe(reason);
  });

  test('names the resource and the identity', () => {
    const requested = { resource: 'https://vault.azure.net', identity: { clientId: 'c' } };
    const error = new ImdsError('identity-not-found', 'no', { requested });
    expect(error.message).toBe('no (resource https://vault.azure.net, client id c)');
    expect(error).toMatchObject({ ...requested, reason: 'no' });
  });

  test('is bounded and of one line, whatever was asked for', () => {
    const requested = { resource: `a\nb${'x'.repeat(9999)}`, identity: { resourceId: 'y'.repeat(9999) } };
    const { message } = new ImdsError('denied', 'no', { requested });
    expect(message.length).toBeLessThan(600);
    expect(message).not.toContain('\n');
  });

  test('shows in JSON what it says, and nothing else', () => {
    expect(Object.keys(new ImdsError('denied', 'no')).sort()).toEqual([
      'code',
      'description',
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
