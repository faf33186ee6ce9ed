// How long a request waits and what it is told in the end, at the default settings and with verdicts that expire.
import { describe, expect, it } from 'vitest';
import { binding, identity, record, type World } from '../../test/builders.ts';
import { holdMs, startWaiting } from '../../test/waiting-stage.ts';

const reader = identity({ name: 'reader' });
const writer = identity({ name: 'writer' });
const bound: World = { identities: [reader, writer], bindings: [binding('reader')] };
const ready: World = { ...bound, records: [record(reader, 'Assigned'), record(writer, 'Assigned')] };

describe('a request that waits until the end of its hold', () => {
  it.each(['namespace', 'rbac'] as const)(
    'gets the token of an identity on the machine while MIC is away, in mode %s',
    async (mode) => {
      const { clock, state, ask } = startWaiting({ world: bound, mode });
      state.allowed = new Set(['reader']);
      const end = ask();
      await clock.advance(holdMs + 1_000);
      expect(end).toMatchObject({ outcome: { kind: 'token', identity: 'default/reader' } });
      expect(end.afterMs).toBeLessThan(holdMs + 1_000);
    },
  );

  it('gets the token of an identity that is assigned in the last moment, although its verdict has expired', async () => {
    const { clock, state, cluster, ask } = startWaiting({ world: bound });
    state.allowed = new Set(['reader']);
    const end = ask();
    await clock.advance(holdMs - 1);
    cluster.change(ready);
    await clock.advance(1_000);
    expect(end.outcome).toMatchObject({ kind: 'token' });
  });

  it('gets the token that the metadata service returns after the hold, although the verdict has expired', async () => {
    const { clock, state, ask } = startWaiting({ world: ready });
    state.allowed = new Set(['reader']);
    state.isAttached = () => false;
    const end = ask();
    await clock.advance(16_000);
    state.isAttached = () => true;
    state.tokenMs = holdMs;
    await clock.advance(40_000);
    expect(end.outcome).toMatchObject({ kind: 'token' });
    expect(end.afterMs).toBeGreaterThan(holdMs);
  });

  it('is refused if the right has been withdrawn meanwhile', async () => {
    const { clock, state, asked, ask } = startWaiting({ world: bound });
    state.allowed = new Set(['reader']);
    const end = ask();
    await clock.advance(1_000);
    state.allowed = new Set();
    await clock.advance(holdMs);
    expect(end.outcome).toMatchObject({ kind: 'denied', denial: { why: 'access-denied' } });
    expect(asked).toEqual([]);
  });

  it('gets its token where the API server takes seconds, and is told that it does not answer only where that is so', async () => {
    const { clock, state, ask } = startWaiting({ world: bound });
    state.allowed = new Set(['reader']);
    const end = ask();
    await clock.advance(1_000);
    // A review takes 5 s at most, with a wait of 4 s for its turn before.
    state.reviewMs = 4_900;
    await clock.advance(holdMs + 9_000);
    expect(end.outcome).toMatchObject({ kind: 'token' });
    state.api = 'hangs';
    await clock.advance(3_600_000);
    const unanswered = ask();
    await clock.advance(holdMs + 9_000);
    expect(unanswered.outcome).toEqual({
      kind: 'access-unanswered',
      pod: 'default/web',
      identity: 'default/reader',
    });
  });
});
