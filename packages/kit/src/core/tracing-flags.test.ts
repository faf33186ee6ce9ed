import { expect, it } from 'vitest';
import { readFlags } from './flags.ts';
import { tracingFlags, tracingOf } from './tracing-flags.ts';

const read = (env: Record<string, string>, argv: string[] = []) =>
  readFlags({ settings: tracingFlags, dropped: [] }, { argv, env });
const collector = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' };

it.each([
  [{}, undefined],
  [collector, { url: 'http://collector:4318/v1/traces', ratio: 1, serviceName: 'pod-identity-nmi' }],
  [
    { ...collector, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://other/traces', OTEL_SERVICE_NAME: 'agent' },
    { url: 'https://other/traces', ratio: 1, serviceName: 'agent' },
  ],
  [{ ...collector, OTEL_TRACES_SAMPLER: 'always_off' }, undefined],
  [{ ...collector, OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, undefined],
  [{ ...collector, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, undefined],
  [
    { ...collector, OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' },
    { url: 'http://collector:4318/v1/traces', ratio: 0.25, serviceName: 'pod-identity-nmi' },
  ],
  [
    { ...collector, OTEL_TRACES_SAMPLER: 'always_on', OTEL_TRACES_SAMPLER_ARG: '0.25' },
    { url: 'http://collector:4318/v1/traces', ratio: 1, serviceName: 'pod-identity-nmi' },
  ],
])('%j: %j', (env, expected) => {
  expect(tracingOf(read(env).values, 'nmi')).toEqual(expected);
});

it('a URL that is none is a problem that names the flag and gives an example', () => {
  expect(read(collector).problems).toEqual([]);
  expect(read({}, ['--otlp-endpoint=collector:4318', '--otlp-traces-endpoint=nothing']).problems).toEqual([
    {
      name: 'otlp-endpoint',
      message: expect.stringMatching(/--otlp-endpoint .*http:\/\/collector:4318/) as string,
    },
    { name: 'otlp-traces-endpoint', message: expect.stringContaining('--otlp-traces-endpoint') as string },
  ]);
});

const all = { url: 'http://collector:4318/v1/traces', ratio: 1, serviceName: 'pod-identity-mic' };

it.each([
  [{ ...collector, OTEL_TRACES_SAMPLER: 'xray', OTEL_TRACES_SAMPLER_ARG: 'endpoint=localhost:2000' }, 2, all],
  [{ ...collector, OTEL_TRACES_SAMPLER: 'parentbased_jaeger_remote' }, 1, all],
  [{ ...collector, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' }, 1, all],
  [{ ...collector, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'collector:4318' }, 1, all],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' }, 1, undefined],
])('variables that an operator injects do not stop a service: %j', (env, warnings, expected) => {
  const reading = read(env);
  expect([reading.problems, reading.warnings.length, tracingOf(reading.values, 'mic')]).toEqual([
    [],
    warnings,
    expected,
  ]);
});
