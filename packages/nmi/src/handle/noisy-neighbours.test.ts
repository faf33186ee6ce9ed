// A hundred pods of one namespace do their worst; a pod of another one wants its first token. Turns and the fake clock are
// counted, from the decision to the metadata service.
import { createFakeClock, type FakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { askNobody, issuedTo, pod as podOf, subjectOf } from '../../test/builders.ts';
import type { Decision } from '../authorize/types.ts';
import { createGranter, type Granter } from './grant.ts';
import type { PodView } from '../identify/pod-view.ts';
import { createCallerLimits } from '../waiting/caller-limits.ts';
import type { Selector } from '../request/token-request.ts';
import { createMetadataPace } from '../tokens/metadata/pace.ts';
import { TokenError } from '../tokens/errors.ts';
import { createTokenSource } from '../tokens/source.ts';
import type { TokenUpstream } from '../tokens/types.ts';

const hostilePods = 100;
const callersOfPod = 4;
const holdMs = 25_000;

interface Way {
  readonly name: string;
  /** What the metadata service does with hostile questions. */
  readonly takesMs: number;
  readonly fails?: 'not-on-host' | 'unavailable';
  /** Of each pod at a time; 4 unless told. */
  readonly callers?: number;
  /** Callers hang up after so long. */
  readonly leavesMs?: number;
  readonly asks: (call: number) => { readonly selector: string; readonly resource: string };
}

const ways: readonly Way[] = [
  {
    name: 'distinct unknown identities',
    takesMs: 50,
    fails: 'not-on-host',
    asks: (call) => ({ selector: `unknown-${call}`, resource: 'r' }),
  },
  {
    name: 'one unknown identity and distinct resources',
    takesMs: 50,
    fails: 'not-on-host',
    asks: (call) => ({ selector: 'unknown', resource: `api://${call}` }),
  },
  {
    name: 'distinct resources',
    takesMs: 100,
    asks: (call) => ({ selector: 'known', resource: `api://${call}` }),
  },
  {
    name: 'questions that hang',
    takesMs: 5_000,
    fails: 'unavailable',
    asks: (call) => ({ selector: 'known', resource: `api://${call}` }),
  },
  {
    name: 'callers that leave',
    takesMs: 100,
    leavesMs: 150,
    asks: (call) => ({ selector: `known-${call}`, resource: 'r' }),
  },
  {
    name: 'holds of identities that are not attached',
    // More than the node has places for, all of them for the whole time of the test.
    takesMs: 100,
    fails: 'not-on-host',
    callers: 30,
    asks: (call) => ({ selector: `pending-${call}`, resource: 'r' }),
  },
];

const requestOf = (selector: string, resource: string) => ({
  resource,
  bypassCache: false,
  selector: { by: 'client-id', value: selector } as Selector,
});

/** The agent's own limits; the cluster and the metadata service are scripted. */
const stage = (way: Way) => {
  const clock = createFakeClock();
  const begun: string[] = [];
  const requestToken: TokenUpstream['requestToken'] = async ({ subject }) => {
    const name = subject.kind === 'identity' ? subject.name : '';
    begun.push(name);
    const isHostile = !name.endsWith('victim');
    await clock.sleep(isHostile ? way.takesMs : 50);
    if (isHostile && way.fails) throw new TokenError(way.fails, 'no');
    return issuedTo('any', { now: clock.now() });
  };
  const pace = createMetadataPace(clock);
  const limits = createCallerLimits({
    waiting: { total: 2_048, perNamespace: 1_024, perPod: 512 },
    upstreamBurst: 20,
    upstreamPerSecond: 4,
  });
  const decide = (_: PodView, selector: Selector): Decision => {
    const identity = subjectOf(selector.by === 'nothing' ? '' : selector.value, { clientId: '' });
    if (identity.kind !== 'identity') throw new Error('not an identity');
    return { kind: 'allow', identity };
  };
  const granter = createGranter({
    authorizer: { decide },
    access: askNobody,
    limits,
    clock,
    latest: (pod) => pod,
    changes: { subscribe: () => () => undefined },
    tokens: createTokenSource({
      upstream: { requestToken },
      clock,
      random: () => 0,
      queueFor: (_, lastResponse) => pace.tokens[lastResponse],
    }),
    onWaited: () => undefined,
    bindingGraceMs: 0,
  });
  return { clock, begun, granter, limits };
};

/** Asks again 400 ms after each answer, for as long as the test runs. */
async function beHostile(
  way: Way,
  { clock, granter }: { clock: FakeClock; granter: Granter },
  number: number,
) {
  const pod = podOf({
    namespace: 'hostile',
    name: `pod-${number % hostilePods}`,
    uid: `uid-${number % hostilePods}`,
  });
  const stop = clock.now() + 3_600;
  for (let call = number; clock.now() < stop; call += hostilePods * (way.callers ?? callersOfPod)) {
    const gone = new AbortController();
    if (way.leavesMs !== undefined) clock.after(way.leavesMs, () => gone.abort());
    const { selector, resource } = way.asks(call);
    const patience = { deadline: clock.elapsed() + holdMs, caller: { gone: gone.signal } };
    await granter.grant({ pod, request: requestOf(selector, resource), patience });
    await clock.sleep(400);
  }
}

it.each(ways)(
  '$name of a hundred pods delay another namespace by two turns at most',
  { timeout: 120_000 },
  async (way) => {
    const { clock, begun, granter, limits } = stage(way);
    for (let caller = 0; caller < (way.callers ?? callersOfPod); caller += 1)
      for (let pod = 0; pod < hostilePods; pod += 1)
        void beHostile(way, { clock, granter }, caller * hostilePods + pod);
    await clock.advance(3_000);
    expect(limits.waiting).toBeLessThanOrEqual(1_024);

    const before = begun.length;
    const victim = granter.grant({
      pod: podOf({ namespace: 'victim', name: 'web', uid: 'victim' }),
      request: requestOf('victim', 'https://vault.azure.net'),
      patience: { deadline: clock.elapsed() + holdMs, caller: { gone: new AbortController().signal } },
    });
    let outcome: string | undefined;
    void Promise.resolve(victim).then(({ kind }) => (outcome = kind));
    await clock.advance(500);
    expect(outcome).toBe('token');
    const turns = begun.slice(before).findIndex((name) => name.endsWith('victim'));
    expect(turns).toBeGreaterThanOrEqual(0);
    expect(turns).toBeLessThanOrEqual(2);
    await clock.advance(60_000);
    // Whatever came of all of it, nothing is left.
    expect(limits.waiting).toBe(0);
  },
);
