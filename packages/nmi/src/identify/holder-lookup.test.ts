import type { Clock } from '@pod-identity/kit/core';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { nothingShown, pod } from '../../test/builders.ts';
import { createHolderLookup, type PodReader } from './holder-lookup.ts';

const nobodyLeaves = new AbortController().signal;
const victim = pod({ uid: 'uid-victim', namespace: 'shop', name: 'till', addresses: ['10.0.1.1'] });
const ending = Array.from({ length: 60 }, (_, index) =>
  pod({
    uid: `uid-${index}`,
    namespace: 'hostile',
    name: `ending-${index}`,
    addresses: [`10.0.0.${index}`],
    isEnding: true,
  }),
);

/** Beside an empty memory. */
const holderLookup = (clock: Clock, apiServer: PodReader) =>
  createHolderLookup(
    {
      clock,
      check: { ageMs: 1_000, outageMs: 900_000 },
      patienceMs: 8_000,
      containers: nothingShown,
      pods: {
        filedUnder: () => [],
        revision: 1,
        othersAwait: () => false,
        isCurrent: () => true,
        lastHeardMs: () => 0,
        missedMs: () => 0,
        ...apiServer,
      },
    },
    () => false,
  );

it('many pods that end, for which the pods of the node are listed, leave others their questions', async () => {
  const clock = createFakeClock();
  const startedAt = clock.elapsed();
  let lists = 0;
  const list = Promise.withResolvers<undefined>();
  const findHolder = holderLookup(clock, {
    read: () => Promise.resolve([victim]),
    readAll: async () => {
      lists += 1;
      await list.promise;
      return [...ending, victim];
    },
  });
  const all = () =>
    ending.map((one) => findHolder(one.addresses[0] ?? '', { kind: 'pod', pod: one }, nobodyLeaves));
  const first = all();
  await clock.advance(1_000);
  const meanwhile = all();
  const asked = findHolder('10.0.1.1', { kind: 'pod', pod: victim }, nobodyLeaves);
  await clock.advance(0);
  await expect(Promise.race([asked, Promise.resolve('waits')])).resolves.toMatchObject({
    result: { kind: 'pod', pod: { uid: 'uid-victim' } },
  });
  list.resolve(undefined);
  const begun = (replies: readonly object[]) =>
    new Set(replies.map((reply) => 'begunAt' in reply && reply.begunAt));
  // One answer for all, and for those who came meanwhile one that was asked for later than they came.
  const [before, after] = [begun(await Promise.all(first)), begun(await Promise.all(meanwhile))];
  expect([before, after]).toEqual([new Set([startedAt]), new Set([startedAt + 1_000])]);
  expect(lists).toBe(2);
});

it('a hundred pods of one namespace, with an API server that is slow, leave a pod of another one its turn', async () => {
  const clock = createFakeClock();
  const begun: string[] = [];
  const findHolder = holderLookup(clock, {
    read: async (named) => {
      begun.push(named.namespace);
      await clock.sleep(2_000);
      return named.namespace === 'shop' ? [victim] : [];
    },
    readAll: () => Promise.resolve([]),
  });
  for (let index = 0; index < 100; index += 1) {
    const address = `10.0.2.${index}`;
    const hostile = pod({
      uid: `uid-h-${index}`,
      namespace: 'hostile',
      name: `h-${index}`,
      addresses: [address],
    });
    void findHolder(address, { kind: 'pod', pod: hostile }, nobodyLeaves);
  }
  await clock.advance(0);
  const asked = findHolder('10.0.1.1', { kind: 'pod', pod: victim }, nobodyLeaves);
  await clock.advance(0);
  expect(begun.filter((namespace) => namespace === 'shop')).toHaveLength(1);
  expect(begun.length).toBeLessThanOrEqual(20);
  await clock.advance(2_000);
  await expect(asked).resolves.toMatchObject({ result: { kind: 'pod', pod: { uid: 'uid-victim' } } });
  await clock.advance(60_000);
  expect(clock.pending).toBe(0);
});
