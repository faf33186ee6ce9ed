// Two namespaces share an identity; one of them does its worst.
import { createFakeClock } from '@pod-identity/kit/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { callerOf, clientIdOf, issuedTo, subjectOf, wantedFor } from '../../test/builders.ts';
import { parseTokenRequest } from '../request/token-request.ts';
import { createCallerLimits } from '../waiting/caller-limits.ts';
import { createTurnQueues, type TurnQueue } from '../waiting/turn-queues.ts';
import { TokenError, type TokenErrorCode } from './errors.ts';
import { createMetadataPace } from './metadata/pace.ts';
import { createTokenSource } from './source.ts';
import type { IssuedToken, TokenSubject, TokenUpstream, WantedToken } from './types.ts';

const [second, minute, hour] = [1_000, 60_000, 3_600_000];
const vault = 'https://vault.azure.net';

type Namespace = 'victim' | 'hostile';
interface Asked {
  readonly by: Namespace;
  readonly at: number;
  failedAt?: number;
}
type Answer = { readonly error: TokenError } | { readonly characters?: number };

interface Service {
  readonly lifeMs: number;
  readonly takesMs: number;
  readonly answer: (by: Namespace, count: number) => Answer;
}

const principal: TokenSubject = {
  kind: 'service-principal',
  name: 'default/app',
  clientId: clientIdOf('shared'),
  tenantId: 'tenant',
  auxiliaryTenantIds: [],
  authority: 'https://login.microsoftonline.com',
  credential: 'secret',
  secret: { namespace: 'default', name: 'app' },
};

/** A source whose questions all begin at once, and a service that knows whose they are. */
const stage = (over: Partial<Service> = {}) => {
  const { lifeMs, takesMs, answer }: Service = {
    lifeMs: 24 * hour,
    takesMs: 20,
    answer: () => ({}),
    ...over,
  };
  const clock = createFakeClock();
  const requested: Asked[] = [];
  let turn: Namespace = 'victim';
  const queue: TurnQueue = {
    waiting: 0,
    enter: ({ namespace }, waiter) => {
      turn = namespace as Namespace;
      waiter.begin(() => undefined);
      return { withdraw: () => undefined };
    },
  };
  const requestToken = async (): Promise<IssuedToken> => {
    const one: Asked = { by: turn, at: clock.now() };
    const count = requested.push(one);
    await clock.sleep(takesMs);
    const given = answer(one.by, count);
    if ('error' in given) {
      one.failedAt = clock.now();
      throw given.error;
    }
    const token = `${count}`.padEnd(given.characters ?? 1, 'x');
    return issuedTo('shared', { now: clock.now(), expiresInMs: lifeMs, token });
  };
  const source = createTokenSource({
    clock,
    random: () => 0.5,
    queueFor: () => queue,
    upstream: { requestToken },
  });
  const wantedToken = (wanted: Partial<WantedToken> = {}) =>
    wantedFor<TokenSubject>(subjectOf('shared'), wanted);
  /** The time that the token has left, or the failure. */
  const get = (namespace: Namespace, wanted: Partial<WantedToken> = {}): Promise<number | TokenError> =>
    source.get(wantedToken(wanted), callerOf({ namespace })).then(
      ({ issued }) => issued.access.expiresOnTimestamp - clock.now(),
      (error: unknown) => error as TokenError,
    );
  const answered = async (...wanted: Parameters<typeof get>) => {
    const left = get(...wanted);
    await clock.advance(100);
    return left;
  };
  const known = (namespace: Namespace) => source.cached(wantedToken(), () => callerOf({ namespace }));
  return { clock, requested, get, answered, known };
};

/** Some of the parameters, in each order. */
const orders = (all: readonly string[]): string[] =>
  all.flatMap((one) => [
    one,
    ...orders(all.filter((other) => other !== one)).map((more) => `${one}&${more}`),
  ]);

const requested = (query: string): Partial<WantedToken> => {
  const parsed = parseTokenRequest(`resource=${vault}&${query}`);
  if (!parsed.ok) throw new Error(query);
  const { resource, bypassCache } = parsed.value;
  return { resource, bypassCache };
};

const special = orders(['xms_cc=cp1', 'token_sha256_to_refresh=ab', 'bypass_cache=true']);

it.each<[string, ConstructorParameters<typeof TokenError>]>([
  ['refuses', ['refused', 'no such parameter', { status: 400 }]],
  ['throttles', ['throttled', 'too many', { status: 429 }]],
  ['throttles for a while', ['throttled', 'too many', { status: 429, retryAfterMs: 30_000 }]],
  ['does not answer', ['unavailable', 'silence']],
])(
  'attack: 991 requests of one namespace with special parameters, which the service %s, cost another no token',
  async (_, failure) => {
    const answer = (by: Namespace): Answer => (by === 'hostile' ? { error: new TokenError(...failure) } : {});
    const { clock, answered } = stage({ answer });
    const left = [await answered('victim')];
    for (let n = 0; n < 991; n += 1) {
      await answered('hostile', requested(special[n % special.length] ?? ''));
      left.push(await answered('victim'));
      await clock.advance(2 * minute);
    }
    expect(left.filter((one) => !(typeof one === 'number' && one > 11 * hour))).toEqual([]);
  },
);

it('attack: requests with special parameters that succeed leave the other namespace a token in memory', async () => {
  const { answered, known } = stage();
  await answered('victim');
  for (const query of special) {
    await answered('hostile', requested(query));
    expect(known('victim')).toBeDefined();
  }
});

it.each<[string, readonly Namespace[]]>([
  ['first', ['hostile', 'victim']],
  ['again', ['victim', 'hostile']],
])(
  'attack: a namespace that asked %s and then floods the memory takes no token from another',
  async (_, both) => {
    const { answered, known } = stage();
    for (const by of both) await answered(by, { bypassCache: by === 'hostile' });
    for (let n = 0; n < 2_500; n += 1) await answered('hostile', { resource: `api://${n}` });
    expect(known('victim')).toBeDefined();
  },
);

it('attack: a namespace that waited for the same question keeps its token when the other floods the memory', async () => {
  const { answered, get, known } = stage();
  const joined = get('hostile');
  expect(await answered('victim')).toBeGreaterThan(0);
  await joined;
  for (let n = 0; n < 2_500; n += 1) await answered('hostile', { resource: `api://${n}` });
  expect(known('victim')).toBeDefined();
});

it('attack: 30 pods that want no token from memory, at a service that throttles: another namespace always has a fresh one', async () => {
  const clock = createFakeClock();
  const recent: number[] = [];
  let running = 0;
  /** As the metadata service of a machine: five at a time, twenty in a second. */
  const requestToken: TokenUpstream['requestToken'] = async () => {
    const now = clock.now();
    while ((recent[0] ?? now) < now - second) recent.shift();
    if (recent.push(now) > 20 || running >= 5) throw new TokenError('throttled', 'too many', { status: 429 });
    running += 1;
    await clock.sleep(200);
    running -= 1;
    return issuedTo('shared', { now: clock.now() });
  };
  const pace = createMetadataPace(clock);
  const limits = createCallerLimits({
    waiting: { total: 2_048, perNamespace: 1_024, perPod: 512 },
    upstreamBurst: 20,
    upstreamPerSecond: 4,
  });
  const source = createTokenSource({
    clock,
    random: () => 0.5,
    queueFor: () => pace.tokens.new,
    upstream: { requestToken },
  });
  const get = (namespace: Namespace, pod: string, over: Partial<WantedToken>) =>
    source.get(
      wantedFor(subjectOf('shared'), over),
      callerOf({
        namespace,
        pod,
        admit: (questions) => limits.admitUpstream(pod, questions, clock.elapsed()),
      }),
    );
  const left: number[] = [];
  for (let step = 0; step < 70 * minute; step += 10 * second) {
    for (let n = 0; n < 30; n += 1) {
      const wanted = { bypassCache: true, resource: n % 2 === 0 ? vault : `api://${n}` };
      void get('hostile', `hostile-${n}`, wanted).catch(() => undefined);
    }
    const answer = get('victim', 'victim', {});
    await clock.advance(10 * second);
    const { issued } = await answer;
    left.push(issued.access.expiresOnTimestamp - clock.now());
  }
  expect(Math.min(...left)).toBeGreaterThan(4 * minute);
});

it('attack: a question that waits for the turn of one namespace does not keep another one from renewing its token', async () => {
  const clock = createFakeClock();
  const queue = createMetadataPace(clock).tokens.new;
  const source = createTokenSource({
    clock,
    random: () => 0.5,
    queueFor: () => queue,
    upstream: {
      requestToken: () => Promise.resolve(issuedTo('shared', { now: clock.now(), expiresInMs: 24 * hour })),
    },
  });
  const wantedToken = wantedFor<TokenSubject>(subjectOf('shared'));
  const victim = callerOf({ namespace: 'victim' });
  await source.get(wantedToken, victim);
  for (let n = 0; n < 3; n += 1)
    queue.enter({ namespace: 'hostile', pod: 'hangs' }, { begin: () => undefined, giveUp: () => undefined });
  await clock.advance(13 * hour);
  for (let n = 0; n < 60; n += 1) {
    const wanted = { ...wantedToken, bypassCache: n % 2 === 1 };
    void source.get(wanted, callerOf({ namespace: 'hostile' })).catch(() => undefined);
    await source.get(wantedToken, victim);
    await clock.advance(second);
  }
  const { issued } = await source.get(wantedToken, victim);
  expect(issued.access.expiresOnTimestamp - clock.now()).toBeGreaterThan(23 * hour);
});

it('attack: what waits when an application is told to ask later is not asked, unless another namespace wants it too', async () => {
  const clock = createFakeClock();
  const pace = { all: { atATime: 4, patienceMs: 10_000 } };
  const waiting = { total: 256, perNamespace: 128, perPod: 32 };
  const { queue } = createTurnQueues({ clock, ...pace, queues: { queue: { atATime: 4, waiting } } });
  const requested: string[] = [];
  const source = createTokenSource({
    clock,
    random: () => 0.5,
    queueFor: () => queue,
    upstream: {
      requestToken: async ({ resource }) => {
        requested.push(resource);
        await clock.sleep(resource === 'api://a' || resource === 'api://b' ? 1_000 : 100);
        if (resource === 'api://0' || resource === 'api://1')
          throw new TokenError('throttled', 'too many', { status: 429, retryAfterMs: minute });
        return issuedTo('shared', { now: clock.now() });
      },
    },
  });
  const get = (namespace: Namespace, resource: string) =>
    source.get(wantedFor<TokenSubject>(principal, { resource }), callerOf({ namespace })).then(
      ({ issued }) => issued.clientId,
      (error: unknown) => error,
    );
  const hostile = Array.from({ length: 30 }, (_, n) => get('hostile', `api://${n}`));
  await clock.advance(50);
  // Both namespaces want it; the turn of the hostile one comes first.
  const busy = ['api://a', 'api://b'].map((resource) => get('victim', resource));
  const victim = get('victim', 'api://9');
  await clock.advance(2 * second);
  expect(requested).toEqual(['api://0', 'api://1', 'api://a', 'api://b', 'api://9']);
  await expect(Promise.all([...busy, victim])).resolves.toEqual(Array(3).fill(clientIdOf('shared')));
  const outcomes = await Promise.all(hostile);
  expect(outcomes.filter((one) => one instanceof TokenError)).toHaveLength(30);
  expect(outcomes[15]).toMatchObject({ code: 'throttled', retryAfterMs: minute });
});

const aFailure = fc.record({
  code: fc.constantFrom<TokenErrorCode>(
    ...(['not-on-host', 'refused', 'denied', 'throttled', 'updating', 'unavailable'] as const),
  ),
  retryAfterMs: fc.option(fc.integer({ min: 0, max: 60 * minute }), { nil: undefined }),
});
const aRareFailure = fc.oneof(
  { weight: 9, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: aFailure },
);
const aStep = fc.record({
  afterMs: fc.oneof(fc.nat(2 * second), fc.nat(20 * minute), fc.nat(13 * hour)),
  by: fc.constantFrom<Namespace>('victim', 'hostile', 'hostile'),
  bypassCache: fc.boolean(),
  resource: fc.constantFrom(vault, vault, 'api://other'),
  flood: fc.integer({ min: 0, max: 9 }).map((n) => (n === 0 ? 40 : 1)),
});

it('whatever a namespace does, another one gets fresh tokens unless a question failed that it asked or waited for itself', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(aStep, { minLength: 5, maxLength: 40 }),
      fc.infiniteStream(
        fc.record({ hostile: fc.option(aFailure, { nil: undefined }), victim: aRareFailure }),
      ),
      fc.record({ lifeMs: fc.constantFrom(hour, 24 * hour), takesMs: fc.constantFrom(20, 3_000) }),
      async (steps, failures, service) => {
        const answer = (by: Namespace): Answer => {
          const failure = failures.next().value?.[by];
          if (!failure) return { characters: by === 'hostile' ? 250_000 : 1_000 };
          return {
            error: new TokenError(failure.code, 'no', { status: 500, retryAfterMs: failure.retryAfterMs }),
          };
        };
        const { clock, requested, get } = stage({ ...service, answer });
        const waited: { readonly from: number; readonly to: number }[] = [];
        const visit = async (wanted: Partial<WantedToken>) => {
          const from = clock.now();
          const answers = get('victim', wanted).finally(() => waited.push({ from, to: clock.now() }));
          await clock.advance(10 * second);
          return answers;
        };
        const hasOwnFailure = () =>
          requested.some(
            ({ by, at, failedAt = -Infinity }) =>
              failedAt > clock.now() - 11 * minute &&
              (by === 'victim' || waited.some(({ from, to }) => from <= failedAt && to >= at)),
          );
        let floods = 0;
        for (const { afterMs, by, bypassCache, resource, flood } of steps) {
          await clock.advance(afterMs);
          if (by === 'hostile') {
            for (let n = 0; n < flood; n += 1)
              void get('hostile', { bypassCache, resource: flood > 1 ? `api://${floods++}` : resource });
            continue;
          }
          await visit({ resource, bypassCache });
          // The first one may have begun a renewal that nobody waits for.
          const left = await visit({ resource });
          if (hasOwnFailure()) continue;
          expect(left).toBeGreaterThan(service.lifeMs > 2 * hour ? service.lifeMs / 2 : 5 * minute);
        }
      },
    ),
    { numRuns: 100 },
  );
});
