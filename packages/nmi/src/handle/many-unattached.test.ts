// Many pods wait for identities that the machine does not have: how often the metadata service is asked, and what a running pod loses.
import { createFakeClock } from '@pod-identity/kit/testing';
import { describe, expect, it } from 'vitest';
import { askNobody, issuedTo, pod as podOf, subjectOf } from '../../test/builders.ts';
import type { Decision } from '../authorize/types.ts';
import type { Outcome } from '../respond/outcome.ts';
import type { Selector } from '../request/token-request.ts';
import { TokenError } from '../tokens/errors.ts';
import { createMetadataPace } from '../tokens/metadata/pace.ts';
import { createTokenSource } from '../tokens/source.ts';
import { createCallerLimits } from '../waiting/caller-limits.ts';
import { createGranter } from './grant.ts';

const holdMs = 25_000;
/** What the metadata service accepts in a second, of one machine. */
const accepted = 20;

/** The limits of the agent; identities come by client id, and all are the pod's. */
const stage = ({ decisionMs = 0 } = {}) => {
  const even = createFakeClock();
  let workedMs = 0;
  const clock = { ...even, elapsed: () => even.elapsed() + workedMs };
  const pace = createMetadataPace(clock);
  const attached = new Set<string>(['running']);
  const asked: { readonly name: string; readonly at: number }[] = [];
  const tokens = createTokenSource({
    upstream: {
      requestToken: async ({ subject }) => {
        const name = subject.kind === 'identity' ? subject.name.replace('default/', '') : '';
        asked.push({ name, at: clock.now() });
        await clock.sleep(50);
        if (!attached.has(name)) throw new TokenError('not-on-host', 'Identity not found');
        return issuedTo(name, { now: clock.now() });
      },
    },
    clock,
    random: () => 0,
    queueFor: (_, lastResponse) => pace.tokens[lastResponse],
  });
  const decide = (_: object, selector: Selector): Decision => {
    workedMs += decisionMs;
    const identity = subjectOf(selector.by === 'nothing' ? '' : selector.value, { clientId: '' });
    if (identity.kind !== 'identity') throw new Error('not an identity');
    return { kind: 'allow', identity };
  };
  const granter = createGranter({
    authorizer: { decide },
    access: askNobody,
    limits: createCallerLimits({
      waiting: { total: 2_048, perNamespace: 1_024, perPod: 512 },
      upstreamBurst: 20,
      upstreamPerSecond: 4,
    }),
    clock,
    latest: (pod) => pod,
    changes: { subscribe: () => () => undefined },
    tokens,
    onWaited: () => undefined,
    bindingGraceMs: 0,
  });
  const ask = (
    namespace: string,
    name: string,
    by: { readonly resource?: string; readonly pod?: string } = {},
  ) => {
    const { resource = 'https://vault.azure.net', pod: of = name } = by;
    const pod = podOf({ namespace, name: of, uid: `${namespace}-${of}` });
    const request = { resource, bypassCache: false, selector: { by: 'client-id', value: name } as const };
    const patience = { deadline: clock.elapsed() + holdMs, caller: { gone: new AbortController().signal } };
    const end: { outcome?: Outcome; afterMs?: number } = {};
    const startedAt = clock.now();
    void Promise.resolve(granter.grant({ pod, request, patience })).then((outcome) =>
      Object.assign(end, { outcome, afterMs: clock.now() - startedAt }),
    );
    return end;
  };
  return { clock, attached, asked, ask, tokens, workedMs: () => workedMs };
};

const waitFor = ({ ask }: Pick<ReturnType<typeof stage>, 'ask'>) =>
  Array.from({ length: 100 }, (_, index) => ask(`ns-${index % 10}`, `id-${index}`));

describe('a hundred identities of ten namespaces that are waited for', () => {
  it('make at most a third of the requests that the metadata service accepts, after the first of each', async () => {
    const staged = stage();
    const { clock, asked } = staged;
    const ends = waitFor(staged);
    await clock.advance(holdMs);
    expect(ends.map(({ outcome }) => outcome?.kind)).toEqual(ends.map(() => 'not-assigned'));
    const first = new Set<string>();
    const repeated = asked.filter(({ name }) => first.size === first.add(name).size);
    expect(first.size).toBe(100);
    expect(repeated.length).toBeGreaterThan(100);
    expect(asked.length).toBeLessThanOrEqual(100 + 6 * 25);
    for (const { at } of repeated) {
      const inSecond = repeated.filter((other) => other.at >= at && other.at < at + 1_000);
      expect(inSecond.length).toBeLessThanOrEqual(accepted / 3);
    }
    // Each of the ten namespaces has its turns.
    const by = Map.groupBy(repeated, ({ name }) => Number(name.replace('id-', '')) % 10);
    expect(Math.min(...[...by.values()].map((all) => all.length))).toBeGreaterThanOrEqual(10);
  });

  // While each is asked for the first time a request waits for one turn of each namespace, and then for none.
  it.each([
    [0, 1_000],
    [5_000, 1_200],
    [12_000, 100],
  ])('after %i ms make another pod wait for its first token for %i ms at most', async (afterMs, withinMs) => {
    const staged = stage();
    const { clock, ask } = staged;
    waitFor(staged);
    await clock.advance(afterMs);
    const end = ask('other', 'running');
    await clock.advance(withinMs);
    expect(end.outcome).toMatchObject({ kind: 'token' });
  });

  // Its identity is known: that one waits for no question about another identity that is not begun.
  it.each([
    ['other', 0],
    ['other', 500],
    ['other', 3_000],
    ['ns-3', 0],
    ['ns-3', 500],
    ['ns-3', 3_000],
  ])(
    'attack: a pod of namespace %s with a token, %i ms later, gets one for another resource within 0.2 s',
    async (namespace, afterMs) => {
      const staged = stage();
      const { clock, ask } = staged;
      ask(namespace, 'running');
      await clock.advance(10_000);
      waitFor(staged);
      await clock.advance(afterMs);
      const end = ask(namespace, 'running', { resource: 'https://storage.azure.com' });
      await clock.advance(200);
      expect(end.outcome).toMatchObject({ kind: 'token' });
    },
  );

  it('do not keep one that has come from its pod for longer than its turn', async () => {
    const staged = stage();
    const { clock, attached, ask, tokens } = staged;
    waitFor(staged);
    const end = ask('other', 'coming');
    await clock.advance(10_000);
    attached.add('coming');
    const subject = subjectOf('coming');
    if (subject.kind === 'identity') tokens.hint('other', subject.resourceId);
    await clock.advance(2_500);
    expect(end.outcome).toMatchObject({ kind: 'token' });
  });
});

it('attack: a pod that waits for a hundred identities with all its requests keeps no other one waiting', async () => {
  const staged = stage();
  const { clock, asked, ask } = staged;
  for (let call = 0; call < 512; call += 1) ask('hostile', `id-${call % 100}`, { resource: `api://${call}` });
  await clock.advance(10_000);
  const before = asked.length;
  const end = ask('other', 'running');
  await clock.advance(500);
  expect(end.outcome).toMatchObject({ kind: 'token' });
  expect(asked.length - before).toBeLessThanOrEqual(8);
});

it('attack: a thousand callers that wait for one identity, beside a hundred others, take a fifth of the time at most', async () => {
  const staged = stage({ decisionMs: 0.1 });
  const { clock, ask, workedMs } = staged;
  for (let call = 0; call < 1_000; call += 1) ask('hostile', 'missing', { pod: `pod-${call % 2}` });
  waitFor(staged);
  await clock.advance(1_000);
  const [beforeMs, workedBeforeMs] = [clock.elapsed(), workedMs()];
  await clock.advance(8_000);
  // Each round takes 0.1 s.
  expect(workedMs() - workedBeforeMs).toBeGreaterThan(1_000);
  expect(workedMs() - workedBeforeMs).toBeLessThanOrEqual((clock.elapsed() - beforeMs) / 5 + 200);
});

describe('attack: an editor whose pods request tokens of a known identity for resources without end', () => {
  /** As many as the queue takes, and more, all the time. */
  const flood = async ({ clock, ask }: ReturnType<typeof stage>, pods: number) => {
    for (let call = 0; ; call += 1) {
      for (let pod = 0; pod < pods; pod += 1)
        ask('hostile', 'running', { resource: `api://${pod}-${call}`, pod: `pod-${pod}` });
      await clock.sleep(500);
    }
  };

  /** How many of a hundred new identities of ten other namespaces are asked for within eight seconds. */
  const firstRequests = async (pods: number) => {
    const staged = stage();
    const { clock, asked, ask } = staged;
    ask('hostile', 'running');
    await clock.advance(1_000);
    void flood(staged, pods);
    await clock.advance(2_000);
    waitFor(staged);
    await clock.advance(8_000);
    return new Set(asked.map(({ name }) => name)).size - 1;
  };

  it('delays first requests of ten other namespaces by one turn of its own in each round', async () => {
    const alone = await firstRequests(0);
    expect(alone).toBeGreaterThan(80);
    expect(await firstRequests(20)).toBeGreaterThanOrEqual(Math.floor((alone * 10) / 12));
  });

  it('delays a first request of another pod of its namespace by some turns', async () => {
    const staged = stage();
    const { clock, asked, ask } = staged;
    ask('hostile', 'running');
    await clock.advance(1_000);
    void flood(staged, 20);
    await clock.advance(2_000);
    ask('hostile', 'first');
    await clock.advance(300);
    expect(asked.map(({ name }) => name)).toContain('first');
  });
});
