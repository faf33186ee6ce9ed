import fc from 'fast-check';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import type { MetricSpecs } from '../core/metrics.ts';
import { createMetrics } from './metrics.ts';

const specs = {
  requests: {
    kind: 'counter',
    name: 'nmi_requests_total',
    help: 'Requests.',
    labels: { outcome: ['token', 'denied'], method: ['GET'] },
  },
  ready: { kind: 'gauge', name: 'nmi_ready', help: 'Ready.' },
  duration: {
    kind: 'histogram',
    name: 'nmi_seconds',
    help: 'Time.',
    labels: { outcome: ['token'] },
    buckets: [0.5, 1],
  },
} satisfies MetricSpecs;

describe('metrics', () => {
  test('C21 counters, gauges and histograms appear in the text format', async () => {
    const metrics = createMetrics(specs);
    metrics.count('requests', { outcome: 'token', method: 'GET' });
    metrics.count('requests', { outcome: 'token', method: 'GET' }, 2);
    metrics.set('ready', 1);
    metrics.observe('duration', 0.7, { outcome: 'token' });
    const lines = (await metrics.text()).split('\n');
    expect(lines).toContain('# HELP nmi_requests_total Requests.');
    expect(lines).toContain('nmi_requests_total{outcome="token",method="GET"} 3');
    expect(lines).toContain('nmi_ready 1');
    expect(lines).toContain('nmi_seconds_bucket{le="0.5",outcome="token"} 0');
    expect(lines).toContain('nmi_seconds_bucket{le="1",outcome="token"} 1');
  });

  test('a value outside the declared set is recorded as other, an undeclared label is dropped', async () => {
    const metrics = createMetrics(specs);
    const labels = { outcome: 'from-a-request', method: 'GET', stranger: 'x' };
    metrics.count('requests', labels);
    metrics.count('requests');
    const lines = (await metrics.text()).split('\n');
    expect(lines).toContain('nmi_requests_total{outcome="other",method="GET"} 1');
    expect(lines).toContain('nmi_requests_total{outcome="other",method="other"} 1');
    expect(lines.join()).not.toMatch(/from-a-request|stranger/);
  });

  test('two sets of metrics have separate registries; both include metrics of the process', async () => {
    createMetrics(specs).count('requests', { outcome: 'denied', method: 'GET' });
    const text = await createMetrics(specs).text();
    expect(text).toContain('nmi_requests_total{outcome="denied",method="GET"} 0');
    expect(text).toContain('process_resident_memory_bytes');
    expect(text).toContain('nodejs_eventloop_lag_seconds');
  });

  test('a counter has all its declared series from the start, so that its first event is an increase', async () => {
    const lines = (await createMetrics(specs).text()).split('\n').filter((line) => line.startsWith('nmi_'));
    expect(lines).toEqual([
      'nmi_requests_total{outcome="token",method="GET"} 0',
      'nmi_requests_total{outcome="denied",method="GET"} 0',
      'nmi_ready 0',
    ]);
  });

  test('the text equals that of prom-client for the same values', async () => {
    const outcomes = fc.constantFrom('token', 'denied', 'other');
    const told = fc.record({ outcome: outcomes, value: fc.double({ min: 0, max: 3, noNaN: true }) });
    await fc.assert(
      fc.asyncProperty(fc.array(told), async (values) => {
        const [metrics, library] = [createMetrics(specs), libraryMetrics()];
        for (const outcome of ['token', 'denied']) library.requests.inc({ outcome, method: 'GET' }, 0);
        for (const { outcome, value } of values) {
          metrics.count('requests', { outcome, method: 'GET' }, value);
          metrics.set('ready', value);
          metrics.observe('duration', value, { outcome: outcome === 'token' ? outcome : 'other' });
          library.requests.inc({ outcome, method: 'GET' }, value);
          library.ready.set(value);
          library.duration.observe({ outcome: outcome === 'token' ? outcome : 'other' }, value);
        }
        const ours = (await metrics.text()).split('\n').filter((line) => line.includes('nmi_'));
        const theirs = (await library.registry.metrics()).split('\n').filter((line) => line !== '');
        expect(ours.sort()).toEqual(theirs.sort());
      }),
      { numRuns: 50 },
    );
  });

  test('a value that is not a number is not recorded', async () => {
    const metrics = createMetrics(specs);
    expect(() => metrics.observe('duration', Number.NaN, { outcome: 'token' })).toThrow(TypeError);
    expect(await metrics.text()).not.toContain('NaN');
  });
});

function libraryMetrics() {
  const registry = new Registry();
  const common = { registers: [registry] };
  const { requests, ready, duration } = specs;
  return {
    registry,
    requests: new Counter({ ...common, ...named(requests), labelNames: ['outcome', 'method'] }),
    ready: new Gauge({ ...common, ...named(ready) }),
    duration: new Histogram({ ...common, ...named(duration), labelNames: ['outcome'], buckets: [0.5, 1] }),
  };
}

const named = ({ name, help }: { readonly name: string; readonly help: string }) => ({ name, help });
