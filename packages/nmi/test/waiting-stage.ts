// A granter with real verdicts at the default settings, and everything around it that a test changes while requests wait.
import { createFakeClock } from '@pod-identity/kit/testing';
import { createAccessGuard } from '../src/access/guard.ts';
import { createVerdicts } from '../src/access/verdicts.ts';
import { createAuthorizer } from '../src/authorize/authorizer.ts';
import type { AuthorizeRules } from '../src/authorize/types.ts';
import { createGranter } from '../src/handle/grant.ts';
import type { PodView } from '../src/identify/pod-view.ts';
import type { Selector } from '../src/request/token-request.ts';
import type { Outcome } from '../src/respond/outcome.ts';
import { TokenError } from '../src/tokens/errors.ts';
import { createMetadataPace } from '../src/tokens/metadata/pace.ts';
import { createTokenSource } from '../src/tokens/source.ts';
import { createCallerLimits } from '../src/waiting/caller-limits.ts';
import { issuedTo, openQueue, pod as podOf, rules as usual, viewOf, type World } from './builders.ts';

/** Of the flags --hold, --binding-grace, --access-max-age and --access-grace. */
export const holdMs = 25_000;
export const bindingGraceMs = 60_000;
const accessAges = { maxAgeMs: 15_000, graceMs: 600_000 };

export interface WaitingDraft {
  readonly world: World;
  readonly mode?: AuthorizeRules['identityAccess'];
  readonly over?: Partial<AuthorizeRules>;
  /** Without it: the pod has started long ago. */
  readonly acceptedAt?: number;
  /** Requests to the metadata service begin in their turns; default: at once. */
  readonly isPaced?: boolean;
}

/** What a test changes. */
export interface WaitingState {
  /** Last parts of the resource ids that the ServiceAccount may use. */
  allowed: ReadonlySet<string>;
  api: 'answers' | 'fails' | 'hangs';
  /** Of a review, and of a request to the metadata service. */
  reviewMs: number;
  tokenMs: number;
  /** Whether the machine has the identity. */
  isAttached: (name: string) => boolean;
  pod: PodView | undefined;
}

export interface Ended {
  outcome?: Outcome;
  /** Since the request. */
  afterMs?: number;
}

const lastPart = (id: string) => id.split('/').at(-1) ?? '';

export function startWaiting({ world, mode = 'rbac', over = {}, acceptedAt, isPaced = false }: WaitingDraft) {
  const clock = createFakeClock(1_000_000);
  const cluster = viewOf(world);
  const state: WaitingState = {
    allowed: new Set(),
    api: 'answers',
    reviewMs: 50,
    tokenMs: 50,
    isAttached: () => true,
    pod: podOf(acceptedAt === undefined ? {} : { acceptedAt: clock.now() + acceptedAt }),
  };
  const pace = createMetadataPace(clock);
  const asked: string[] = [];
  const reviews: { readonly name: string; readonly at: number }[] = [];
  const verdicts = createVerdicts({
    ...accessAges,
    clock,
    reviewUse: async ({ name, resource }) => {
      reviews.push({ name: `${resource} ${lastPart(name)}`, at: clock.now() });
      if (state.api === 'hangs') return new Promise(() => undefined);
      await clock.sleep(state.reviewMs);
      if (state.api === 'fails') throw new Error('503');
      return state.allowed.has(lastPart(name));
    },
    onReviewed: () => undefined,
  });
  const tokens = createTokenSource({
    upstream: {
      requestToken: async ({ subject }) => {
        const name = subject.kind === 'identity' ? lastPart(subject.resourceId) : 'machine';
        asked.push(name);
        await clock.sleep(state.tokenMs);
        if (!state.isAttached(name)) throw new TokenError('not-on-host', 'Identity not found');
        return issuedTo(name, { now: clock.now() });
      },
    },
    clock,
    random: () => 0,
    queueFor: (_, lastAnswer) => (isPaced ? pace.tokens[lastAnswer] : openQueue),
  });
  cluster.onAssigned(tokens.hint);
  const granter = createGranter({
    authorizer: createAuthorizer(cluster.view, { ...usual, ...over, identityAccess: mode }),
    latest: ({ key }) => (state.pod?.key === key ? state.pod : undefined),
    changes: cluster.changes,
    tokens,
    limits: createCallerLimits({
      waiting: { total: 2_048, perNamespace: 1_024, perPod: 512 },
      upstreamBurst: 20,
      upstreamPerSecond: 4,
    }),
    access: createAccessGuard({
      verdicts,
      machine: { known: () => undefined, read: () => Promise.resolve(undefined) },
      stranger: { isRefused: () => true, looked: Promise.resolve() },
      clock,
      onWouldRefuse: () => undefined,
    }),
    clock,
    onWaited: () => undefined,
    bindingGraceMs,
  });

  const ask = (
    given: { selector?: Selector; gone?: AbortSignal; pod?: PodView; receivedAt?: number } = {},
  ): Ended => {
    const { selector = { by: 'nothing' }, gone = new AbortController().signal, pod = state.pod } = given;
    if (!pod) throw new Error('there is no pod');
    const [end, startedAt]: [Ended, number] = [{}, clock.elapsed()];
    const { receivedAt = startedAt } = given;
    const request = { resource: 'https://vault.azure.net', selector, bypassCache: false };
    const patience = { deadline: receivedAt + holdMs, caller: { gone } };
    void Promise.resolve(granter.grant({ pod, request, patience })).then((outcome) => {
      end.outcome = outcome;
      end.afterMs = clock.elapsed() - startedAt;
    });
    return end;
  };
  return { clock, cluster, state, asked, reviews, ask };
}
