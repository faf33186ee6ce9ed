import { expect, it } from 'vitest';
import { readFlags } from './flags.ts';
import { tracingFlags, tracingOf, tracingProblems } from './tracing-flags.ts';

const read = (env: Record<string, string>, argv: string[] = []) => readFlags(tracingFlags, { argv, env });
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
  expect(tracingOf(read(env), 'nmi')).toEqual(expected);
});

it('a URL that is none is a problem that names the flag and gives an example', () => {
  expect(tracingProblems(read(collector))).toEqual([]);
  const reading = read({}, ['--otlp-endpoint=collector:4318', '--otlp-traces-endpoint=nothing']);
  expect(tracingProblems(reading)).toEqual([
    {
      name: 'otlp-endpoint',
      message: expect.stringMatching(/--otlp-endpoint .*http:\/\/collector:4318/) as string,
    },
    { name: 'otlp-traces-endpoint', message: expect.stringContaining('--otlp-traces-endpoint') as string },
  ]);
});
