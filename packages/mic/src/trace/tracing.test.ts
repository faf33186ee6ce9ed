import type { SpanFacts, SpanStart, Tracer } from '@pod-identity/kit/core';
import { expect, it } from 'vitest';
import type { ArmClient } from '../azure/arm/arm-client.ts';
import { createTracing, untraced } from './tracing.ts';

function createNotes(): { readonly tracer: Tracer; readonly notes: unknown[] } {
  const notes: unknown[] = [];
  const run = <T>({ name, facts }: SpanStart, work: () => T): T => {
    notes.push([name, facts]);
    return work();
  };
  const tracer: Tracer = {
    trace: (of, start, work) => run({ ...start, name: `${of}: ${start.name}` }, work),
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

it('each pass is a trace of its lane', async () => {
  const { tracer, notes } = createNotes();
  const turns = { objects: () => Promise.resolve(1), azure: () => Promise.resolve(2), isGone: () => false };
  const traced = createTracing(tracer).turns(turns);
  expect([await traced.objects(undefined), await traced.azure(undefined)]).toEqual([1, 2]);
  expect(notes).toEqual([
    ['objects: pass', { 'pod_identity.lane': 'objects', 'pod_identity.host': '' }],
    ['azure: pass', { 'pod_identity.lane': 'azure', 'pod_identity.host': '' }],
  ]);
});

it('a call of ARM is a span with its path, without its query and the address of an operation', async () => {
  const { tracer, notes } = createNotes();
  const results: Awaited<ReturnType<ArmClient['send']>>[] = [
    { ok: true, value: { status: 200, body: {} } },
    { ok: false, failure: { kind: 'aborted' } },
  ];
  const client: ArmClient = {
    send: () => Promise.resolve(results.shift() ?? { ok: false, failure: { kind: 'aborted' } }),
    access: () => {
      throw new Error('not used');
    },
    close: () => undefined,
  };
  const arm = createTracing(tracer).arm(client);
  const { signal } = new AbortController();
  await arm.send({ method: 'GET', url: '/subscriptions/1/vm?api-version=2', signal });
  await arm.send({ method: 'GET', url: 'https://arm.example/operations/7?token=SECRET', signal });
  expect(notes).toEqual([
    ['ARM GET', { 'http.request.method': 'GET', 'url.path': '/subscriptions/1/vm' }],
    { 'pod_identity.result': 'ok', 'http.response.status_code': 200 },
    ['ARM GET', { 'http.request.method': 'GET', 'url.path': 'operation' }],
    { 'pod_identity.result': 'aborted' },
  ]);
});
