import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { patient } from '../../test/builders.ts';
import { address, podOf, stage, web } from '../../test/caller-stage.ts';

describe('a caller who waits', () => {
  const waiting = () => {
    const staged = stage({ filed: [web] });
    staged.state.answerMs = 3_000;
    const caller = new AbortController();
    const ask = (deadline = 1e15) =>
      Promise.resolve(staged.find(address, staged.open(), { deadline, caller: { gone: caller.signal } }));
    return { ...staged, ask, caller };
  };

  it('waits at most 8 s for an API server that does not respond, even if --hold is longer', async () => {
    const { ask, clock, state } = waiting();
    state.answerMs = 60_000;
    const asked = ask(clock.now() + 25_000);
    await clock.advance(8_000);
    await expect(asked).resolves.toEqual({ kind: 'unconfirmed', pod: web });
  });

  it('and leaves does not affect another caller from its address', async () => {
    const { ask, call, caller, clock, questions } = waiting();
    const asked = ask();
    const other = call();
    caller.abort();
    await expect(asked).resolves.toEqual({ kind: 'unconfirmed', pod: web });
    await clock.advance(3_000);
    await expect(other).resolves.toEqual(podOf(web));
    expect(questions).toHaveLength(1);
  });

  it('and leaves as the last one ends the search; a later caller does not get its result', async () => {
    const { ask, call, caller, arrive, clock, questions, state } = waiting();
    Object.assign(state, { filed: [], live: [] });
    const asked = ask();
    await clock.advance(1_000);
    caller.abort();
    await expect(asked).resolves.toEqual({ kind: 'none' });
    const later = call();
    await clock.advance(2_000);
    arrive([web]);
    state.live = [web];
    await clock.advance(6_000);
    await expect(later).resolves.toEqual(podOf(web));
    expect(questions).toEqual(['list', 'list']);
    expect(clock.pending).toBe(0);
  });

  it('and leaves while it is held as the only one ends the hold', async () => {
    const { ask, caller, clock, state } = waiting();
    Object.assign(state, { filed: [], live: [], answerMs: 0 });
    const asked = ask();
    await clock.advance(500);
    expect(clock.pending).toBeGreaterThan(0);
    caller.abort();
    await expect(asked).resolves.toEqual({ kind: 'none' });
    await clock.advance(0);
    expect(clock.pending).toBe(0);
  });

  it('and leaves while it is held does not end the hold of another caller from its address', async () => {
    const { ask, call, caller, arrive, clock, state } = waiting();
    Object.assign(state, { filed: [], live: [], answerMs: 0 });
    const asked = ask();
    const other = call();
    await clock.advance(500);
    caller.abort();
    await expect(asked).resolves.toEqual({ kind: 'none' });
    await clock.advance(500);
    state.live = [web];
    arrive([web]);
    await expect(other).resolves.toEqual(podOf(web));
  });

  it('is held for its full time if it comes on an older connection while an abandoned search still runs', async () => {
    const { ask, find, open, caller, arrive, clock, state } = waiting();
    Object.assign(state, { filed: [], live: [] });
    const kept = open();
    const asked = ask();
    await clock.advance(1_000);
    caller.abort();
    await asked;
    const later = Promise.resolve(find(address, kept, patient));
    state.answerMs = 0;
    await clock.advance(3_000);
    state.live = [web];
    arrive([web]);
    await expect(later).resolves.toEqual(podOf(web));
  });

  it('and whose deadline has passed waits for two seconds', async () => {
    for (const overMs of [0, 500]) {
      const { ask, clock, state } = waiting();
      await clock.advance(1_000);
      state.answerMs = 1_999;
      const served = ask(clock.now() - overMs);
      await clock.advance(1_999);
      await expect(served).resolves.toEqual(podOf(web));
      await clock.advance(60_000);
      state.answerMs = 2_001;
      const told = ask(clock.now() - overMs);
      await clock.advance(2_000);
      await expect(told).resolves.toEqual({ kind: 'unconfirmed', pod: web });
    }
  });

  it('has an absolute deadline', async () => {
    const { ask, clock } = waiting();
    await clock.advance(60_000);
    const asked = ask(clock.now() + 1_000);
    await clock.advance(1_000);
    await expect(asked).resolves.toEqual({ kind: 'unconfirmed', pod: web });
  });

  it('and has left already gets its result at once', async () => {
    const { ask, caller } = waiting();
    caller.abort();
    await expect(ask()).resolves.toEqual({ kind: 'unconfirmed', pod: web });
  });

  it('leaves no listener on its connection', async () => {
    const { ask, caller, clock } = waiting();
    const asked = ask();
    await clock.advance(3_000);
    await expect(asked).resolves.toEqual(podOf(web));
    expect(getEventListeners(caller.signal, 'abort')).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('gets its result at its deadline, even while it waits for the end of an abandoned search', async () => {
    const { ask, find, open, caller, clock, state } = waiting();
    Object.assign(state, { filed: [], live: [] });
    const asked = ask();
    await clock.advance(1_000);
    caller.abort();
    await asked;
    const deadline = clock.elapsed() + 1_000;
    const later = Promise.resolve(find(address, open(), { ...patient, deadline }));
    await clock.advance(1_000);
    await expect(later).resolves.toEqual({ kind: 'none' });
    await clock.advance(60_000);
  });
});
