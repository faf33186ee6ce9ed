// Room: spans of the requests of pods: wraps the ports of other rooms where traces are exported.
// It must not change an outcome, or note a token, a secret or a text that a caller chose.
import { noted, type SpanFacts, type Tracer } from '@pod-identity/kit/core';
import type { AccessGuard } from '../access/guard.ts';
import type { ReviewUse } from '../access/types.ts';
import type { Authorizer } from '../authorize/authorizer.ts';
import type { Decision } from '../authorize/types.ts';
import { andThen } from '../handle/and-then.ts';
import type { CallerResult } from '../identify/results.ts';
import type { CallerFinder } from '../identify/find-caller.ts';
import type { App } from '../request/wire.ts';
import type { SentResponse, Outcome } from '../respond/outcome.ts';
import { reasonOf } from '../respond/reason-of.ts';
import type { TokenSource } from '../tokens/source.ts';
import type { TokenSubject, TokenUpstream } from '../tokens/types.ts';
import type { TurnQueue } from '../waiting/turn-queues.ts';

const same = <T>(port: T): T => port;

/** Without a tracer every port stays what it is. */
export const untraced: Tracing = {
  app: same,
  onSent: same,
  onWaited: same,
  callers: same,
  authorizer: same,
  access: same,
  reviews: same,
  tokens: same,
  upstream: same,
  queue: same,
};

/** Each returns the port that it is given, with spans around its calls. */
export type Tracing = ReturnType<typeof around> & ReturnType<typeof beneath>;

export function createTracing(tracer: Tracer | undefined): Tracing {
  return tracer ? { ...around(tracer), ...beneath(tracer) } : untraced;
}

/** The steps of a request. */
function around(tracer: Tracer) {
  return {
    app: ({ respond }: App): App => ({
      respond: (request) =>
        // A traceparent of the caller is not read: a pod must not decide what is traced.
        tracer.trace(request.peer, { name: 'request', kind: 'server' }, () => respond(request)),
    }),
    onSent: (pass: (sent: SentResponse) => void) => (sent: SentResponse) => {
      tracer.note(factsOfResponse(sent));
      pass(sent);
    },
    onWaited: (pass: (ms: number) => void) => (ms: number) => {
      tracer.note({ 'pod_identity.assignment_wait_ms': ms });
      pass(ms);
    },
    callers: (callers: CallerFinder): CallerFinder => ({
      find: (address, connection, patience) =>
        tracer.span({ name: 'find pod' }, () =>
          andThen(callers.find(address, connection, patience), (found) =>
            noted(tracer, found, factsOfCaller),
          ),
        ),
    }),
    authorizer: (authorizer: Authorizer): Authorizer => ({
      decide: (pod, selector, refused) =>
        tracer.span({ name: 'decide' }, () =>
          noted(tracer, authorizer.decide(pod, selector, refused), factsOfDecision),
        ),
    }),
    access: (guard: AccessGuard): AccessGuard => ({
      now: (access, tenant) => guard.now(access, tenant),
      review: (access, tenant) =>
        tracer.span({ name: 'access' }, async () =>
          noted(tracer, await guard.review(access, tenant), ({ verdict }) => ({
            'pod_identity.verdict': verdict,
          })),
        ),
    }),
  };
}

/** What a request has to wait for. */
function beneath(tracer: Tracer) {
  return {
    reviews:
      (review: ReviewUse): ReviewUse =>
      (request, signal) =>
        tracer.span({ name: 'review by the API server', kind: 'client' }, async () =>
          noted(tracer, await review(request, signal), (isAllowed) => ({
            'pod_identity.allowed': isAllowed,
          })),
        ),
    tokens: (tokens: TokenSource): TokenSource => ({
      ...tokens,
      cached: (wanted, caller) =>
        tracer.span({ name: 'token from memory' }, () =>
          noted(tracer, tokens.cached(wanted, caller), (issued) => ({
            'pod_identity.hit': issued !== undefined,
          })),
        ),
      get: (wanted, caller) =>
        tracer.span({ name: 'token' }, async () =>
          noted(tracer, await tokens.get(wanted, caller), ({ from }) => ({ 'pod_identity.from': from })),
        ),
    }),
    upstream: (upstream: TokenUpstream): TokenUpstream => ({
      requestToken: (wanted) =>
        tracer.span(
          { name: upstreamOf(wanted.subject), kind: 'client', facts: factsOfSubject(wanted.subject) },
          () => upstream.requestToken(wanted),
        ),
    }),
    queue: (queue: TurnQueue): TurnQueue => ({
      get waiting() {
        return queue.waiting;
      },
      // Its turn is announced by whoever leaves the queue, from within another request.
      enter: (tenant, waiter) =>
        queue.enter(tenant, {
          begin: tracer.bind((leave) => waiter.begin(leave)),
          giveUp: tracer.bind((why) => waiter.giveUp(why)),
        }),
    }),
  };
}

const namedByCaller: ReadonlySet<Outcome['kind']> = new Set(['unknown-pod', 'unconfirmed']);

function factsOfResponse({ route, outcome, status }: SentResponse): SpanFacts {
  const reason = reasonOf(outcome);
  return {
    'pod_identity.route': route,
    'pod_identity.outcome': outcome.kind,
    'http.response.status_code': status,
    // The name of an unknown pod, or of one that the API server did not confirm, may be what the caller wrote.
    ...('pod' in outcome && !namedByCaller.has(outcome.kind) && factsOfPod(outcome.pod)),
    ...(reason !== undefined && { 'pod_identity.reason': reason }),
    ...factsOfToken(outcome),
  };
}

function factsOfToken(outcome: Outcome): SpanFacts {
  return outcome.kind === 'token' || outcome.kind === 'host-token'
    ? { 'pod_identity.from': outcome.from, 'pod_identity.identity': outcome.identity }
    : {};
}

/** The names of OpenTelemetry's conventions. */
function factsOfPod(key: string): SpanFacts {
  const [namespace = '', name = ''] = key.split('/');
  return { 'k8s.namespace.name': namespace, 'k8s.pod.name': name };
}

function factsOfCaller(found: CallerResult): SpanFacts {
  const pod = 'pod' in found ? factsOfPod(found.pod.key) : {};
  return { 'pod_identity.caller': found.kind, ...pod };
}

function factsOfDecision(decision: Decision): SpanFacts {
  const identity = decision.kind === 'allow' ? { 'pod_identity.identity': decision.identity.name } : {};
  return { 'pod_identity.decision': decision.kind, ...identity };
}

function upstreamOf({ kind }: TokenSubject): string {
  switch (kind) {
    case 'service-principal':
      return 'token by Entra';
    case 'federated':
      return 'token by the broker';
    case 'identity':
    case 'machine':
      return 'token by the metadata service';
  }
}

function factsOfSubject(subject: TokenSubject): SpanFacts {
  return subject.kind === 'machine' ? {} : { 'pod_identity.identity': subject.name };
}
