import { createFakeClock } from '@pod-identity/kit/testing';
import { describe, expect, it } from 'vitest';
import { openQueue } from '../../../test/builders.ts';
import { createTurnQueues } from '../../waiting/turn-queues.ts';
import { TokenError, type TokenErrorCode } from '../errors.ts';
import type { ServicePrincipal } from '../types.ts';
import type { Certificate } from './certificate.ts';
import type { CertificateReader } from './certificate-reader.ts';
import type { ReadSecret, SecretReference } from './secret-reader.ts';
import { createSecrets } from './secrets.ts';

const reference = { namespace: 'shop', name: 'app' };
const secret = (version: string): ReadSecret => ({ version, stored: { kind: 'secret', value: version } });
const pem = { version: '1', stored: { kind: 'pem', text: 'x', password: '' } } as const;
const failure = (code: TokenErrorCode) => new TokenError(code, code);
const subjectOf = (of: SecretReference = reference): ServicePrincipal => ({
  kind: 'service-principal',
  name: 'shop/identity',
  clientId: 'c',
  tenantId: 't',
  auxiliaryTenantIds: [],
  authority: 'https://login.example',
  credential: 'secret',
  secret: of,
});
const certificate = { leaf: {}, chain: [] } as unknown as Certificate;
const minutes = (count: number) => count * 60_000;

/** An API server that has this Secret, or fails in this way. */
const stage = (first: ReadSecret | Error = secret('1'), turns = openQueue) => {
  const clock = createFakeClock(1_000_000);
  const state = {
    answer: first,
    reads: [] as string[],
    certificate: (() => Promise.resolve(certificate)) as CertificateReader['read'],
    hold: Promise.resolve(undefined),
  };
  const changed: string[] = [];
  const secrets = createSecrets({
    clock,
    turns,
    secretReader: {
      read: async ({ namespace, name }) => {
        state.reads.push(`${namespace}/${name}`);
        await state.hold;
        if (state.answer instanceof Error) throw state.answer;
        return state.answer;
      },
    },
    certificates: { read: (...all) => state.certificate(...all) },
    onSecretChanged: ({ namespace, name }) => changed.push(`${namespace}/${name}`),
  });
  const valueNow = async (of?: SecretReference) =>
    secrets.proof(subjectOf(of)).then(
      ({ proof }) => (proof.kind === 'secret' ? proof.value : proof.kind),
      (error: unknown) => (error instanceof TokenError ? error.code : String(error)),
    );
  /** Whether there was a look. */
  const looked = async (of?: SecretReference) => {
    const looking = secrets.look(subjectOf(of));
    await looking;
    return looking !== undefined;
  };
  return { clock, state, changed, secrets, valueNow, looked };
};

describe('the proof in a Secret', () => {
  it('is read at each request for a token', async () => {
    const { state, valueNow, changed } = stage();
    expect(await valueNow()).toBe('1');
    state.answer = secret('2');
    expect(await valueNow()).toBe('2');
    expect([state.reads, changed]).toEqual([['shop/app', 'shop/app'], ['shop/app']]);
  });

  it('may be a certificate, which is read on account of the namespace of its Secret', async () => {
    const { state, secrets } = stage(pem);
    const asked: unknown[] = [];
    state.certificate = (...all) => {
      asked.push(all);
      return Promise.resolve(certificate);
    };
    const { proof } = await secrets.proof(subjectOf());
    expect(proof).toEqual({ kind: 'certificate', certificate });
    expect(asked).toEqual([['shop', pem.stored]]);
  });

  it.each<[string, ReadSecret | Error, string]>([
    ['without a usable credential', { version: '1', stored: 'it is empty' }, 'misconfigured'],
    ['with a certificate that cannot be used', pem, 'misconfigured'],
    ['that is missing', failure('misconfigured'), 'misconfigured'],
    ['while the API server is away', failure('unavailable'), 'unavailable'],
    ['after a bug', new TypeError('a bug'), 'TypeError: a bug'],
  ])('%s is none', async (_, answer, expected) => {
    const { state, valueNow } = stage(answer);
    state.certificate = () => Promise.resolve('it has no private key');
    expect(await valueNow()).toBe(expected);
  });

  it('that cannot be used: says which Secret of which AzureIdentity, and why', async () => {
    await expect(
      stage({ version: '1', stored: 'it is empty' }).secrets.proof(subjectOf()),
    ).rejects.toMatchObject({
      code: 'misconfigured',
      message: 'Secret shop/app of AzureIdentity shop/identity cannot be used: it is empty.',
    });
  });

  it('is not current any more once another version was seen', async () => {
    const { state, secrets, valueNow } = stage();
    const { isCurrent } = await secrets.proof(subjectOf());
    expect(isCurrent()).toBe(true);
    await valueNow();
    expect(isCurrent()).toBe(true);
    state.answer = secret('2');
    await valueNow();
    expect(isCurrent()).toBe(false);
  });
});

describe('a look at a Secret whose tokens are in memory', () => {
  it('is due five minutes after it was read, and finds a change', async () => {
    const { clock, state, valueNow, looked, changed } = stage();
    await valueNow();
    state.answer = secret('2');
    await clock.advance(minutes(5) - 1);
    expect([await looked(), changed]).toEqual([false, []]);
    await clock.advance(1);
    expect([await looked(), changed]).toEqual([true, ['shop/app']]);
    expect([await looked(), state.reads.length]).toEqual([false, 2]);
    await clock.advance(minutes(5));
    expect([await looked(), changed]).toEqual([true, ['shop/app']]);
  });

  it('is one for all who want it', async () => {
    const { clock, state, secrets, valueNow } = stage();
    await valueNow();
    await clock.advance(minutes(5));
    await Promise.all([secrets.look(subjectOf()), secrets.look(subjectOf())]);
    expect(state.reads).toHaveLength(2);
  });

  it('that the API server does not answer leaves it as it was, and is due again after 30 seconds', async () => {
    const { clock, state, valueNow, looked, changed } = stage();
    await valueNow();
    for (const fault of [failure('unavailable'), new TypeError('a bug')]) {
      state.answer = fault;
      await clock.advance(minutes(5));
      expect([await looked(), await looked()]).toEqual([true, false]);
      await clock.advance(29_999);
      expect(await looked()).toBe(false);
      await clock.advance(1);
      expect([await looked(), changed]).toEqual([true, []]);
    }
  });

  it('that has no turn leaves it as it was', async () => {
    const { clock, valueNow, looked, changed, state } = stage(secret('1'), {
      waiting: 0,
      enter: () => undefined,
    });
    await valueNow();
    await clock.advance(minutes(5));
    expect([await looked(), await looked(), changed, state.reads.length]).toEqual([true, false, [], 1]);
  });

  it('finds that it is gone, or may not be read any more', async () => {
    const { clock, state, valueNow, looked, changed } = stage();
    await valueNow();
    state.answer = failure('misconfigured');
    await clock.advance(minutes(5));
    expect([await looked(), changed]).toEqual([true, ['shop/app']]);
  });

  it('ends tokens of one that is not remembered', async () => {
    const { looked, changed } = stage();
    expect([await looked(), changed]).toEqual([true, ['shop/app']]);
  });
});

const named = (namespace: string, n: number) => ({ namespace, name: `app-${n}` });
const some = (count: number, namespace = 'hostile') =>
  Array.from({ length: count }, (_, n) => named(namespace, n));

it('a Secret whose version is not remembered any more: its tokens end', async () => {
  const { valueNow, changed } = stage();
  await valueNow(reference);
  for (const one of some(499, 'shop')) await valueNow(one);
  expect(changed).toEqual([]);
  await valueNow(named('shop', 499));
  expect(changed).toEqual(['shop/app']);
});

it('attack: the Secrets of other namespaces end no tokens of this one', async () => {
  const { valueNow, looked, changed } = stage();
  await valueNow(reference);
  for (let namespace = 0; namespace < 5; namespace += 1)
    for (const one of some(500, `hostile-${namespace}`)) await valueNow(one);
  expect([changed.includes('shop/app'), await looked()]).toEqual([false, false]);
});

it('attack: of 64 Secrets of one namespace four are looked at together, and that of another one beside them', async () => {
  const { principals } = createTurnQueues({
    clock: createFakeClock(),
    all: { atATime: 8, patienceMs: 10_000 },
    queues: { principals: { atATime: 8, waiting: { total: 256, perNamespace: 128, perPod: 32 } } },
  });
  const { clock, state, secrets, valueNow } = stage(secret('1'), principals);
  const all = [...some(64), reference];
  for (const one of all) await valueNow(one);
  await clock.advance(minutes(5));
  const held = Promise.withResolvers<undefined>();
  state.hold = held.promise;
  state.reads.length = 0;
  const looks = [...all, ...all].map(async (one) => secrets.look(subjectOf(one)));
  await clock.advance(0);
  expect(state.reads).toEqual([...some(4).map(({ name }) => `hostile/${name}`), 'shop/app']);
  held.resolve(undefined);
  await Promise.all(looks);
  expect(state.reads).toHaveLength(65);
});
