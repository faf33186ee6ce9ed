import type { SpanFacts, SpanStart, Tracer } from '@pod-identity/kit/core';
import { expect, it } from 'vitest';
import { issuedTo, pod } from '../../test/builders.ts';
import type { CallerFinder } from '../identify/find-caller.ts';
import type { SentResponse, Outcome } from '../respond/outcome.ts';
import { TokenError } from '../tokens/errors.ts';
import { createTracing, untraced } from './tracing.ts';

/** Spans and facts in the order in which they come. */
function createNotes(): { readonly tracer: Tracer; readonly notes: unknown[] } {
  const notes: unknown[] = [];
  const run = <T>({ name, kind, facts }: SpanStart, work: () => T): T => {
    const span = `${kind ?? 'internal'} ${name}`;
    notes.push(facts === undefined ? span : [span, facts]);
    return work();
  };
  const tracer: Tracer = {
    trace: (of, start, work) => {
      notes.push(`of ${of}`);
      return run(start, work);
    },
    span: run,
    note: (facts: SpanFacts) => void notes.push(facts),
    bind: (bound) => bound,
  };
  return { tracer, notes };
}

it('without a tracer every port stays what it is', () => {
  const port = {};
  expect(createTracing(undefined)).toBe(untraced);
  for (const wrap of Object.values(untraced) as ((port: object) => object)[]) expect(wrap(port)).toBe(port);
});

it('a request is a trace of its address, whatever its headers say', () => {
  const { tracer, notes } = createNotes();
  const response = { status: 200, headers: {}, body: '' };
  const app = createTracing(tracer).app({ respond: () => response });
  const headers = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
  const request = { peer: '10.0.0.7', headers } as unknown as SentResponse['request'];
  expect(app.respond(request)).toBe(response);
  expect(notes).toEqual(['of 10.0.0.7', 'server request']);
});

const issued = issuedTo('reader', { now: 0 });
it.each<[Outcome, SpanFacts]>([
  [
    {
      kind: 'token',
      pod: 'a/b',
      uid: 'u',
      identity: 'a/reader',
      from: 'miss',
      issued,
      resource: 'chosen by the caller',
    },
    {
      'k8s.namespace.name': 'a',
      'k8s.pod.name': 'b',
      'pod_identity.from': 'miss',
      'pod_identity.identity': 'a/reader',
    },
  ],
  [
    { kind: 'denied', pod: 'a/b', denial: { why: 'no-label' } },
    { 'k8s.namespace.name': 'a', 'k8s.pod.name': 'b', 'pod_identity.reason': 'no-label' },
  ],
  [
    { kind: 'token-failed', pod: 'a/b', why: 'throttled', description: 'chosen by Azure' },
    { 'k8s.namespace.name': 'a', 'k8s.pod.name': 'b', 'pod_identity.reason': 'azure-throttled' },
  ],
  [{ kind: 'unknown-pod', pod: 'chosen/by the caller' }, { 'pod_identity.reason': 'unknown-pod' }],
  [{ kind: 'unconfirmed', pod: 'chosen/by the caller' }, { 'pod_identity.reason': 'unconfirmed' }],
  [{ kind: 'starting' }, { 'pod_identity.reason': 'starting' }],
])('facts of the outcome %j', (outcome, facts) => {
  const { tracer, notes } = createNotes();
  const told: SentResponse[] = [];
  const answered = { outcome, route: 'token', status: 200, ms: 1 } as SentResponse;
  createTracing(tracer).onSent((one) => told.push(one))(answered);
  const common = {
    'pod_identity.route': 'token',
    'pod_identity.outcome': outcome.kind,
    'http.response.status_code': 200,
  };
  expect(notes).toEqual([{ ...common, ...facts }]);
  expect(told).toEqual([answered]);
});

it('which pod was found is noted', async () => {
  const { tracer, notes } = createNotes();
  const found = { kind: 'pod', pod: pod() } as const;
  const [now, later] = [found, Promise.resolve({ kind: 'none' } as const)].map((answer) =>
    createTracing(tracer).callers({ find: () => answer }),
  );
  const question = ['10.0.0.7', undefined, undefined] as unknown as Parameters<CallerFinder['find']>;
  expect(now?.find(...question)).toBe(found);
  expect(await later?.find(...question)).toEqual({ kind: 'none' });
  expect(notes).toEqual([
    'internal find pod',
    { 'pod_identity.caller': 'pod', 'k8s.namespace.name': 'default', 'k8s.pod.name': 'web' },
    'internal find pod',
    { 'pod_identity.caller': 'none' },
  ]);
});

it('a request to Azure is a span with the identity, and its failure is passed on', async () => {
  const { tracer, notes } = createNotes();
  const upstream = createTracing(tracer).upstream({
    requestToken: () => Promise.reject(new TokenError('throttled', 'wait')),
  });
  const wanted = { resource: 'r', bypassCache: false };
  const identity = { kind: 'service-principal', name: 'a/app' } as Parameters<
    typeof upstream.requestToken
  >[0]['subject'];
  await expect(upstream.requestToken({ ...wanted, subject: identity })).rejects.toThrow('wait');
  await expect(
    upstream.requestToken({ ...wanted, subject: { kind: 'machine', by: 'nothing' } }),
  ).rejects.toThrow('wait');
  expect(notes).toEqual([
    ['client token by Entra', { 'pod_identity.identity': 'a/app' }],
    ['client token by the metadata service', {}],
  ]);
});
