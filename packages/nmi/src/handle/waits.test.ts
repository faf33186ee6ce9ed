// How long a request waits and what it is told in the end, at the default settings and with verdicts that expire.
import { describe, expect, it } from 'vitest';
import { binding, clientIdOf, identity, pod as podOf, record, type World } from '../../test/builders.ts';
import { bindingGraceMs, holdMs, startWaiting } from '../../test/waiting-stage.ts';
import type { Selector } from '../request/token-request.ts';

const reader = identity({ name: 'reader' });
const writer = identity({ name: 'writer' });
const bound: World = { identities: [reader, writer], bindings: [binding('reader')] };
/** The same, when MIC has written the records. */
const ready: World = { ...bound, records: [record(reader, 'Assigned'), record(writer, 'Assigned')] };
const both: World = { ...ready, bindings: [binding('reader'), binding('writer')] };
const fresh = { acceptedAt: 0 };
/** While objects or rights are missing. */
const shortMs = 6_000;
const client = (name: string): Selector => ({ by: 'client-id', value: clientIdOf(name) });

describe('a request that may have to wait until the end of its hold', () => {
  it.each(['namespace', 'rbac'] as const)(
    'gets the token of an identity on the machine while MIC is away, in mode %s',
    async (mode) => {
      const { clock, state, ask } = startWaiting({ world: bound, mode });
      state.allowed = new Set(['reader']);
      const end = ask();
      await clock.advance(1_000);
      expect(end).toMatchObject({ outcome: { kind: 'token', identity: 'default/reader' } });
    },
  );

  it('gets the token of an identity that is assigned in the last moment, although its verdict has expired', async () => {
    const { clock, state, cluster, ask } = startWaiting({ world: bound });
    state.allowed = new Set(['reader']);
    state.isAttached = () => false;
    const end = ask();
    await clock.advance(holdMs - 1);
    state.isAttached = () => true;
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
    state.isAttached = () => false;
    const end = ask();
    await clock.advance(1_000);
    state.allowed = new Set();
    // Until the verdict has expired.
    await clock.advance(15_000);
    const before = asked.length;
    state.isAttached = () => true;
    await clock.advance(holdMs);
    expect(end.outcome).toMatchObject({ kind: 'denied', denial: { why: 'access-denied' } });
    expect(asked).toHaveLength(before);
  });

  it('gets its token where the API server takes seconds, and is told that it does not answer only where that is so', async () => {
    const { clock, state, ask } = startWaiting({ world: bound });
    state.allowed = new Set(['reader']);
    state.isAttached = () => false;
    const end = ask();
    await clock.advance(15_000);
    state.isAttached = () => true;
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

describe('a fresh pod without the right to its identity', () => {
  it('gets its token with the request during which the right is granted', async () => {
    const { clock, state, ask } = startWaiting({ world: ready, ...fresh });
    const end = ask();
    await clock.advance(2_000);
    state.allowed = new Set(['reader']);
    await clock.advance(shortMs);
    expect(end.outcome).toMatchObject({ kind: 'token', identity: 'default/reader' });
    expect(end.afterMs).toBeLessThan(shortMs + 500);
  });

  it('waits for its assignment when it has the right', async () => {
    const { clock, cluster, state, ask } = startWaiting({ world: bound, ...fresh });
    state.isAttached = () => false;
    const end = ask();
    await clock.advance(2_000);
    state.allowed = new Set(['reader']);
    await clock.advance(18_000);
    expect(end.outcome).toBeUndefined();
    state.isAttached = () => true;
    cluster.change(ready);
    await clock.advance(1_000);
    expect(end.outcome).toMatchObject({ kind: 'token' });
  });

  it.each<[string, Selector]>([
    ['any identity', { by: 'nothing' }],
    ['its client id', client('reader')],
  ])(
    'is told the right and to try again within the grace, and refused after it, by %s',
    async (_, selector) => {
      const { clock, ask } = startWaiting({ world: ready, ...fresh });
      const first = ask({ selector });
      await clock.advance(shortMs + 500);
      expect(first.outcome).toMatchObject({
        kind: 'not-assigned',
        seen: 'unbound',
        denial: { why: 'access-denied', identity: 'default/reader' },
      });
      await clock.advance(bindingGraceMs - shortMs - 2_500);
      const last = ask({ selector });
      await clock.advance(3_000);
      expect(last.outcome).toMatchObject({ kind: 'denied', denial: { why: 'access-denied' } });
      const old = ask({ selector });
      await clock.advance(300);
      expect(old.outcome).toMatchObject({ kind: 'denied', denial: { why: 'access-denied' } });
    },
  );

  it('is served another identity at once that it may use, also when that is bound later', async () => {
    const { clock, state, cluster, ask } = startWaiting({ world: both, ...fresh });
    state.allowed = new Set(['writer']);
    const first = ask();
    await clock.advance(300);
    expect(first.outcome).toMatchObject({ kind: 'token', identity: 'default/writer' });
    cluster.change(ready);
    const second = ask();
    await clock.advance(1_000);
    expect(second.outcome).toBeUndefined();
    cluster.change(both);
    await clock.advance(300);
    expect(second.outcome).toMatchObject({ kind: 'token', identity: 'default/writer' });
  });

  it('that another namespace offers an identity gets it when the right comes', async () => {
    const offer = identity({
      name: 'offer',
      namespace: 'data',
      spec: { allowedNamespaces: { names: ['default'] } },
    });
    const { clock, state, ask } = startWaiting({
      ...fresh,
      world: {
        identities: [offer],
        bindings: [binding('offer', { namespace: 'data' })],
        records: [record(offer, 'Assigned')],
        namespaces: [
          {
            name: 'default',
            labels: { 'identities-from.aadpodidentity.k8s.io/data': 'true' },
            access: undefined,
          },
        ],
      },
    });
    const end = ask();
    await clock.advance(2_000);
    state.allowed = new Set(['offer']);
    await clock.advance(shortMs);
    expect(end.outcome).toMatchObject({ kind: 'token', identity: 'data/offer' });
  });

  it('costs two reviews of its right for all requests that wait together, and one every five seconds at most', async () => {
    const { clock, reviews, ask } = startWaiting({ world: ready, ...fresh });
    const ends = Array.from({ length: 500 }, () => ask());
    await clock.advance(shortMs + 500);
    expect(ends.every(({ outcome }) => outcome?.kind === 'not-assigned')).toBe(true);
    const names = new Set(reviews.map(({ name }) => name));
    expect(reviews).toHaveLength(2 * names.size);
    for (let second = 0; second < 40; second += 1) {
      ask();
      await clock.advance(1_000);
    }
    for (const name of names) {
      const times = reviews.filter((one) => one.name === name).map(({ at }) => at);
      const pauses = times.slice(1).map((at, index) => at - (times[index] ?? 0));
      expect(Math.min(...pauses)).toBeGreaterThanOrEqual(5_000);
    }
  });
});

describe('a request of a fresh pod', () => {
  const unlabelled = podOf({ labels: { aadpodidbinding: 'wrong' }, acceptedAt: 1_000_000 });
  it.each<[string, World, Parameters<ReturnType<typeof startWaiting>['ask']>[0]]>([
    ['with a label that no binding has', ready, { pod: unlabelled }],
    ['with a client id that none of its identities has', ready, { selector: client('writer') }],
    ['whose AzureIdentity does not exist', { bindings: [binding('reader')] }, {}],
  ])('%s is told so after six seconds, with 503', async (_, world, asked) => {
    const { clock, state, ask } = startWaiting({ world, mode: 'namespace', ...fresh });
    state.pod = asked?.pod ?? state.pod;
    const end = ask(asked);
    await clock.advance(holdMs);
    expect(end).toMatchObject({ outcome: { kind: 'not-assigned', seen: 'unbound' }, afterMs: shortMs });
  });

  it('waits the whole hold for MIC when its binding comes within these six seconds', async () => {
    const { clock, cluster, state, ask } = startWaiting({ world: {}, mode: 'namespace', ...fresh });
    state.isAttached = () => false;
    const end = ask();
    await clock.advance(shortMs - 500);
    cluster.change(bound);
    await clock.advance(holdMs - shortMs);
    expect(end.outcome).toBeUndefined();
    await clock.advance(1_000);
    expect(end).toMatchObject({ outcome: { kind: 'not-assigned', seen: 'unattached' } });
  });
});

it.each<{ change: string; before: World; after: World; denial: object }>([
  {
    change: 'of another identity comes',
    before: {},
    after: { ...bound, bindings: [binding('writer')] },
    denial: { why: 'not-this-identity' },
  },
  {
    change: 'names another identity, and had no right',
    before: bound,
    after: { ...bound, bindings: [binding('writer')] },
    denial: { why: 'not-this-identity' },
  },
  {
    change: 'is deleted',
    before: bound,
    after: { ...bound, bindings: [] },
    denial: { why: 'no-binding' },
  },
])(
  'a request of a fresh pod whose hold ends first is told the reason of that moment: its binding $change',
  async ({ before, after, denial }) => {
    const { clock, cluster, ask } = startWaiting({ world: before, ...fresh });
    const end = ask({ selector: client('reader'), receivedAt: clock.elapsed() - holdMs + 3_000 });
    await clock.advance(1_000);
    cluster.change(after);
    await clock.advance(3_000);
    expect(end).toMatchObject({ outcome: { kind: 'not-assigned', seen: 'unbound', denial }, afterMs: 3_000 });
  },
);

it('a request waits no longer when the clock of the node is set back meanwhile', async () => {
  const stage = startWaiting({ world: { identities: [reader] }, mode: 'namespace', ...fresh });
  const { clock, cluster, state, ask } = stage;
  const now = clock.now.bind(clock);
  let setBackMs = 0;
  clock.now = () => now() - setBackMs;
  state.isAttached = () => false;
  const end = ask();
  await clock.advance(2_000);
  setBackMs = 30_000;
  await clock.advance(1_000);
  cluster.change(bound);
  await clock.advance(holdMs - 2_000);
  expect(end.outcome).toMatchObject({ kind: 'not-assigned', seen: 'unattached' });
});

it('attack: a client that gives up after 2.1 s shortens no later wait of its pod', async () => {
  const { clock, state, ask } = startWaiting({ world: bound, mode: 'namespace' });
  state.isAttached = () => false;
  const caller = new AbortController();
  ask({ gone: caller.signal, receivedAt: clock.elapsed() });
  await clock.advance(2_100);
  caller.abort();
  await clock.advance(0);
  const end = ask({ receivedAt: clock.elapsed() });
  await clock.advance(holdMs + 100);
  expect(end.outcome).toMatchObject({ kind: 'not-assigned' });
  expect(end.afterMs).toBeGreaterThanOrEqual(holdMs);
});
