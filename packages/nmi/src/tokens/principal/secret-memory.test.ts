import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { openQueue } from '../../../test/builders.ts';
import { createTurnQueues } from '../../waiting/turn-queues.ts';
import { TokenError, type TokenErrorCode } from '../errors.ts';
import type { ServicePrincipal } from '../types.ts';
import type { CertificateReader } from './certificate-reader.ts';
import type { Certificate } from './reader-messages.ts';
import type { ReadSecret, SecretReference } from './secret-reader.ts';
import { createSecretMemory } from './secret-memory.ts';

const reference = { namespace: 'shop', name: 'app' };
const secret = (version: string): ReadSecret => ({ version, stored: { kind: 'secret', value: version } });
const pem = (version: string): ReadSecret => ({
  version,
  stored: { kind: 'pem', text: version, password: '' },
});
const failure = (code: TokenErrorCode) => new TokenError(code, code);
const subjectOf = (
  of: SecretReference,
  credential: ServicePrincipal['credential'] = 'secret',
): ServicePrincipal => ({
  kind: 'service-principal',
  name: 'shop/identity',
  clientId: 'c',
  tenantId: 't',
  auxiliaryTenantIds: [],
  authority: 'https://login.example',
  credential,
  secret: of,
});
/** So large that eight of a namespace are kept. */
const certificate = { leaf: {}, chain: [{ raw: Buffer.alloc(65_536) }] } as unknown as Certificate;

/** An API server that has this Secret, or fails in this way. */
const stage = (first: ReadSecret | Error = secret('1'), checks = openQueue) => {
  const clock = createFakeClock(1_000_000);
  const state = {
    answer: first,
    /** Reads of a credential, and all requests. */
    reads: [] as string[],
    requests: [] as string[],
    certificates: (() => Promise.resolve(certificate)) as CertificateReader['read'],
    certificatesRead: 0,
    hold: Promise.resolve(undefined),
  };
  const answer = async ({ namespace, name }: SecretReference) => {
    state.requests.push(`${namespace}/${name}`);
    await state.hold;
    if (state.answer instanceof Error) throw state.answer;
    return state.answer;
  };
  const changed: string[] = [];
  const memory = createSecretMemory({
    clock,
    checks,
    secretReader: {
      version: async (of) => (await answer(of)).version,
      read: (of) => {
        state.reads.push(`${of.namespace}/${of.name}`);
        return answer(of);
      },
    },
    certificates: {
      read: (...all) => {
        state.certificatesRead += 1;
        return state.certificates(...all);
      },
    },
    onSecretChanged: ({ namespace, name }) => changed.push(`${namespace}/${name}`),
  });
  const outcomeOf = async (subject: ServicePrincipal) =>
    memory.proof(subject).then(
      ({ proof }) => (proof.kind === 'secret' ? proof.value : proof.kind),
      (error: unknown) => (error instanceof TokenError ? error.code : String(error)),
    );
  const valueNow = async (of: SecretReference = reference) => outcomeOf(subjectOf(of));
  const certificateNow = async (of: SecretReference = reference) => outcomeOf(subjectOf(of, 'certificate'));
  return { clock, state, changed, memory, valueNow, certificateNow };
};

it('is read once for half a minute, however many ask', async () => {
  const { clock, state, valueNow, changed } = stage();
  expect(await Promise.all([valueNow(), valueNow()])).toEqual(['1', '1']);
  await clock.advance(29_999);
  expect(await valueNow()).toBe('1');
  expect(state.reads).toEqual(['shop/app']);
  await clock.advance(1);
  expect(await valueNow()).toBe('1');
  expect([state.requests.length, state.reads.length, changed]).toEqual([2, 1, []]);
});

it('each Secret is read for itself', async () => {
  const { state, valueNow } = stage();
  await valueNow();
  await valueNow({ namespace: 'shop', name: 'other' });
  await valueNow({ namespace: 'other', name: 'app' });
  expect(state.reads).toEqual(['shop/app', 'shop/other', 'other/app']);
});

it('is not read anew as long as its version is the same, nor is its certificate', async () => {
  const { clock, state, certificateNow } = stage(pem('1'));
  expect(await Promise.all([certificateNow(), certificateNow()])).toEqual(['certificate', 'certificate']);
  await clock.advance(30_000);
  expect(await certificateNow()).toBe('certificate');
  expect([state.requests.length, state.reads.length, state.certificatesRead]).toEqual([2, 1, 1]);
});

it('is read for each kind of credential', async () => {
  const { state, valueNow, certificateNow } = stage(pem('1'));
  await certificateNow();
  state.answer = secret('1');
  expect([await valueNow(), await certificateNow()]).toEqual(['1', 'certificate']);
  expect(state.reads).toHaveLength(2);
});

it('without a usable credential is not read again until it has changed', async () => {
  const { clock, state, valueNow } = stage({ version: '1', stored: 'it is empty' });
  expect([await valueNow(), await valueNow()]).toEqual(['misconfigured', 'misconfigured']);
  await clock.advance(30_000);
  expect(await valueNow()).toBe('misconfigured');
  expect([state.requests.length, state.reads.length]).toEqual([2, 1]);
  state.answer = secret('2');
  await clock.advance(30_000);
  expect(await valueNow()).toBe('2');
});

it('whose certificate could not be read this time is read again the next time', async () => {
  const { state, certificateNow } = stage(pem('1'));
  state.certificates = () => Promise.reject(failure('unavailable'));
  expect(await certificateNow()).toBe('unavailable');
  state.certificates = () => Promise.resolve(certificate);
  expect(await certificateNow()).toBe('certificate');
});

it('that changes while its certificate is read: the old one is not kept', async () => {
  const { clock, state, memory, certificateNow } = stage(pem('1'));
  const reading = Promise.withResolvers<Certificate>();
  state.certificates = () => reading.promise;
  const first = certificateNow();
  await clock.advance(30_000);
  state.answer = pem('2');
  memory.check(subjectOf(reference, 'certificate'));
  await clock.advance(0);
  reading.resolve(certificate);
  await first;
  await certificateNow();
  expect(state.certificatesRead).toBe(2);
});

it('that has changed is told of once, and the new value counts', async () => {
  const { clock, state, valueNow, changed } = stage();
  await valueNow();
  state.answer = secret('2');
  await clock.advance(30_000);
  expect(await valueNow()).toBe('2');
  await clock.advance(30_000);
  expect(await valueNow()).toBe('2');
  expect(changed).toEqual(['shop/app']);
});

it('is as it was while the API server is away, and asked for again after half a minute', async () => {
  const { clock, state, valueNow, changed } = stage();
  await valueNow();
  state.answer = failure('unavailable');
  await clock.advance(30_000);
  expect([await valueNow(), await valueNow()]).toEqual(['1', '1']);
  expect(state.requests).toHaveLength(2);
  state.answer = secret('2');
  await clock.advance(30_000);
  expect(await valueNow()).toBe('2');
  expect(changed).toEqual(['shop/app']);
});

it('that was never read is not there while the API server is away, and asked for again at once', async () => {
  const { state, valueNow } = stage(failure('unavailable'));
  expect([await valueNow(), await valueNow()]).toEqual(['unavailable', 'unavailable']);
  state.answer = secret('1');
  expect(await valueNow()).toBe('1');
  expect(state.reads).toHaveLength(3);
});

it('that is missing is looked for every five seconds', async () => {
  const { clock, state, valueNow, changed } = stage(failure('misconfigured'));
  expect(await valueNow()).toBe('misconfigured');
  state.answer = secret('1');
  await clock.advance(4_999);
  expect(await valueNow()).toBe('misconfigured');
  await clock.advance(1);
  expect(await valueNow()).toBe('1');
  expect([state.reads.length, changed]).toEqual([2, []]);
});

it('that is gone, or may not be read any more, is forgotten at once and told of', async () => {
  const { clock, state, valueNow, changed } = stage();
  await valueNow();
  state.answer = failure('misconfigured');
  await clock.advance(30_000);
  expect(await valueNow()).toBe('misconfigured');
  expect(changed).toEqual(['shop/app']);
  state.answer = failure('unavailable');
  await clock.advance(5_000);
  // What it was before is not believed any more.
  expect(await valueNow()).toBe('unavailable');
});

it('that is there again after a failure is served without delay', async () => {
  const { clock, state, valueNow } = stage(failure('misconfigured'));
  await valueNow();
  state.answer = secret('1');
  await clock.advance(5_000);
  await valueNow();
  clock.now = () => 1_000_000;
  // The failure is forgotten, also by a clock that is set back.
  expect(await valueNow()).toBe('1');
});

it('other faults are thrown on, and no old value is given out for them', async () => {
  const { clock, state, valueNow } = stage();
  await valueNow();
  state.answer = new TypeError('a bug');
  await clock.advance(30_000);
  expect(await valueNow()).toBe('TypeError: a bug');
  state.answer = failure('denied');
  expect(await valueNow()).toBe('denied');
});

it('a check reads a known Secret that is old, and nobody waits for it', async () => {
  const { clock, state, memory, valueNow, changed } = stage();
  memory.check(subjectOf(reference));
  expect(state.requests).toEqual([]);
  await valueNow();
  memory.check(subjectOf(reference));
  expect(state.requests).toHaveLength(1);
  state.answer = secret('2');
  await clock.advance(30_000);
  memory.check(subjectOf(reference));
  await clock.advance(0);
  expect([state.requests.length, state.reads.length, changed]).toEqual([3, 2, ['shop/app']]);
  state.answer = failure('unavailable');
  await clock.advance(30_000);
  memory.check(subjectOf(reference));
  await clock.advance(0);
  expect(await valueNow()).toBe('2');
});

it('that is not used for an hour is forgotten, with its proof and its tokens, and read again at the next use', async () => {
  const { clock, state, memory, valueNow, changed } = stage();
  const other = { namespace: 'shop', name: 'other' };
  await valueNow();
  await valueNow(other);
  // A token from memory is a use as well.
  for (let minutes = 0; minutes < 60; minutes += 10) {
    await clock.advance(10 * 60_000);
    memory.check(subjectOf(other));
    await clock.advance(0);
  }
  expect([memory.has(reference), memory.has(other), changed]).toEqual([false, true, ['shop/app']]);
  expect([await valueNow(other), state.reads]).toEqual(['1', ['shop/app', 'shop/other']]);
  expect([await valueNow(), state.reads]).toEqual(['1', ['shop/app', 'shop/other', 'shop/app']]);
});

it('that is used while the API server is away is kept longer than an hour', async () => {
  const { clock, state, valueNow } = stage();
  await valueNow();
  state.answer = failure('unavailable');
  for (let minutes = 0; minutes < 90; minutes += 30) {
    await clock.advance(30 * 60_000);
    expect(await valueNow()).toBe('1');
  }
});

it('of failures a bounded number is remembered: one more evicts the oldest alone', async () => {
  const { state, valueNow } = stage(failure('misconfigured'));
  const named = (n: number) => ({ namespace: 'shop', name: `missing-${n}` });
  for (let n = 0; n < 500; n += 1) await valueNow(named(n));
  await valueNow(named(0));
  expect(state.reads).toHaveLength(500);
  await valueNow(named(500));
  await valueNow(named(500));
  expect(state.reads).toHaveLength(501);
  await valueNow(named(1));
  expect(state.reads).toHaveLength(501);
  await valueNow(named(0));
  expect(state.reads).toHaveLength(502);
});

const named = (namespace: string, n: number) => ({ namespace, name: `app-${n}` });
const some = (count: number, namespace = 'hostile') =>
  Array.from({ length: count }, (_, n) => named(namespace, n));

it('more certificates than are kept of a namespace are read again when they are used', async () => {
  const { state, certificateNow } = stage(pem('1'));
  for (const one of some(9)) expect(await certificateNow(one)).toBe('certificate');
  expect(state.certificatesRead).toBe(9);
  expect(await certificateNow(named('hostile', 0))).toBe('certificate');
  expect(await certificateNow(named('hostile', 8))).toBe('certificate');
  expect(state.certificatesRead).toBe(10);
});

it('attack: the Secrets of one namespace evict no proof of another one', async () => {
  const { state, certificateNow } = stage(pem('1'));
  await certificateNow(reference);
  for (const one of some(64)) await certificateNow(one);
  const { length } = state.requests;
  expect(await certificateNow(reference)).toBe('certificate');
  expect(state.requests).toHaveLength(length);
});

it('a Secret whose proof was evicted is checked as before: its tokens end when it changes', async () => {
  const { clock, state, memory, certificateNow, changed } = stage(pem('1'));
  await certificateNow(reference);
  for (const one of some(9, 'shop')) await certificateNow(one);
  state.answer = pem('2');
  await clock.advance(30_000);
  memory.check(subjectOf(reference));
  await clock.advance(0);
  expect(changed).toEqual(['shop/app']);
});

it('a Secret whose version is not remembered any more: its tokens end', async () => {
  const { valueNow, changed } = stage();
  await valueNow(reference);
  for (const one of some(499, 'shop')) await valueNow(one);
  expect(changed).toEqual([]);
  await valueNow(named('shop', 499));
  expect(changed).toEqual(['shop/app']);
});

it('attack: the missing Secrets of one namespace evict no version or failure of another one', async () => {
  const { state, valueNow, changed } = stage();
  await valueNow(reference);
  state.answer = failure('misconfigured');
  await valueNow(named('shop', 0));
  for (let namespace = 0; namespace < 5; namespace += 1)
    for (const one of some(500, `hostile-${namespace}`)) await valueNow(one);
  const { length } = state.requests;
  expect([await valueNow(reference), await valueNow(named('shop', 0))]).toEqual(['1', 'misconfigured']);
  expect([state.requests.length - length, changed]).toEqual([0, []]);
});

it('attack: 64 Secrets of one namespace are checked two at a time, and that of another one beside them', async () => {
  const checks = createTurnQueues({
    clock: createFakeClock(),
    all: { atATime: 4, patienceMs: 10_000 },
    queues: { checks: { atATime: 4, waiting: { total: 1_024, perNamespace: 256, perPod: 1 } } },
  }).checks;
  const { clock, state, memory, valueNow } = stage(secret('1'), checks);
  const all = [...some(64), reference];
  for (const one of all) await valueNow(one);
  await clock.advance(30_000);
  const held = Promise.withResolvers<undefined>();
  state.hold = held.promise;
  state.requests.length = 0;
  for (const one of [...all, ...all]) memory.check(subjectOf(one));
  await clock.advance(0);
  expect(state.requests).toEqual(['hostile/app-0', 'hostile/app-1', 'shop/app']);
  held.resolve(undefined);
  await clock.advance(0);
  await expect.poll(() => state.requests.length).toBe(65);
});
