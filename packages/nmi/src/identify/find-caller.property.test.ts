// Random histories of pods that take and leave addresses, a watch that lags behind them, and callers in between.
import { createFakeClock, type FakeClock } from '@pod-identity/kit/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { pod } from '../../test/builders.ts';
import { createCallerFinder } from './find-caller.ts';
import type { CallerAnswer, PodCheck } from './findings.ts';
import { identifyPod } from './identify-pod.ts';
import type { PodView } from './pod-view.ts';

const addresses = ['10.0.0.1', '10.0.0.2'];
type State = readonly PodView[];

/** What may happen to the pods. Names are used again, addresses too; uids are not. */
type Deed =
  | { readonly kind: 'start'; readonly name: number; readonly address: number }
  | { readonly kind: 'finish' | 'end' | 'delete'; readonly name: number };

const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({ kind: fc.constant('start' as const), name: fc.nat(2), address: fc.nat(1) }),
  fc.record({ kind: fc.constantFrom('finish', 'end', 'delete'), name: fc.nat(2) }),
);

interface Moment {
  readonly pauseMs: number;
  readonly deed: Deed | undefined;
  /** Whose address calls then, be it over a new connection or over the last one. */
  readonly caller: number;
  readonly isNew: boolean;
}

const moment: fc.Arbitrary<Moment> = fc.record({
  pauseMs: fc.nat(400),
  deed: fc.option(deed, { nil: undefined }),
  caller: fc.nat(1),
  isNew: fc.boolean(),
});

interface History {
  readonly moments: readonly Moment[];
  /** How far behind the watch is, how long a question takes to get there and how long its answer back. */
  readonly lagMs: number;
  readonly thereMs: number;
  readonly backMs: number;
}

const history: fc.Arbitrary<History> = fc.record({
  moments: fc.array(moment, { minLength: 1, maxLength: 25 }),
  lagMs: fc.nat(2_000),
  thereMs: fc.nat(150),
  backMs: fc.nat(150),
});

/**
 * What the deed makes of the pods. An address is given away only when the pod before is known to end or to have ended:
 * the kubelet says so before the network may use the address again.
 */
function after(state: State, what: Deed, uid: string): State {
  const name = `pod-${what.name}`;
  const others = state.filter((each) => each.name !== name);
  if (what.kind === 'start') {
    const started = pod({ uid, name, addresses: [addresses[what.address] ?? ''], labels: { of: uid } });
    const isTaken = state.some(
      (each) => each.addresses[0] === started.addresses[0] && each.phase === 'Running' && !each.isEnding,
    );
    return isTaken || others.length < state.length ? state : [...state, started];
  }
  if (what.kind === 'delete') return others;
  const change = what.kind === 'end' ? { isEnding: true } : { phase: 'Succeeded' };
  return state.map((each) => (each.name === name ? { ...each, ...change } : each));
}

/** The cluster: every state with the time from which on it was true. */
const createWorld = (clock: FakeClock) => {
  const states: { readonly at: number; readonly state: State }[] = [{ at: 0, state: [] }];
  const now = () => states.at(-1)?.state ?? [];
  return {
    now,
    change: (what: Deed) =>
      states.push({ at: clock.now(), state: after(now(), what, `uid-${states.length}`) }),
    /** Who had the address at each state that was true between the two; undefined where nobody or several had it. */
    ownersBetween: (address: string, from: number, to: number): (string | undefined)[] => {
      const during = states.filter(
        ({ at }, index) => at <= to && (states[index + 1]?.at ?? Infinity) >= from,
      );
      return during.map(({ state }) => {
        const owner = identifyPod(
          state.filter(({ addresses: own }) => own.includes(address)),
          0,
        );
        return owner.kind === 'pod' ? owner.pod.uid : undefined;
      });
    },
  };
};

interface Seen {
  readonly address: string;
  readonly connectedAt: number;
  readonly answeredAt: number;
  readonly answer: CallerAnswer;
}

async function play(told: History, check: PodCheck) {
  const clock = createFakeClock();
  const world = createWorld(clock);
  const memory = { state: [] as State, revision: 0 };
  const listeners = new Set<() => void>();
  const watch = (state: State) => {
    Object.assign(memory, { state, revision: memory.revision + 1 });
    for (const listener of [...listeners]) listener();
  };
  const ask = async (select: (each: PodView) => boolean) => {
    await clock.sleep(told.thereMs);
    const said = world.now().filter(select);
    await clock.sleep(told.backMs);
    return said;
  };
  const find = createCallerFinder({
    ...{ clock, check, holdMs: 1_000, patienceMs: 8_000 },
    pods: {
      filedUnder: (address) => memory.state.filter((each) => each.addresses.includes(address)),
      get revision() {
        return memory.revision;
      },
      isCurrent: () => true,
      isAway: () => false,
      read: ({ namespace, name }) => ask((each) => each.key === `${namespace}/${name}`),
      lookUp: (address) => ask((each) => each.addresses.includes(address)),
      changes: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
  });

  const seen: Seen[] = [];
  const calls: Promise<void>[] = [];
  const call = async (address: string, connectedAt: number) => {
    const answer = await find(address, connectedAt);
    seen.push({ address, connectedAt, answeredAt: clock.now(), answer });
  };
  const connections = new Map<string, number>();
  for (const { pauseMs, deed: what, caller, isNew } of told.moments) {
    await clock.advance(pauseMs);
    if (what) {
      world.change(what);
      const state = world.now();
      clock.after(told.lagMs, () => watch(state));
    }
    const address = addresses[caller] ?? '';
    const connectedAt = isNew ? clock.now() : (connections.get(address) ?? clock.now());
    connections.set(address, connectedAt);
    calls.push(call(address, connectedAt));
  }
  await clock.advance(60_000);
  await Promise.all(calls);
  return { seen, world };
}

it.each([0, 300])(
  'item 13: a caller is only ever taken for a pod that had the address when it called, %d ms aside',
  async (ageMs) => {
    await fc.assert(
      fc.asyncProperty(history, async (told) => {
        const { seen, world } = await play(told, { mode: 'live', ageMs });
        expect(seen).toHaveLength(told.moments.length);
        for (const { address, connectedAt, answeredAt, answer } of seen) {
          if (answer.kind !== 'pod') continue;
          const owners = world.ownersBetween(address, connectedAt - ageMs, answeredAt);
          expect(owners).toContain(answer.pod.uid);
          expect(answer.pod.labels).toEqual({ of: answer.pod.uid });
        }
      }),
      { numRuns: 300 },
    );
  },
  60_000,
);

it('and a pod that has its address for itself all the time is served', async () => {
  const ageMs = 300;
  await fc.assert(
    fc.asyncProperty(history, async (told) => {
      const { seen, world } = await play(told, { mode: 'live', ageMs });
      for (const { address, connectedAt, answeredAt, answer } of seen) {
        const owners = new Set(world.ownersBetween(address, connectedAt - ageMs, answeredAt));
        const [owner] = owners;
        if (owners.size === 1 && owner !== undefined)
          expect(answer).toMatchObject({ kind: 'pod', pod: { uid: owner } });
      }
    }),
    { numRuns: 300 },
  );
}, 60_000);
