// A caller finder between memory, an API server and a kernel, each of which says what a test has it say.
import { createFakeClock } from '@pod-identity/kit/testing';
import type { PodCheck, NoResponse } from '../src/identify/results.ts';
import type { CheckResult } from '../src/identify/holder-lookup.ts';
import { createCallerFinder, type CallerFinder } from '../src/identify/find-caller.ts';
import { othersAwait } from '../src/identify/identify-pod.ts';
import type { PodView } from '../src/identify/pod-view.ts';
import type { RunningContainers } from '../src/identify/running-containers.ts';
import { connection, patient, pod } from './builders.ts';

export const address = '10.0.0.1';
export const web = pod();
export const heir = pod({ uid: 'uid-heir', name: 'heir', labels: { aadpodidbinding: 'of-the-heir' } });
export const ending = { ...web, isEnding: true };

interface Given {
  /** What memory holds. */
  readonly filed?: readonly PodView[];
  /** What the API server has; undefined: it does not answer. */
  readonly live?: readonly PodView[] | undefined;
  readonly isCurrent?: boolean;
  readonly check?: Partial<PodCheck>;
  readonly holdMs?: number;
  readonly neighbour?: string;
}

/** Memory, an API server that may say something else, and every question that is put to it. */
export const stage = (given: Given = {}) => {
  const state = {
    filed: given.filed ?? [],
    live: 'live' in given ? given.live : (given.filed ?? []),
    isCurrent: given.isCurrent ?? true,
    revision: 1,
    heardMs: 0,
    missedMs: 0,
    answerMs: 0,
    neighbour: given.neighbour,
    /** What the kernel shows of the containers of every pod. */
    shown: 'unknown' as ReturnType<RunningContainers['of']>,
    /** Without answer: what came instead. */
    unsaid: { why: 'away', pauseMs: 1_000 } as NoResponse,
  };
  const listeners = new Set<() => void>();
  const questions: string[] = [];
  const results: CheckResult[] = [];
  /** The pods whose containers the kernel was asked about. */
  const looks: string[] = [];
  const clock = createFakeClock();
  const answer = async (question: string, select: (live: readonly PodView[]) => readonly PodView[]) => {
    questions.push(question);
    if (state.answerMs > 0) await clock.sleep(state.answerMs);
    return state.live ? select(state.live) : state.unsaid;
  };
  const callers = createCallerFinder({
    clock,
    check: { ageMs: 1_000, outageMs: 900_000, ...given.check },
    holdMs: given.holdMs ?? 2_000,
    patienceMs: 6_000,
    onChecked: (result) => results.push(result),
    neighbours: { of: () => state.neighbour },
    containers: {
      of: ({ uid }) => {
        looks.push(uid);
        return state.shown;
      },
    },
    pods: {
      filedUnder: (asked) => state.filed.filter(({ addresses }) => addresses.includes(asked)),
      get revision() {
        return state.revision;
      },
      othersAwait: (uid) => othersAwait(state.filed, uid, 0),
      isCurrent: () => state.isCurrent,
      lastHeardMs: () => state.heardMs,
      missedMs: () => state.missedMs,
      read: ({ namespace, name }) => {
        const key = `${namespace}/${name}`;
        return answer(`get ${key}`, (live) => live.filter((each) => each.key === key));
      },
      readAll: () => answer('list', (live) => live),
      changes: {
        subscribe: (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
    },
  });
  const arrive = (filed: readonly PodView[]) => {
    Object.assign(state, { filed, revision: state.revision + 1 });
    for (const listener of [...listeners]) listener();
  };
  /** One request, over a connection that is opened now. */
  const call = (over = open()) => callers.find(address, over, patient);
  const open = () => connection(clock.elapsed(), state.neighbour);
  /** Many at once, each over a connection of its own. */
  const calls = (count: number) => Promise.all(Array.from({ length: count }, async () => call()));
  const find: CallerFinder['find'] = (...given) => callers.find(...given);
  return { call, calls, open, find, clock, state, arrive, questions, results, looks };
};

export const podOf = (name: PodView) => ({ kind: 'pod', pod: name });
