import { describe, expect, test } from 'vitest';
import { asKubeError, KubeError, errorOf, watchEventError } from './errors.ts';

describe('a refusal', () => {
  test.each([
    [400, 'BadRequest', 'invalid'],
    [401, 'Unauthorized', 'unauthorized'],
    [403, 'Forbidden', 'denied'],
    [404, 'NotFound', 'not-found'],
    [405, 'MethodNotAllowed', 'invalid'],
    [408, 'Timeout', 'unavailable'],
    [409, 'Conflict', 'conflict'],
    [409, 'AlreadyExists', 'already-exists'],
    [410, 'Gone', 'gone'],
    [410, 'Expired', 'gone'],
    [415, 'UnsupportedMediaType', 'invalid'],
    [422, 'Invalid', 'invalid'],
    [429, 'TooManyRequests', 'throttled'],
    [500, 'InternalError', 'unavailable'],
    [503, 'ServiceUnavailable', 'unavailable'],
    [504, 'Timeout', 'unavailable'],
  ])('with %d %s is %s', (status, reason, code) => {
    const error = errorOf({ status, body: { kind: 'Status', reason, message: 'because' } });
    expect(error).toMatchObject({ name: 'KubeError', code, status, reason, message: 'because' });
  });

  test('has the time of the retry, from the header or the body', () => {
    const body = { details: { retryAfterSeconds: 7 } };
    expect(errorOf({ status: 429, body, retryAfter: '3' }).retryAfterMs).toBe(3000);
    expect(errorOf({ status: 429, body }).retryAfterMs).toBe(7000);
    expect(errorOf({ status: 429, body: {}, retryAfter: 'Wed, 21 Oct 2015' }).retryAfterMs).toBeUndefined();
  });

  test.each([undefined, null, 'text', [], { message: 5 }])(
    'with the body %j is still told by its status',
    (body) => {
      expect(errorOf({ status: 404, body })).toMatchObject({
        code: 'not-found',
        message: 'API server answered 404',
      });
    },
  );
});

describe('a watch event', () => {
  test('of type ERROR becomes the error that it contains', () => {
    const event = {
      type: 'ERROR',
      object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' },
    };
    expect(watchEventError(event)).toMatchObject({ code: 'gone', status: 410, message: 'too old' });
    expect(watchEventError({ type: 'ERROR' })).toMatchObject({ code: 'unavailable' });
  });

  test.each([{ type: 'ADDED', object: {} }, null, 'ERROR', {}])('%j is none', (event) => {
    expect(watchEventError(event)).toBeUndefined();
  });
});

describe('any thrown value', () => {
  test('becomes aborted if the signal aborted, else a KubeError unchanged, else transport', () => {
    const own = new KubeError('conflict', 'x');
    expect(asKubeError(own)).toBe(own);
    expect(asKubeError(new Error('refused'))).toMatchObject({ code: 'transport', message: 'refused' });
    expect(asKubeError('odd')).toMatchObject({ code: 'transport', message: 'odd' });
    expect(asKubeError(own, AbortSignal.abort('stop'))).toMatchObject({ code: 'aborted', cause: 'stop' });
    expect(asKubeError(own, new AbortController().signal)).toBe(own);
  });
});
