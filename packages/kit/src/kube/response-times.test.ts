import { expect, it } from 'vitest';
import { createFakeClock } from '../testing/index.ts';
import { noteResponses } from './response-times.ts';
import { KubeError } from './errors.ts';
import type { KubeTransport } from './transport.ts';

const get = { method: 'GET', path: '/api' } as const;

const noted = (given: Partial<KubeTransport>) => {
  const clock = createFakeClock();
  const transport: KubeTransport = {
    request: () => Promise.resolve({}),
    watch: async function* () {
      yield* await Promise.resolve([]);
    },
    server: 'https://server.test',
    close: () => Promise.resolve(),
    ...given,
  };
  return { clock, transport: noteResponses(transport, clock) };
};

const failing = (error: Error) => ({ request: () => Promise.reject(error) });

it('is Infinity before the first response', () => {
  expect(noted({}).transport.lastResponseMs()).toBe(Infinity);
});

it('counts from the last response', async () => {
  const { clock, transport } = noted({});
  await expect(transport.request(get)).resolves.toEqual({});
  await clock.advance(3_000);
  expect(transport.lastResponseMs()).toBe(3_000);
});

it('a refusal is a response, and reaches the caller', async () => {
  const { transport } = noted(failing(new KubeError('throttled', 'slow down', { status: 429 })));
  await expect(transport.request(get)).rejects.toThrow('slow down');
  expect(transport.lastResponseMs()).toBe(0);
});

it.each([
  ['no connection', new KubeError('transport', 'ECONNREFUSED')],
  ['a fault of our own', new TypeError('a bug')],
])('%s is no answer', async (_, error) => {
  const { transport } = noted(failing(error));
  await expect(transport.request(get)).rejects.toBe(error);
  expect(transport.lastResponseMs()).toBe(Infinity);
});

it('an accepted or refused watch is a response, and so is each event', async () => {
  const refusal = new KubeError('unavailable', 'no', { status: 503 });
  const { clock, transport } = noted({
    async *watch({ onOpen }) {
      await clock.sleep(1_000);
      onOpen?.();
      await clock.sleep(1_000);
      yield { type: 'BOOKMARK' };
      await clock.sleep(1_000);
      throw refusal;
    },
  });
  const opened: number[] = [];
  const following = (async () => {
    const events: unknown[] = [];
    const onOpen = () => opened.push(transport.lastResponseMs());
    for await (const event of transport.watch({ ...get, onOpen })) events.push(event);
    return events;
  })();
  const ended = expect(following).rejects.toBe(refusal);
  const ages: number[] = [];
  for (let second = 0; second < 3; second += 1) {
    await clock.advance(1_000);
    ages.push(transport.lastResponseMs());
    await clock.advance(1);
  }
  await ended;
  expect(opened).toEqual([0]);
  expect(ages.every((ms) => ms <= 2)).toBe(true);
});
