import { KubeError, type KubeErrorCode, type Taint } from '@pod-identity/kit/kube';
import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, expect, it } from 'vitest';
import { keepStartupTaintOff, type StartupTaintOptions } from './startup-taint.ts';

const key = 'aadpodidentity.k8s.io/nmi-not-ready';
const ours: Taint = { key, effect: 'NoSchedule' };
const others: Taint[] = [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }];

const stops: AbortController[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop.abort()));

const stage = async (given: { taints: readonly Taint[]; problems?: readonly string[] }) => {
  const clock = createFakeClock();
  const lines: string[] = [];
  const calls: string[] = [];
  const state = {
    taints: given.taints,
    version: 1,
    problems: given.problems ?? [],
    failures: [] as KubeErrorCode[],
    beforeReplace: () => undefined as unknown,
  };
  const fail = () => {
    const code = state.failures.shift();
    if (code) throw new KubeError(code, 'said no');
  };
  const options: StartupTaintOptions = {
    key,
    clock,
    problems: () => Promise.resolve(state.problems),
    log: createLog({ component: 'nmi', destination: { write: (line) => lines.push(line) } }),
    node: {
      read: async () => {
        calls.push('read');
        await Promise.resolve();
        fail();
        return { uid: 'node', taints: state.taints, resourceVersion: String(state.version) };
      },
      replace: async ({ taints, resourceVersion }) => {
        calls.push('replace');
        state.beforeReplace();
        await Promise.resolve();
        fail();
        if (resourceVersion !== String(state.version)) throw new KubeError('conflict', 'changed');
        Object.assign(state, { taints, version: state.version + 1 });
      },
    },
  };
  const stop = new AbortController();
  stops.push(stop);
  const kept = keepStartupTaintOff(options, stop.signal);
  await clock.advance(0);
  return { clock, state, calls, lines, stop, kept };
};

it('item 17: the taint stays until all is well, then goes, and the others stay', async () => {
  const { clock, state, calls } = await stage({
    taints: [...others, ours, { ...ours, effect: 'NoExecute' }],
    problems: ['a request to the metadata service from this node does not get here'],
  });
  await clock.advance(10 * 60_000);
  expect([state.taints.length, calls]).toEqual([3, []]);
  state.problems = [];
  await clock.advance(1_000);
  expect(state.taints).toEqual(others);
});

it('item 17: a node without the taint is left alone, and looked at once a minute', async () => {
  const { clock, calls } = await stage({ taints: others });
  await clock.advance(10 * 60_000);
  expect(calls).toEqual(Array.from({ length: 11 }, () => 'read'));
});

it('item 17: a Node object that was made anew has it again, and loses it again', async () => {
  const { clock, state } = await stage({ taints: [ours] });
  expect(state.taints).toEqual([]);
  Object.assign(state, { taints: [ours], version: 100 });
  await clock.advance(60_000);
  expect(state.taints).toEqual([]);
});

it('what somebody else changes in between is kept', async () => {
  const { clock, state } = await stage({ taints: [ours], problems: ['not yet'] });
  state.beforeReplace = () => {
    state.beforeReplace = () => undefined;
    Object.assign(state, { taints: [...others, ours], version: 2 });
  };
  state.problems = [];
  await clock.advance(1_000);
  expect(state.taints).toEqual(others);
});

it('a right that is missing is said once, with the rule that gives it, and nothing else stops', async () => {
  const { clock, state, lines } = await stage({ taints: [ours], problems: ['not yet'] });
  state.failures = Array.from({ length: 5 }, () => 'denied' as const);
  state.problems = [];
  await clock.advance(1_000 + 4 * 60_000);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('verbs get and patch on nodes');
  await clock.advance(60_000);
  expect(state.taints).toEqual([]);
});

it('an API server that is away is asked again', async () => {
  const { clock, state, lines } = await stage({ taints: [ours], problems: ['not yet'] });
  state.failures = ['unavailable', 'transport'];
  state.problems = [];
  await clock.advance(1_000 + 2 * 60_000);
  expect([state.taints, lines.length]).toEqual([[], 3]);
});

it('ends when told to', async () => {
  const { kept, stop, clock } = await stage({ taints: [] });
  stop.abort();
  await expect(kept).resolves.toBeUndefined();
  expect(clock.pending).toBe(0);
});
