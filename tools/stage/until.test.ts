import type { KubeRequest, KubeTransport } from '@pod-identity/kit/kube';
import { expect, test } from 'vitest';
import { untilNone, untilObject } from './until.ts';

const path = '/api/v1/pods';
const query = { labelSelector: 'component=nmi' };

const aborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    const fail = () => reject(new Error('the watch was aborted'));
    if (signal.aborted) fail();
    signal.addEventListener('abort', fail);
  });

/** A collection of two pods that never changes. */
function createUnchanged() {
  const asked: KubeRequest[] = [];
  const kube = {
    request: (request: KubeRequest) => {
      asked.push(request);
      const items = ['a', 'b'].map((name) => ({ metadata: { name } }));
      return Promise.resolve({ items, metadata: { resourceVersion: '1' } });
    },
    watch: ({ signal }: KubeRequest) => ({
      [Symbol.asyncIterator]: () => ({ next: () => aborted(signal!) }),
    }),
  } as unknown as KubeTransport;
  return { kube, asked };
}

test('objects that stay are named at the deadline', async () => {
  const { kube } = createUnchanged();
  const waiting = untilNone(kube, { path, withinMs: 5, fits: () => true });
  await expect(waiting).rejects.toThrow(`still in ${path}: a, b`);
});

test.each([untilNone, untilObject])('the caller’s reason ends the wait unchanged: %o', async (wait) => {
  const { kube } = createUnchanged();
  const caller = new AbortController();
  const fits = () => wait === untilNone;
  const waiting = wait(kube, { path, fits, signal: caller.signal });
  const reason = new Error('Ctrl-C');
  caller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
});

test('what is told at the deadline is of the objects that were awaited', async () => {
  const { kube, asked } = createUnchanged();
  const waiting = untilObject(kube, { path, query, withinMs: 5, fits: () => false });
  await expect(waiting).rejects.toThrow('there are 2: "a", "b"');
  expect(asked.map((request) => request.query)).toEqual([query, query]);
  expect(asked.at(-1)?.signal?.aborted).toBe(false);
});
