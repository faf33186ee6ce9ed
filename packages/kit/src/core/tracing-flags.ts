import type { FlagProblem, FlagReading, FlagSpec } from './flag-spec.ts';

/** Where and how traces are exported. */
export interface TracingSettings {
  /** The whole URL. */
  readonly url: string;
  /** Share of the traces that are exported. */
  readonly ratio: number;
  readonly serviceName: string;
}

const samplers = ['always_on', 'always_off', 'traceidratio'] as const;

/** The names of OpenTelemetry's specification, so that an operator that injects variables works. */
export const tracingFlags = [
  {
    name: 'otlp-endpoint',
    kind: 'string',
    default: '',
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    help: 'URL of an OpenTelemetry collector that takes OTLP over HTTP, such as http://collector:4318; traces go to its path /v1/traces, as JSON. Empty: no traces.',
  },
  {
    name: 'otlp-traces-endpoint',
    kind: 'string',
    default: '',
    env: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    help: 'The same as a whole URL, instead of --otlp-endpoint.',
  },
  {
    name: 'traces-sampler',
    kind: 'string',
    default: 'parentbased_always_on',
    env: 'OTEL_TRACES_SAMPLER',
    choices: [...samplers, ...samplers.map((name) => `parentbased_${name}`)],
    help: 'Which traces are exported. Traces of callers are never continued, so that no pod decides.',
  },
  {
    name: 'traces-sampler-arg',
    kind: 'number',
    default: 1,
    min: 0,
    max: 1,
    env: 'OTEL_TRACES_SAMPLER_ARG',
    help: 'With a traceidratio sampler: the share of traces that is exported.',
  },
  {
    name: 'traces-service-name',
    kind: 'string',
    default: '',
    env: 'OTEL_SERVICE_NAME',
    help: 'Name of the service in traces. Empty: pod-identity-mic or pod-identity-nmi.',
  },
] as const satisfies readonly FlagSpec[];

/** What is wrong with the URLs. */
export function tracingProblems(reading: FlagReading): FlagProblem[] {
  return (['otlp-endpoint', 'otlp-traces-endpoint'] as const).flatMap((name) => {
    const text = reading.string(name);
    const protocol = URL.parse(text)?.protocol;
    return text === '' || protocol === 'http:' || protocol === 'https:'
      ? []
      : [{ name, message: `--${name} is no URL with http or https: give one such as http://collector:4318` }];
  });
}

/** Undefined: no traces. */
export function tracingOf(reading: FlagReading, program: 'mic' | 'nmi'): TracingSettings | undefined {
  const url = reading.string('otlp-traces-endpoint') || tracesPathOf(reading.string('otlp-endpoint'));
  const ratio = ratioOf(reading);
  if (url === '' || ratio === 0) return undefined;
  return { url, ratio, serviceName: reading.string('traces-service-name') || `pod-identity-${program}` };
}

function tracesPathOf(endpoint: string): string {
  return endpoint === '' ? '' : `${endpoint.replace(/\/+$/, '')}/v1/traces`;
}

function ratioOf(reading: FlagReading): number {
  const sampler = reading.string('traces-sampler').replace('parentbased_', '');
  if (sampler === 'always_off') return 0;
  return sampler === 'traceidratio' ? reading.number('traces-sampler-arg') : 1;
}
