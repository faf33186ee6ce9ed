import type { FlagReading, FlagSpec } from './flag-spec.ts';

/** Where and how traces are exported. */
export interface TracingSettings {
  /** The whole URL. */
  readonly url: string;
  /** Share of the traces that are exported. */
  readonly ratio: number;
  readonly serviceName: string;
}

const samplers = ['always_on', 'always_off', 'traceidratio'] as const;

/**
 * The names of OpenTelemetry's specification, so that an operator that injects variables works. What such an operator gives is legal there,
 * and must not stop a service where it is not supported.
 */
export const tracingFlags = [
  {
    name: 'otlp-endpoint',
    kind: 'string',
    default: '',
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    isUrl: true,
    isEnvShared: true,
    help: 'URL of an OpenTelemetry collector that takes OTLP over HTTP, such as http://collector:4318; traces go to its path /v1/traces, as JSON. Empty: no traces. A variable that is no such URL is logged and not used.',
  },
  {
    name: 'otlp-traces-endpoint',
    kind: 'string',
    default: '',
    env: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    isUrl: true,
    isEnvShared: true,
    help: 'The same as a whole URL, instead of --otlp-endpoint.',
  },
  {
    name: 'traces-sampler',
    kind: 'string',
    default: 'parentbased_always_on',
    env: 'OTEL_TRACES_SAMPLER',
    isEnvShared: true,
    choices: [...samplers, ...samplers.map((name) => `parentbased_${name}`)],
    help: 'Which traces are exported. Traces of callers are never continued, so that no pod decides. A variable that names another sampler is logged and not used.',
  },
  {
    name: 'traces-sampler-arg',
    kind: 'number',
    default: 1,
    min: 0,
    max: 1,
    env: 'OTEL_TRACES_SAMPLER_ARG',
    isEnvShared: true,
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
