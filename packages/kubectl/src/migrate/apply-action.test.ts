import { createFakeClock } from '@pod-identity/kit/testing';
import { KubeError, type KubeTransport } from '@pod-identity/kit/kube';
import { expect, test } from 'vitest';
import type { Session } from '../cli/command.ts';
import { applyAction } from './apply-action.ts';
import type { Right } from './plan.ts';

const right: Right = {
  subject: { namespace: 'pay', name: 'web' },
  target: { resource: 'managedidentities', names: ['/subscriptions/s'] },
};

/** Starts to grant the right, against an API server that responds to reviews by the list, and then by its last entry. */
async function granting(reviews: readonly (boolean | KubeError)[]) {
  const clock = createFakeClock(0);
  const left = [...reviews];
  const kube: KubeTransport = {
    server: 'https://api.test',
    close: () => Promise.resolve(),
    watch: () => {
      throw new Error('not used');
    },
    request: async () => {
      await Promise.resolve();
      const response = left.length > 1 ? left.shift() : left[0];
      if (response instanceof KubeError) throw response;
      return { kind: 'SubjectAccessReview', spec: {}, status: { allowed: response } };
    },
  };
  const session = { kube, clock, signal: new AbortController().signal } as unknown as Session;
  const ended = applyAction(
    { kind: 'write', writes: [], rights: [right] },
    { session, isAzRun: false, notify: () => undefined },
  );
  const how = ended.then(
    () => 'granted',
    (error: unknown) => String(error),
  );
  for (let seconds = 0; seconds < 70; seconds += 1) await clock.advance(1_000);
  return how;
}

const silent = new KubeError('unavailable', 'no answer in time');

test('a right counts as granted when the API server says so, and not while it says nothing', async () => {
  expect(await granting([false, true])).toBe('granted');
  expect(await granting([silent, true])).toBe('granted');
  expect(await granting([silent])).toMatch(
    /the API server does not say whether ServiceAccount pay\/web has the right on \/subscriptions\/s: no answer in time/,
  );
  expect(await granting([false])).toMatch(/ServiceAccount pay\/web still lacks the right/);
});
