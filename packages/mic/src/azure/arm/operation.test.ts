import { createFakeClock } from '@pod-identity/kit/testing';
import { describe, expect, it } from 'vitest';
import type { ArmResponse } from './arm-client.ts';
import { classify, type ArmFailure, type ArmResult } from './arm-errors.ts';
import { followOperation } from './operation.ts';

const running = (retryAfter?: string): ArmResult<ArmResponse> => ({
  ok: true,
  value: { status: 200, body: { status: 'InProgress' }, retryAfter },
});
const ended = (status: string, error?: object): ArmResult<ArmResponse> => ({
  ok: true,
  value: { status: 200, body: { status, error } },
});
const failed = (failure: ArmFailure): ArmResult<ArmResponse> => ({ ok: false, failure });
const started: ArmResponse = {
  status: 202,
  body: undefined,
  asyncOperation: 'https://arm/operations/1',
  location: 'https://arm/monitor/1',
};

/** Follows until the polls are used up; returns the end and the times of the polls. */
async function follow(first: ArmResponse, polls: readonly ArmResult<ArmResponse>[], limitMs = 300_000) {
  const clock = createFakeClock();
  const rest = [...polls];
  const at: number[] = [];
  const urls = new Set<string>();
  const end = followOperation(first, {
    clock,
    random: () => 0,
    signal: new AbortController().signal,
    limitMs,
    onPoll: () => undefined,
    client: {
      send: ({ url }) => {
        at.push(clock.now());
        urls.add(url);
        return Promise.resolve(rest.shift() ?? running());
      },
    },
  });
  await clock.advance(limitMs);
  return { end: await end, at, urls: [...urls] };
}

describe('a long-running operation', () => {
  it('is over at once if the response has no URL of an operation', async () => {
    expect(await follow({ status: 200, body: {} }, [])).toMatchObject({
      end: { ok: true, value: 'immediate' },
      at: [],
    });
  });

  it('is followed by Azure-AsyncOperation first, at growing intervals', async () => {
    const { end, at, urls } = await follow(started, [running(), running(), running(), ended('Succeeded')]);
    expect(end).toEqual({ ok: true, value: 'followed' });
    expect(urls).toEqual([started.asyncOperation]);
    expect(at).toEqual([100, 300, 700, 1500]);
  });

  it('waits for Retry-After before every poll', async () => {
    const { at } = await follow({ ...started, retryAfter: '10' }, [
      running('20'),
      running('0'),
      ended('Succeeded'),
    ]);
    expect(at).toEqual([10_000, 30_000, 30_400]);
  });

  it('is followed by Location, where 202 means in progress', async () => {
    const by = { ...started, asyncOperation: undefined };
    const { end, urls } = await follow(by, [
      { ok: true, value: { status: 202, body: undefined } },
      { ok: true, value: { status: 200, body: {} } },
    ]);
    expect(end.ok).toBe(true);
    expect(urls).toEqual([started.location]);
  });

  it('that failed under Location ends with the first response that reports it', async () => {
    const by = { ...started, asyncOperation: undefined };
    const internal = { status: 409, body: { error: { code: 'InternalExecutionError', message: 'x' } } };
    const { end, at } = await follow(by, [failed(classify(internal, 0))]);
    expect(end).toMatchObject({ ok: false, failure: { kind: 'unavailable' } });
    expect(at).toHaveLength(1);
    const gateway = failed(classify({ status: 502, body: undefined }, 0));
    const done: ArmResult<ArmResponse> = { ok: true, value: { status: 200, body: {} } };
    expect((await follow(by, [gateway, done])).end).toMatchObject({ ok: true });
  });

  it('continues despite polls that are throttled or fail', async () => {
    const throttled = failed({ kind: 'throttled', message: '', retryAfterMs: 60_000, scope: 'host' });
    const down = failed({ kind: 'unavailable', message: '', retryAfterMs: 5000 });
    const { end, at } = await follow(started, [throttled, down, ended('Succeeded')]);
    expect(end.ok).toBe(true);
    expect(at).toEqual([100, 60_100, 65_100]);
  });

  it.each([
    ['Failed', { code: 'OperationPreempted', message: 'x' }, { kind: 'busy', retryAfterMs: 0 }],
    ['failed', { code: 'FailedIdentityOperation', message: 'x' }, { kind: 'rejected' }],
    ['Canceled', undefined, { kind: 'failed' }],
  ])('ends as %s with %j', async (status, error, failure) => {
    expect((await follow(started, [ended(status, error)])).end).toMatchObject({ ok: false, failure });
  });

  it('whose record has expired is checked on the host', async () => {
    const { end } = await follow(started, [failed({ kind: 'gone', message: 'no such operation' })]);
    expect(end).toMatchObject({ failure: { kind: 'unavailable', retryAfterMs: 0 } });
  });

  it('that never ends is no longer polled', async () => {
    const { end, at } = await follow(started, [], 60_000);
    expect(end).toMatchObject({ failure: { kind: 'busy', retryAfterMs: 30_000 } });
    expect(Math.max(...at)).toBeLessThanOrEqual(60_000);
  });
});
