// What the terminating pods of a node cost the API server, and what they cost other pods.
import { createFakeClock, type FakeClock } from '@pod-identity/kit/testing';
import { describe, expect, it } from 'vitest';
import { connection, nothingKnown, patient, pod } from '../../test/builders.ts';
import { createCallerFinder, type CallerFinder } from './find-caller.ts';
import { othersAwait } from './identify-pod.ts';
import type { PodView } from './pod-view.ts';

const listMs = 30;
const terminating = (namespace: string, count: number): PodView[] =>
  Array.from({ length: count }, (_, n) =>
    pod({
      uid: `${namespace}-${n}`,
      namespace,
      name: `old-${n}`,
      addresses: [`10.${namespace.length}.0.${n}`],
      isEnding: true,
    }),
  );
const hostile = terminating('hostile', 60);
const [victim = pod()] = terminating('shop', 1);
const newcomer = pod({ uid: 'newcomer', name: 'newcomer', addresses: ['10.9.9.9'] });

interface Given {
  /** What the API server has: default `filed`. */
  readonly live?: readonly PodView[];
  /** Of which pods it shows running containers. */
  readonly running?: ReadonlySet<string>;
}

/** A node whose watch has delivered `filed`. */
const node = (clock: FakeClock, filed: readonly PodView[], given: Given = {}) => {
  const { live = filed } = given;
  const lists: number[] = [];
  const finder = createCallerFinder({
    clock,
    check: { ageMs: 1_000, outageMs: 900_000 },
    holdMs: 2_000,
    patienceMs: 6_000,
    neighbours: nothingKnown,
    containers: {
      of: ({ uid }) => (given.running ? (given.running.has(uid) ? 'running' : 'none') : 'unknown'),
    },
    pods: {
      filedUnder: (address) => filed.filter(({ addresses }) => addresses.includes(address)),
      revision: 1,
      othersAwait: (uid) => othersAwait(filed, uid, 0),
      isCurrent: () => true,
      lastHeardMs: () => 0,
      missedMs: () => 0,
      read: ({ namespace, name }) =>
        Promise.resolve(live.filter((each) => each.namespace === namespace && each.name === name)),
      readAll: async () => {
        lists.push(clock.elapsed());
        await clock.sleep(listMs);
        return live;
      },
      changes: { subscribe: () => () => undefined },
    },
  });
  return { finder, lists };
};

/** Calls over a new connection as soon as the last call is answered. */
const callAllTheTime = (finder: CallerFinder, clock: FakeClock, callers: readonly PodView[]) => {
  for (const [index, { addresses }] of callers.entries()) {
    const again = async (): Promise<void> => {
      await finder.find(addresses[0] ?? '', connection(clock.elapsed()), patient);
      await clock.sleep(20);
      return again();
    };
    clock.after(17 * index, () => void again());
  }
};

it('60 terminating pods of one namespace cause eight lists of the node’s pods, and then one a second', async () => {
  const clock = createFakeClock();
  const { finder, lists } = node(clock, hostile);
  callAllTheTime(finder, clock, hostile);
  await clock.advance(10_000);
  expect(lists.length).toBeLessThanOrEqual(18);
});

it('meanwhile a terminating pod of another namespace and an unknown address are answered by the next list', async () => {
  const clock = createFakeClock();
  const filed = [...hostile, victim];
  const { finder, lists } = node(clock, filed, { live: [...filed, newcomer] });
  callAllTheTime(finder, clock, hostile);
  await clock.advance(9_500);
  for (const { addresses, uid } of [victim, newcomer]) {
    const before = lists.length;
    const found = Promise.resolve(finder.find(addresses[0] ?? '', connection(clock.elapsed()), patient));
    await clock.advance(1_100);
    await expect(found).resolves.toMatchObject({ kind: 'pod', pod: { uid } });
    expect(lists.length - before).toBeLessThanOrEqual(2);
  }
});

describe('beside a pod that never gets an address, since its volume is missing', () => {
  const [old = pod()] = terminating('shop', 1);
  const [address = ''] = old.addresses;
  const stuck = pod({ uid: 'stuck', namespace: 'hostile', name: 'stuck', phase: 'Pending', addresses: [] });
  const callTimes = async (count: number, finder: CallerFinder, clock: FakeClock) => {
    const kinds: string[] = [];
    for (let n = 0; n < count; n += 1) {
      const found = Promise.resolve(finder.find(address, connection(clock.elapsed()), patient));
      await clock.advance(2_000);
      kinds.push((await found).kind);
    }
    return kinds;
  };

  it('a terminating pod is served over every new connection while its containers run, and no list is needed', async () => {
    const clock = createFakeClock();
    const kernel = { running: new Set([old.uid]) };
    const { finder, lists } = node(clock, [old, stuck], kernel);
    expect(await callTimes(15, finder, clock)).toEqual(Array.from({ length: 15 }, () => 'pod'));
    expect(lists).toEqual([]);
    kernel.running.clear();
    expect(await callTimes(1, finder, clock)).toEqual(['unconfirmed']);
  });

  it('a terminating pod is not served when its containers have stopped within a second of a confirmation', async () => {
    const clock = createFakeClock();
    const kernel = { running: new Set([old.uid]) };
    const { finder } = node(clock, [old, stuck], kernel);
    const find = async () => finder.find(address, connection(clock.elapsed()), patient);
    await expect(find()).resolves.toMatchObject({ kind: 'pod' });
    kernel.running.clear();
    await clock.advance(100);
    await expect(find()).resolves.toMatchObject({ kind: 'unconfirmed' });
  });
});
