import { KubeError, type KubeRequest, type KubeTransport } from '@pod-identity/kit/kube';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import { createFakeLog } from '../../apply/test/fake-log.ts';
import { createTrims } from '../trims.ts';
import { createLabelMemory } from './label-memory.ts';
import { PodFeed } from './pod-feed.ts';

const podOf = (name: string) => ({
  metadata: { namespace: 'shop', name, uid: name, resourceVersion: '1', labels: { app: name } },
  spec: { nodeName: 'node-0', serviceAccountName: 'front' },
  status: { phase: 'Running' },
});
const gone = new KubeError('gone', 'the continue token is too old');

/** A list in two pages whose second one fails, and then one of pod `b` alone; watches stay open. */
function createServer(): KubeTransport {
  let lists = 0;
  return {
    server: '',
    close: () => Promise.resolve(),
    request: ({ query }: KubeRequest) => {
      if (query?.['continue'] !== undefined) return Promise.reject(gone);
      lists += 1;
      const items = (lists === 1 ? ['a', 'b'] : ['b']).map(podOf);
      return Promise.resolve({
        items,
        metadata: { resourceVersion: '7', ...(lists === 1 && { continue: 'x' }) },
      });
    },
    async *watch({ signal, onOpen }) {
      onOpen?.();
      await new Promise((resolve) => signal?.addEventListener('abort', resolve, { once: true }));
      yield* [];
    },
  };
}

test('a pod that only a list that failed had takes no room for labels after a complete list', async () => {
  const clock = createFakeClock();
  const room = createLabelMemory();
  const tools = { transport: createServer(), clock, random: () => 0, log: createFakeLog() };
  const rest = { trims: createTrims(), room, onListed: () => undefined, onChange: () => undefined };
  const feed = new PodFeed({ ...tools, ...rest }, 'namespace', ['shop']);
  const ending = new AbortController();
  const running = feed.run(ending.signal);
  await clock.advance(60_000);
  expect(feed.pods('shop').map(({ name }) => name)).toEqual(['b']);
  const one = createLabelMemory();
  one.open(() => undefined).fit(feed.pods('shop')[0]!, '1');
  expect(room.used()).toBe(one.used());
  ending.abort();
  await running;
});
