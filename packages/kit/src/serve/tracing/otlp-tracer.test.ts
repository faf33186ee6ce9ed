import { createFakeClock, startOtlpCollector, type OtlpCollector } from '@pod-identity/kit/testing';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLog } from '../log.ts';
import { openTracer } from './open-tracer.ts';
import type { OpenTracer } from './otlp-tracer.ts';

let collector: OtlpCollector;
let tracer: OpenTracer;
const lines: string[] = [];
const clock = createFakeClock();

const open = async (url: string, ratio = 1): Promise<OpenTracer> => {
  const log = createLog({ component: 'nmi', destination: { write: (line) => lines.push(line) } });
  const options = { version: '1', instance: 'node-1', clock, log };
  const opened = await openTracer({ url: `${url}/v1/traces`, ratio, serviceName: 'nmi' }, options);
  if (!opened) throw new Error('no tracer');
  return opened;
};
beforeEach(async () => {
  lines.length = 0;
  collector = await startOtlpCollector();
  tracer = await open(collector.url);
});
afterEach(() => collector.close());

const namesByParent = () => {
  const nameOf = new Map(collector.spans.map(({ spanId, name }) => [spanId, name]));
  return collector.spans
    .map(({ name, parentSpanId }) => `${nameOf.get(parentSpanId) ?? ''} > ${name}`)
    .sort();
};

test('spans of one trace form a tree, also after a wait, and have the facts that were noted', async () => {
  await tracer.trace('10.0.0.1', { name: 'request', kind: 'server' }, async () => {
    await turn();
    expect(tracer.span({ name: 'decide', facts: { pod: 'a/b' } }, () => 7)).toBe(7);
    await tracer.span({ name: 'token' }, async () => {
      await turn();
      await tracer.span({ name: 'ask', kind: 'client' }, () => turn());
    });
    tracer.note({ outcome: 'token' });
  });
  await tracer.close();
  expect(namesByParent()).toEqual([' > request', 'request > decide', 'request > token', 'token > ask']);
  expect(new Set(collector.spans.map(({ traceId }) => traceId)).size).toBe(1);
  const [request, decide] = ['request', 'decide'].map((name) =>
    collector.spans.find((span) => span.name === name),
  );
  expect(request).toMatchObject({ service: 'nmi', kind: 2, attributes: { outcome: 'token' }, status: 0 });
  expect(decide).toMatchObject({ attributes: { pod: 'a/b' } });
});

test('outside a trace work runs without a span, and a trace within another is one of its own', async () => {
  expect(tracer.span({ name: 'lonely' }, () => 1)).toBe(1);
  tracer.note({ nowhere: true });
  tracer.trace('a', { name: 'outer' }, () => tracer.trace('b', { name: 'inner' }, () => undefined));
  await tracer.close();
  expect(namesByParent()).toEqual([' > inner', ' > outer']);
});

test('a failure is passed on; the span has its code or class, and not its message', async () => {
  const fail = () => {
    throw Object.assign(new Error('secret'), { code: 'throttled' });
  };
  tracer.trace('a', { name: 'request' }, () => {
    expect(() => tracer.span({ name: 'sync' }, fail)).toThrow('secret');
  });
  await expect(
    tracer.trace('a', { name: 'late' }, () => turn().then(() => Promise.reject(new RangeError('secret')))),
  ).rejects.toThrow(RangeError);
  await tracer.close();
  const failures = collector.spans
    .filter(({ status }) => status === 2)
    .map((span) => [span.name, span.attributes['error.type']]);
  expect(failures.sort()).toEqual([
    ['late', 'RangeError'],
    ['sync', 'throttled'],
  ]);
  expect(JSON.stringify(collector.spans)).not.toContain('secret');
});

test('a function that another trace calls later belongs to the trace in which it was bound', async () => {
  const later = tracer.trace('a', { name: 'first' }, () =>
    tracer.bind(() => tracer.span({ name: 'turn' }, () => 3)),
  );
  tracer.trace('b', { name: 'second' }, () => expect(later()).toBe(3));
  await tracer.close();
  expect(namesByParent()).toContain('first > turn');
});

test('one caller begins 20 traces at once and 5 a second, and leaves room for the others', async () => {
  const begin = (caller: string) =>
    tracer.trace(caller, { name: caller }, () => tracer.span({ name: 'part' }, () => undefined));
  for (let count = 0; count < 1_000; count += 1) begin('greedy');
  begin('modest');
  await clock.advance(1_000);
  for (let count = 0; count < 1_000; count += 1) begin('greedy');
  await tracer.close();
  const traces = collector.spans.filter(({ name }) => name !== 'part').map(({ name }) => name);
  expect(traces.filter((name) => name === 'greedy')).toHaveLength(25);
  expect(traces.filter((name) => name === 'modest')).toHaveLength(1);
  // What is not traced has no parts either.
  expect(collector.spans).toHaveLength(2 * 26);
});

test('a share of 0 exports nothing', async () => {
  const none = await open(collector.url, 0);
  none.trace('a', { name: 'request' }, () => none.span({ name: 'part' }, () => undefined));
  await none.close();
  expect(collector.spans).toEqual([]);
  await tracer.close();
});

test('a collector that refuses is reported once, and work goes on', async () => {
  collector.status = 400;
  const beginAndClose = async () => {
    const one = await open(collector.url);
    expect(one.trace('a', { name: 'request' }, () => 1)).toBe(1);
    await one.close();
  };
  await beginAndClose();
  expect(collector.requests).toBe(1);
  expect(lines.filter((line) => line.includes('traces cannot be exported'))).toHaveLength(1);
  expect(collector.spans).toEqual([]);
  await tracer.close();
});

test('without settings nothing is opened', async () => {
  const log = createLog({ component: 'nmi', destination: { write: () => undefined } });
  expect(await openTracer(undefined, { version: '1', instance: 'n', clock, log })).toBeUndefined();
  await tracer.close();
});

test('a trace has at most 64 spans, and work beyond goes on without one', async () => {
  const results = tracer.trace('a', { name: 'request' }, () =>
    Array.from({ length: 200 }, (_, index) => {
      const result = tracer.span({ name: 'decide' }, () => index);
      tracer.note({ last: index });
      return result;
    }),
  );
  tracer.trace('b', { name: 'another' }, () => tracer.span({ name: 'decide' }, () => undefined));
  await tracer.close();
  expect(results).toHaveLength(200);
  const [first] = collector.spans.filter(({ name }) => name === 'request');
  expect(first?.attributes).toEqual({ last: 199 });
  expect(collector.spans.filter(({ traceId }) => traceId === first?.traceId)).toHaveLength(64);
  expect(namesByParent()).toContain('another > decide');
});
