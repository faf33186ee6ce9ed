// Random histories of bindings, rights, the annotation of the pod and outages of the API server, during which the pod asks for tokens.
import { createFakeClock } from '@pod-identity/kit/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  binding,
  clientIdOf,
  identity,
  issuedTo,
  openQueue,
  pod as podOf,
  rules as usual,
  viewOf,
  type World,
} from '../../test/builders.ts';
import { createAccessGuard } from '../access/guard.ts';
import { createVerdicts } from '../access/verdicts.ts';
import { createAuthorizer } from '../authorize/authorizer.ts';
import type { AuthorizeRules } from '../authorize/types.ts';
import type { Selector } from '../request/token-request.ts';
import type { Outcome } from '../respond/outcome.ts';
import { createTokenSource } from '../tokens/source.ts';
import { createCallerLimits } from '../waiting/caller-limits.ts';
import { createGranter } from './grant.ts';

const rules: AuthorizeRules = { ...usual, forceNamespaced: true, identityAccess: 'rbac' };
const [maxAgeMs, graceMs, holdMs] = [15_000, 60_000, 8_000];
/** After so long every change is known to the guard, if the API server answers. */
const settledMs = 2 * maxAgeMs;
/** Two of the pod's namespace, and one of each of two others that it accepts. */
const names = ['a', 'b', 'c', 'd'] as const;
type Name = (typeof names)[number];
const namespaceOf: Readonly<Record<Name, string>> = { a: 'default', b: 'default', c: 'data', d: 'tools' };
const isGuest = (name: Name) => namespaceOf[name] !== 'default';
const identities = names.map((name) =>
  identity({
    name,
    namespace: namespaceOf[name],
    spec: isGuest(name) ? { allowedNamespaces: { names: ['default'] } } : {},
  }),
);

interface State {
  readonly bound: ReadonlySet<Name>;
  readonly allowed: ReadonlySet<Name>;
  readonly api: 'answers' | 'fails' | 'hangs';
  readonly isDefault: Name | undefined;
}
type Step =
  | { readonly kind: 'become'; readonly change: (state: State) => State }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'use'; readonly by: Name | undefined };

const toggled = (set: ReadonlySet<Name>, name: Name) =>
  set.has(name) ? new Set([...set].filter((one) => one !== name)) : new Set([...set, name]);
const aName = fc.constantFrom(...names);
const become = (change: fc.Arbitrary<(state: State) => State>) =>
  change.map((change): Step => ({ kind: 'become', change }));
const step: fc.Arbitrary<Step> = fc.oneof(
  become(aName.map((name) => (state) => ({ ...state, bound: toggled(state.bound, name) }))),
  become(aName.map((name) => (state) => ({ ...state, allowed: toggled(state.allowed, name) }))),
  become(
    fc
      .constantFrom<State['api']>('answers', 'answers', 'fails', 'hangs')
      .map((api) => (state) => ({ ...state, api })),
  ),
  become(fc.option(aName, { nil: undefined }).map((isDefault) => (state) => ({ ...state, isDefault }))),
  fc.integer({ min: 1, max: 40_000 }).map((ms): Step => ({ kind: 'pass', ms })),
  fc.option(aName, { nil: undefined, freq: 1 }).map((by): Step => ({ kind: 'use', by })),
  fc.option(aName, { nil: undefined, freq: 1 }).map((by): Step => ({ kind: 'use', by })),
);

const worldOf = ({ bound }: State): World => ({
  identities,
  bindings: [...bound].map((name) => binding(name, { namespace: namespaceOf[name] })),
  namespaces: [
    {
      name: 'default',
      labels: {
        'identities-from.aadpodidentity.k8s.io/data': 'true',
        'identities-from.aadpodidentity.k8s.io/tools': 'true',
      },
      access: undefined,
    },
  ],
});
const podIn = ({ isDefault }: State) =>
  podOf(isDefault === undefined ? {} : { defaultIdentity: `${namespaceOf[isDefault]}/${isDefault}` });

function startAgent(first: State) {
  const clock = createFakeClock(1_000_000);
  const cluster = viewOf(worldOf(first));
  let [state, pod] = [first, podIn(first)];
  const verdicts = createVerdicts({
    maxAgeMs,
    graceMs,
    clock,
    reviewUse: ({ name }) => {
      if (state.api === 'hangs') return new Promise(() => undefined);
      if (state.api === 'fails') return Promise.reject(new Error('503'));
      return Promise.resolve(state.allowed.has(name.split('/').at(-1) as Name));
    },
    onReviewed: () => undefined,
  });
  const nobody = { known: () => undefined, read: () => Promise.resolve(undefined) };
  const stranger = { isRefused: () => true, looked: Promise.resolve() };
  const granter = createGranter({
    authorizer: createAuthorizer(cluster.view, rules),
    latest: () => pod,
    changes: cluster.changes,
    tokens: createTokenSource({
      upstream: {
        requestToken: async ({ subject }) => {
          await clock.sleep(100);
          const name = subject.kind === 'identity' ? (subject.name.split('/')[1] ?? '') : '';
          return issuedTo(name, { now: clock.now() });
        },
      },
      clock,
      random: () => 0,
      queueFor: () => openQueue,
    }),
    limits: createCallerLimits({
      waiting: { total: 100, perNamespace: 100, perPod: 100 },
      upstreamBurst: 1_000,
      upstreamPerSecond: 1_000,
    }),
    access: createAccessGuard({ verdicts, machine: nobody, stranger, clock, onWouldRefuse: () => undefined }),
    clock,
    onWaited: () => undefined,
    bindingGraceMs: 60_000,
  });
  return {
    clock,
    become(next: State) {
      if (next.isDefault !== state.isDefault) pod = podIn(next);
      state = next;
      cluster.change(worldOf(next));
    },
    ask: async (selector: Selector) =>
      granter.grant({
        pod,
        request: { resource: 'https://vault.azure.net', selector, bypassCache: false },
        patience: { deadline: clock.elapsed() + holdMs, caller: { gone: new AbortController().signal } },
      }),
  };
}

interface Span {
  readonly from: number;
  readonly state: State;
}
interface Used {
  readonly by: Name | undefined;
  readonly outcome: Outcome;
  readonly from: number;
  readonly at: number;
}

/** What held, and did not, from before a request until its outcome. */
function lookBack({ from, at }: Used, spans: readonly Span[]) {
  const since = (start: number) =>
    spans
      .filter((span, index) => span.from <= at && (spans[index + 1]?.from ?? Infinity) >= start)
      .map(({ state }) => state);
  const [during, settled] = [since(from), since(from - settledMs)];
  const isHealthy = settled.every(({ api }) => api === 'answers');
  return {
    isHealthy,
    isUnmarked: during.every(({ isDefault }) => isDefault === undefined),
    isBound: (name: Name) => during.every(({ bound }) => bound.has(name)),
    isUnbound: (name: Name) => during.every(({ bound }) => !bound.has(name)),
    mayUse: (name: Name) => isHealthy && settled.every(({ allowed }) => allowed.has(name)),
    mayNotUse: (name: Name) => isHealthy && settled.every(({ allowed }) => !allowed.has(name)),
    wasDenied: (name: Name) =>
      since(at - maxAgeMs).every(({ api, allowed }) => api === 'answers' && !allowed.has(name)),
    wasAllowed: (name: Name) =>
      since(at - graceMs).some(({ api, allowed }) => api === 'answers' && allowed.has(name)),
  };
}
type Past = ReturnType<typeof lookBack>;

/** What must not be. */
function wrongIn(used: Used, spans: readonly Span[]): string | undefined {
  const { by, outcome } = used;
  const past = lookBack(used, spans);
  if (outcome.kind === 'token') {
    const name = outcome.identity.split('/')[1] as Name;
    if (by !== undefined && name !== by) return `a token of ${name}, not of ${by}`;
    return (
      wrongToken(name, past) ?? (by === undefined && past.isUnmarked ? wrongChoice(name, past) : undefined)
    );
  }
  return by === undefined && past.isUnmarked ? wrongRefusal(outcome, past) : undefined;
}

function wrongToken(name: Name, past: Past): string | undefined {
  if (past.isUnbound(name)) return `a token of ${name}, which is not bound`;
  if (past.wasDenied(name)) return `a token of ${name} without the right`;
  return past.wasAllowed(name)
    ? undefined
    : `a token of ${name}, whose right was not confirmed within the grace`;
}

function wrongChoice(name: Name, { isBound, mayUse }: Past): string | undefined {
  if (!isBound(name)) return undefined;
  const others = names.filter((one) => one !== name && isBound(one));
  const rival = others.find((one) => isGuest(one) === isGuest(name) && mayUse(one));
  if (rival !== undefined) return `a token of ${name}, although ${rival} may be meant too`;
  const host = isGuest(name) ? others.find((one) => !isGuest(one)) : undefined;
  return host === undefined ? undefined : `a token of the guest ${name} in place of ${host}`;
}

function wrongRefusal(outcome: Outcome, past: Past): string | undefined {
  const possible = names.filter((one) => !isGuest(one) && !past.isUnbound(one) && !past.mayNotUse(one));
  const [only, ...others] = possible;
  if (!past.isHealthy || only === undefined || others.length > 0) return undefined;
  return past.isBound(only) && past.mayUse(only)
    ? `${outcome.kind} instead of a token of ${only}`
    : undefined;
}

async function play(steps: readonly Step[]): Promise<void> {
  let state: State = {
    bound: new Set(['a', 'b']),
    allowed: new Set(['a']),
    api: 'answers',
    isDefault: undefined,
  };
  const agent = startAgent(state);
  const { clock } = agent;
  const spans: Span[] = [{ from: -Infinity, state }];
  const used: Used[] = [];
  let asked = 0;
  for (const one of steps) {
    if (one.kind === 'pass') await clock.advance(one.ms);
    else if (one.kind === 'become') {
      state = one.change(state);
      spans.push({ from: clock.now(), state });
      agent.become(state);
    } else {
      const from = clock.now();
      asked += 1;
      const selector: Selector =
        one.by === undefined ? { by: 'nothing' } : { by: 'client-id', value: clientIdOf(one.by) };
      void agent.ask(selector).then((outcome) => used.push({ by: one.by, outcome, from, at: clock.now() }));
      await clock.advance(0);
    }
  }
  await clock.advance(60_000);
  expect(used).toHaveLength(asked);
  expect(used.map((one) => wrongIn(one, spans)).filter((wrong) => wrong !== undefined)).toEqual([]);
}

it('no history gives a token without binding and right, or of one identity where another may be meant', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), play), {
    numRuns: 1_000,
  });
});
