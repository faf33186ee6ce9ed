import { createFakeClock } from '@pod-identity/kit/testing';
import { describe, expect, it } from 'vitest';
import { pod } from '../../test/builders.ts';
import type { CheckResult } from './ask-holder.ts';
import { createCallerFinder } from './find-caller.ts';
import type { PodCheck } from './findings.ts';
import type { PodView } from './pod-view.ts';

const address = '10.0.0.1';
const web = pod();
const heir = pod({ uid: 'uid-heir', name: 'heir', labels: { aadpodidbinding: 'of-the-heir' } });
const ending = { ...web, isEnding: true };

interface Given {
  /** What memory holds. */
  readonly filed?: readonly PodView[];
  /** What the API server has; undefined: it does not answer. */
  readonly live?: readonly PodView[] | undefined;
  readonly isCurrent?: boolean;
  readonly check?: Partial<PodCheck>;
  readonly holdMs?: number;
}

/** Memory, an API server that may say something else, and every question that is put to it. */
const stage = (given: Given = {}) => {
  const state = {
    filed: given.filed ?? [],
    live: 'live' in given ? given.live : (given.filed ?? []),
    isCurrent: given.isCurrent ?? true,
    revision: 1,
    isAway: false,
    answerMs: 0,
  };
  const listeners = new Set<() => void>();
  const questions: string[] = [];
  const results: CheckResult[] = [];
  const clock = createFakeClock();
  const answer = async (question: string, select: (live: readonly PodView[]) => readonly PodView[]) => {
    questions.push(question);
    if (state.answerMs > 0) await clock.sleep(state.answerMs);
    state.isAway = state.live === undefined;
    return state.live && select(state.live);
  };
  const find = createCallerFinder({
    clock,
    check: { mode: 'live', ageMs: 1_000, ...given.check },
    holdMs: given.holdMs ?? 2_000,
    patienceMs: 8_000,
    onChecked: (result) => results.push(result),
    pods: {
      filedUnder: () => state.filed,
      get revision() {
        return state.revision;
      },
      isCurrent: () => state.isCurrent,
      isAway: () => state.isAway,
      read: ({ namespace, name }) => {
        const key = `${namespace}/${name}`;
        return answer(`get ${key}`, (live) => live.filter((each) => each.key === key));
      },
      lookUp: () => answer('list', (live) => live.filter(({ addresses }) => addresses.includes(address))),
      changes: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
  });
  const arrive = (filed: readonly PodView[]) => {
    Object.assign(state, { filed, revision: state.revision + 1 });
    for (const listener of [...listeners]) listener();
  };
  /** One request; of a connection that is opened now unless told otherwise. */
  const call = (connectedAt = clock.elapsed()) => find(address, connectedAt);
  /** Many at once, each over a connection of its own. */
  const calls = (count: number) => Promise.all(Array.from({ length: count }, async () => call()));
  return { call, calls, find, clock, state, arrive, questions, results };
};

const podOf = (name: PodView) => ({ kind: 'pod', pod: name });

describe('a pod that memory names', () => {
  it('is asked for once by its name; then its connection is its own for ever', async () => {
    const { call, clock, questions, results } = stage({ filed: [web] });
    await expect(call(0)).resolves.toEqual(podOf(web));
    expect(call(0)).toEqual(podOf(web));
    await clock.advance(3_600_000);
    expect(call(0)).toEqual(podOf(web));
    expect([questions, results]).toEqual([['get default/web'], ['confirmed']]);
  });

  it('the answer for a connection that is known is the same object, and no promise', async () => {
    const { call } = stage({ filed: [web] });
    await call(0);
    expect(call(0)).toBe(call(0));
  });

  it('a confirmation is good for other connections for a second', async () => {
    const { call, clock, questions } = stage({ filed: [web] });
    await call();
    await clock.advance(999);
    expect(call()).toEqual(podOf(web));
    await clock.advance(1);
    await expect(call()).resolves.toEqual(podOf(web));
    expect(questions).toHaveLength(2);
  });

  it('500 connections at once are one question', async () => {
    const { calls, questions } = stage({ filed: [web] });
    expect(new Set(await calls(500))).toEqual(new Set([podOf(web)]));
    expect(questions).toHaveLength(1);
  });

  it('its labels are those that the watch told last', async () => {
    const { call, arrive } = stage({ filed: [web] });
    await call();
    const relabelled = { ...web, labels: {} };
    arrive([relabelled]);
    expect(call()).toEqual(podOf(relabelled));
  });

  it('no earlier confirmation serves a new connection when the machine’s clock was set back in between', async () => {
    const { call, clock, questions } = stage({ filed: [web] });
    await clock.advance(3_600_000);
    await call();
    clock.now = () => 0;
    await clock.advance(1_000);
    await call();
    expect(questions).toHaveLength(2);
  });
});

describe('item 13: an address that is another pod’s by now, which the watch has not told', () => {
  it.each<[string, readonly PodView[]]>([
    ['the old pod is gone', [heir]],
    ['the old pod has finished', [{ ...web, phase: 'Succeeded' }, heir]],
    ['the old pod ends', [ending, heir]],
    ['the old pod’s name is used again', [{ ...heir, name: 'web', key: 'default/web' }]],
    ['the old pod has another address', [{ ...web, addresses: ['10.0.0.9'] }, heir]],
  ])('%s: the new one is served by its own labels', async (_, live) => {
    const { call, questions, results } = stage({ filed: [web], live });
    await expect(call()).resolves.toMatchObject({
      kind: 'pod',
      pod: { uid: heir.uid, labels: heir.labels },
    });
    expect([questions, results]).toEqual([['get default/web', 'list'], ['moved']]);
  });

  it('the watch tells: what was confirmed before is void at once', async () => {
    const { call, arrive, state, questions } = stage({ filed: [web] });
    await call(0);
    state.live = [heir];
    arrive([heir]);
    await expect(call(0)).resolves.toEqual(podOf(heir));
    expect(questions).toEqual(['get default/web', 'get default/heir']);
  });

  it('nobody has it: the caller is held, and served when its pod is told of and confirmed', async () => {
    const { call, clock, arrive, state } = stage({ filed: [web], live: [] });
    const found = call();
    await clock.advance(500);
    state.live = [heir];
    arrive([heir]);
    await expect(found).resolves.toEqual(podOf(heir));
  });

  it('a pod that the watch tells of late, when it is gone again, is not served either', async () => {
    const { call, clock, arrive } = stage({ filed: [web], live: [] });
    const found = call();
    await clock.advance(500);
    arrive([heir]);
    await clock.advance(1_500);
    await expect(found).resolves.toEqual({ kind: 'none' });
  });

  it('a connection that is opened while a question about the one before it is under way waits for the next', async () => {
    const { call, clock, state, questions } = stage({ filed: [web], check: { ageMs: 0 } });
    state.answerMs = 100;
    const first = call();
    await clock.advance(50);
    const second = call();
    await clock.advance(51);
    await expect(first).resolves.toEqual(podOf(web));
    state.live = [heir];
    await clock.advance(300);
    await expect(second).resolves.toEqual(podOf(heir));
    expect(questions).toEqual(['get default/web', 'get default/web', 'list']);
  });

  it('two live pods have it: nobody is served, and the API server is not asked again and again', async () => {
    const { call, questions } = stage({
      filed: [web],
      live: [{ ...web, isEnding: true }, heir, pod({ uid: 'third' })],
    });
    await expect(call()).resolves.toMatchObject({ kind: 'ambiguous' });
    expect(call()).toMatchObject({ kind: 'ambiguous' });
    expect(questions).toEqual(['get default/web', 'list']);
  });
});

describe('a pod that ends', () => {
  it('is served while it lives: its last tasks may need a token', async () => {
    const { call, questions } = stage({ filed: [web], live: [ending] });
    await expect(call()).resolves.toMatchObject({ kind: 'pod', pod: { uid: web.uid } });
    expect(questions).toEqual(['get default/web', 'list']);
  });

  it('and known to end is asked for by its address, where a newer one may be', async () => {
    const { call, questions } = stage({ filed: [ending], live: [ending, heir] });
    await expect(call()).resolves.toEqual(podOf(heir));
    expect(questions).toEqual(['list']);
  });

  it('but not when its containers have stopped', async () => {
    const { call, clock } = stage({ filed: [ending], live: [{ ...ending, isStopped: true }] });
    const found = call();
    await clock.advance(2_000);
    await expect(found).resolves.toEqual({ kind: 'none' });
  });
});

describe('an address that memory does not know', () => {
  it('item 14: is asked for, once for all who call from it', async () => {
    const { calls, questions } = stage({ live: [web] });
    expect(new Set(await calls(3))).toEqual(new Set([podOf(web)]));
    expect(questions).toEqual(['list']);
  });

  it('C13 holds a caller whose pod arrives meanwhile, and no longer', async () => {
    const { call, arrive, clock, state } = stage({ live: [] });
    const found = call();
    await clock.advance(500);
    state.live = [web];
    arrive([web]);
    await expect(found).resolves.toEqual(podOf(web));
    expect(clock.now()).toBe(500);
  });

  it('is given up after the hold', async () => {
    const { call, clock } = stage({ live: [] });
    const found = call();
    await clock.advance(2_000);
    await expect(found).resolves.toEqual({ kind: 'none' });
  });

  it('item 13: of two pods that memory holds live the API server may know one only', async () => {
    await expect(stage({ filed: [web, heir] }).call()).resolves.toMatchObject({ kind: 'ambiguous' });
    await expect(stage({ filed: [web, heir], live: [heir] }).call()).resolves.toEqual(podOf(heir));
  });
});

describe('while the watch is silent', () => {
  it('item 14: memory is not enough for old connections either: labels may have changed', async () => {
    const { call, clock, state, questions } = stage({ filed: [web] });
    await call(0);
    const relabelled = { ...web, labels: {} };
    Object.assign(state, { isCurrent: false, live: [relabelled] });
    await clock.advance(1_000);
    await expect(call(0)).resolves.toEqual(podOf(relabelled));
    expect(questions).toHaveLength(2);
  });

  it('a remembered pod that the API server does not have is gone', async () => {
    const { call, clock } = stage({ filed: [web], live: [], isCurrent: false });
    const found = call();
    await clock.advance(2_000);
    await expect(found).resolves.toEqual({ kind: 'none' });
  });
});

describe('while the API server is away', () => {
  it('for ten minutes memory is believed, with one question now and then', async () => {
    const { call, calls, clock, state, results } = stage({ filed: [web] });
    await call(0);
    state.live = undefined;
    for (let minute = 0; minute < 10; minute += 1) {
      await clock.advance(60_000);
      state.isAway = false;
      expect(new Set(await calls(20))).toEqual(new Set([podOf(web)]));
      // From then on nobody waits for an answer.
      expect(call()).toEqual(podOf(web));
    }
    expect(results.filter((result) => result === 'unanswered')).toHaveLength(10);
  });

  it('strict: a pod is not served before it is confirmed, and its old connection goes on', async () => {
    const { call, clock, state } = stage({ filed: [web], check: { mode: 'strict' } });
    await call(0);
    state.live = undefined;
    await clock.advance(1_000);
    await expect(call()).resolves.toEqual({ kind: 'unconfirmed', pod: web });
    expect(call(0)).toEqual(podOf(web));
  });

  it('what it said last goes before what memory has', async () => {
    const { call, clock, state } = stage({ filed: [web], live: [heir] });
    await call();
    Object.assign(state, { live: undefined, isAway: true });
    await clock.advance(5_000);
    expect(call()).toEqual(podOf(heir));
  });

  it('a pod that it has just refuted is not believed in, though nobody says who came after it', async () => {
    const { call, state, clock } = stage({ filed: [web], live: [heir] });
    state.answerMs = 10;
    const found = call();
    await clock.advance(10);
    state.live = undefined;
    await clock.advance(10);
    await expect(found).resolves.toEqual({ kind: 'unconfirmed', pod: web });
    await clock.advance(5_000);
    expect(call()).toEqual({ kind: 'unconfirmed', pod: web });
  });

  it('an unknown caller may still be told of by the watch', async () => {
    const { call, arrive } = stage({ live: undefined });
    const found = call();
    arrive([web]);
    await expect(found).resolves.toEqual(podOf(web));
  });
});

describe('off', () => {
  it('memory is believed without a question', () => {
    const { call, questions } = stage({ filed: [web], live: [heir], check: { mode: 'off' } });
    expect(call()).toEqual(podOf(web));
    expect(questions).toEqual([]);
  });

  it('and so is what it learns while a caller is held', async () => {
    const { call, arrive, questions } = stage({ live: [], check: { mode: 'off' } });
    const found = call();
    await Promise.resolve();
    arrive([web]);
    await expect(found).resolves.toEqual(podOf(web));
    expect(questions).toEqual(['list']);
  });
});

it('one pod’s question does not hold up another’s, and 1,000 addresses are asked after in good order', async () => {
  const { find, clock, state, questions } = stage({ filed: [web], live: [web] });
  state.answerMs = 10;
  const addresses = Array.from({ length: 1_000 }, (_, n) => `10.0.${n >> 8}.${n & 255}`);
  const answers = addresses.map(async (each) => find(each, clock.now()));
  await clock.advance(500);
  // 250 at once, 250 a second.
  expect(questions.length).toBeGreaterThan(250);
  expect(questions.length).toBeLessThanOrEqual(375);
  await clock.advance(10_000);
  await Promise.all(answers);
});
