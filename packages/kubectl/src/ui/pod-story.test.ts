import type { KubeTransport } from '@pod-identity/kit/kube';
import { expect, test } from 'vitest';
import { readEvents } from './pod-story.ts';

/** An API server with endless Events of a pod. */
function createFlood() {
  let pages = 0;
  const kube = {
    request: () => {
      if ((pages += 1) > 100) throw new Error('the list does not end');
      const items = Array.from({ length: 500 }, (_, at) => ({
        reason: 'Forged',
        message: 'm'.repeat(1_000),
        lastTimestamp: new Date(at).toISOString(),
      }));
      return Promise.resolve({ metadata: { resourceVersion: '1', continue: 'next' }, items });
    },
  };
  return { kube: kube as unknown as KubeTransport, pages: () => pages };
}

test('attack: of endless Events about a pod some are read, and the story says so', async () => {
  const { kube, pages } = createFlood();
  const { signal } = new AbortController();
  const { events, unknown } = await readEvents({ kube, signal }, { namespace: 'shop', name: 'web-0' });
  expect([events.length, events[0]?.time]).toEqual([20, '1970-01-01T00:00:00.499Z']);
  expect(unknown).toEqual(['only 5000 events were read: there are more']);
  expect(pages()).toBe(11);
});
