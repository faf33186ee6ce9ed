import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { TokenError, type TokenErrorCode } from '../errors.ts';
import type { ReadSecret } from './secret-reader.ts';
import { createSecretMemory } from './secret-memory.ts';

const reference = { namespace: 'shop', name: 'app' };
const secret = (version: string): ReadSecret => ({
  version,
  data: new Map([['clientSecret', Buffer.from(version)]]),
});
const failure = (code: TokenErrorCode) => new TokenError(code, code);

/** An API server that has this Secret, or fails in this way. */
const stage = (first: ReadSecret | Error = secret('1')) => {
  const clock = createFakeClock(1_000_000);
  const state = { answer: first, reads: [] as string[] };
  const changed: string[] = [];
  const memory = createSecretMemory({
    clock,
    reader: {
      read: async ({ namespace, name }) => {
        state.reads.push(`${namespace}/${name}`);
        await Promise.resolve();
        if (state.answer instanceof Error) throw state.answer;
        return state.answer;
      },
    },
    onChanged: ({ namespace, name }) => changed.push(`${namespace}/${name}`),
  });
  const versionNow = async (of = reference) =>
    memory.current(of).then(
      ({ version }) => version,
      (error: unknown) => (error instanceof TokenError ? error.code : String(error)),
    );
  return { clock, state, changed, memory, versionNow };
};

it('is read once for half a minute, however many ask', async () => {
  const { clock, state, versionNow, changed } = stage();
  expect(await Promise.all([versionNow(), versionNow()])).toEqual(['1', '1']);
  await clock.advance(29_999);
  expect(await versionNow()).toBe('1');
  expect(state.reads).toEqual(['shop/app']);
  await clock.advance(1);
  expect(await versionNow()).toBe('1');
  expect([state.reads.length, changed]).toEqual([2, []]);
});

it('each Secret is read for itself', async () => {
  const { state, versionNow } = stage();
  await versionNow();
  await versionNow({ namespace: 'shop', name: 'other' });
  await versionNow({ namespace: 'other', name: 'app' });
  expect(state.reads).toEqual(['shop/app', 'shop/other', 'other/app']);
});

it('is the same value as long as its version is, so that a certificate is not read anew', async () => {
  const { clock, state, memory } = stage();
  const first = await memory.current(reference);
  state.answer = secret('1');
  await clock.advance(30_000);
  expect(await memory.current(reference)).toBe(first);
});

it('that has changed is told of once, and the new value counts', async () => {
  const { clock, state, versionNow, changed } = stage();
  await versionNow();
  state.answer = secret('2');
  await clock.advance(30_000);
  expect(await versionNow()).toBe('2');
  await clock.advance(30_000);
  expect(await versionNow()).toBe('2');
  expect(changed).toEqual(['shop/app']);
});

it('is as it was while the API server is away, and asked for again after half a minute', async () => {
  const { clock, state, versionNow, changed } = stage();
  await versionNow();
  state.answer = failure('unavailable');
  await clock.advance(30_000);
  expect([await versionNow(), await versionNow()]).toEqual(['1', '1']);
  expect(state.reads).toHaveLength(2);
  state.answer = secret('2');
  await clock.advance(30_000);
  expect(await versionNow()).toBe('2');
  expect(changed).toEqual(['shop/app']);
});

it('that was never read is not there while the API server is away, and asked for again at once', async () => {
  const { state, versionNow } = stage(failure('unavailable'));
  expect([await versionNow(), await versionNow()]).toEqual(['unavailable', 'unavailable']);
  state.answer = secret('1');
  expect(await versionNow()).toBe('1');
  expect(state.reads).toHaveLength(3);
});

it('that is missing is looked for every five seconds', async () => {
  const { clock, state, versionNow, changed } = stage(failure('misconfigured'));
  expect(await versionNow()).toBe('misconfigured');
  state.answer = secret('1');
  await clock.advance(4_999);
  expect(await versionNow()).toBe('misconfigured');
  await clock.advance(1);
  expect(await versionNow()).toBe('1');
  expect([state.reads.length, changed]).toEqual([2, []]);
});

it('that is gone, or may not be read any more, is forgotten at once and told of', async () => {
  const { clock, state, versionNow, changed } = stage();
  await versionNow();
  state.answer = failure('misconfigured');
  await clock.advance(30_000);
  expect(await versionNow()).toBe('misconfigured');
  expect(changed).toEqual(['shop/app']);
  state.answer = failure('unavailable');
  await clock.advance(5_000);
  // What it was before is not believed any more.
  expect(await versionNow()).toBe('unavailable');
});

it('that is there again after a failure is served without delay', async () => {
  const { clock, state, versionNow } = stage(failure('misconfigured'));
  await versionNow();
  state.answer = secret('1');
  await clock.advance(5_000);
  await versionNow();
  clock.now = () => 1_000_000;
  // The failure is forgotten, also by a clock that is set back.
  expect(await versionNow()).toBe('1');
});

it('other faults are thrown on, and no old value is given out for them', async () => {
  const { clock, state, versionNow } = stage();
  await versionNow();
  state.answer = new TypeError('a bug');
  await clock.advance(30_000);
  expect(await versionNow()).toBe('TypeError: a bug');
  state.answer = failure('denied');
  expect(await versionNow()).toBe('denied');
});

it('a check reads a known Secret that is old, and nobody waits for it', async () => {
  const { clock, state, memory, versionNow, changed } = stage();
  memory.check(reference);
  expect(state.reads).toEqual([]);
  await versionNow();
  memory.check(reference);
  expect(state.reads).toHaveLength(1);
  state.answer = secret('2');
  await clock.advance(30_000);
  memory.check(reference);
  await clock.advance(0);
  expect([state.reads.length, changed]).toEqual([2, ['shop/app']]);
  state.answer = failure('unavailable');
  await clock.advance(30_000);
  memory.check(reference);
  await clock.advance(0);
  expect(await versionNow()).toBe('2');
});

it('that is of no use any more is forgotten, others are kept', async () => {
  const { state, memory, versionNow } = stage();
  const other = { namespace: 'shop', name: 'other' };
  await versionNow();
  await versionNow(other);
  memory.forget(reference);
  memory.check(reference);
  await versionNow(other);
  expect(state.reads).toHaveLength(2);
  await versionNow();
  expect(state.reads).toHaveLength(3);
});

it('of failures a bounded number is remembered: one more evicts the oldest alone', async () => {
  const { state, versionNow } = stage(failure('misconfigured'));
  const named = (n: number) => ({ namespace: 'shop', name: `missing-${n}` });
  for (let n = 0; n < 500; n += 1) await versionNow(named(n));
  await versionNow(named(0));
  expect(state.reads).toHaveLength(500);
  await versionNow(named(500));
  await versionNow(named(500));
  expect(state.reads).toHaveLength(501);
  await versionNow(named(1));
  expect(state.reads).toHaveLength(501);
  await versionNow(named(0));
  expect(state.reads).toHaveLength(502);
});

const large = (version: string): ReadSecret => ({
  version,
  data: new Map([['clientSecret', Buffer.alloc(1024 * 1024, version)]]),
});

it('attack: a namespace with many Secrets of 1 MiB loses its own first, of which tokens are forgotten too; that of another is kept', async () => {
  const { state, memory, changed, versionNow } = stage();
  const victim = { namespace: 'bank', name: 'app' };
  await versionNow(victim);
  state.answer = large('1');
  const hostile = Array.from({ length: 10 }, (_, n) => ({ namespace: 'hostile', name: `s${n}` }));
  for (const one of hostile) await versionNow(one);
  expect(memory.has(victim)).toBe(true);
  expect(hostile.filter((one) => memory.has(one)).map(({ name }) => name)).toEqual(['s7', 's8', 's9']);
  expect(changed).toEqual(['s0', 's1', 's2', 's3', 's4', 's5', 's6'].map((name) => `hostile/${name}`));
});

it('is not kept if nobody needs it any more when it has been read', async () => {
  const { reads, memory } = unneeded();
  await memory.current(reference);
  expect([reads.length, memory.has(reference)]).toEqual([1, false]);
});

function unneeded() {
  const reads: string[] = [];
  const memory = createSecretMemory({
    clock: createFakeClock(),
    reader: {
      read: ({ name }) => {
        reads.push(name);
        return Promise.resolve(secret('1'));
      },
    },
    onChanged: () => undefined,
    mayKeep: () => false,
  });
  return { reads, memory };
}
