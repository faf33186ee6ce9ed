import { expect, it } from 'vitest';
import { pauseMs, quarantineMs } from './pauses.ts';

const [second, minute] = [1_000, 60_000];
const row = (failure: Parameters<typeof pauseMs>[0]) => [1, 2, 3, 20].map((n) => pauseMs(failure, n, 0.5));

it.each([
  ['is unavailable', { kind: 'unavailable' }, [5 * second, 10 * second, 20 * second, minute]],
  ['is changed by somebody else', { kind: 'busy' }, [2 * second, 4 * second, 8 * second, 45 * second]],
  ['is refused to MIC', { kind: 'denied' }, [5 * second, 10 * second, 20 * second, 10 * minute]],
  ['is throttled', { kind: 'throttled' }, [minute, 2 * minute, 4 * minute, 10 * minute]],
  [
    'failed to be updated',
    { kind: 'failed', late: true as const },
    [5 * second, 10 * second, 20 * second, 5 * minute],
  ],
])('a host that %s is left alone for longer each time', (_, failure, expected) => {
  expect(row(failure)).toEqual(expected);
});

it.each([
  [{ kind: 'unavailable', retryAfterMs: 90 * second }, 90 * second],
  [{ kind: 'unavailable', retryAfterMs: second }, 5 * second],
  [{ kind: 'busy', retryAfterMs: 90 * second }, 90 * second],
  [{ kind: 'busy', retryAfterMs: 0 }, 2 * second],
  [{ kind: 'throttled', retryAfterMs: second }, second],
  [{ kind: 'failed', late: true as const, retryAfterMs: 90 * second }, 90 * second],
  [{ kind: 'failed', late: true as const, retryAfterMs: second }, 5 * second],
])('what Azure asks for counts: %j', (failure, expected) => {
  expect(pauseMs(failure, 1, 0.5)).toBe(expected);
});

it('a refused id is left alone for a minute, doubling up to an hour, a tenth more or less by chance', () => {
  expect([1, 2, 7, 30].map((failures) => quarantineMs(failures, 0.5))).toEqual([
    ...[minute, 2 * minute, 60 * minute, 60 * minute],
  ]);
  expect([quarantineMs(1, 0), quarantineMs(1, 1)]).toEqual([54 * second, 66 * second]);
});
