import { newFlag, type FlagValues } from './flag-table.ts';
import { number, oneOf, text, url } from './flag-type.ts';

/** Where and how traces are exported. */
export interface TracingSettings {
  /** The whole URL. */
  readonly url: string;
  /** Share of the traces that are exported. */
  readonly ratio: number;
  readonly serviceName: string;
}

const why = 'traces of requests; the original has none';

/**
 * The names of OpenTelemetry's specification, so that an operator that injects variables works. What such an operator gives is legal there,
 * and must not stop a service where it is not supported.
 */
export const tracingFlags = {
  endpoint: newFlag('otlp-endpoint', url(), {
    help: 'URL of an OpenTelemetry collector that takes OTLP over HTTP, such as http://collector:4318; traces go to its path /v1/traces, as JSON. Empty: no traces. A variable that is no such URL is logged and not used.',
    why,
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    isEnvShared: true,
  }),
  tracesEndpoint: newFlag('otlp-traces-endpoint', url(), {
    help: 'The same as a whole URL, instead of --otlp-endpoint.',
    why,
    env: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    isEnvShared: true,
  }),
  sampler: newFlag(
    'traces-sampler',
    oneOf('parentbased_always_on', [
      'always_on',
      'always_off',
      'traceidratio',
      'parentbased_always_on',
      'parentbased_always_off',
      'parentbased_traceidratio',
    ]),
    {
      help: 'Which traces are exported. Traces of callers are never continued, so that no pod decides. A variable that names another sampler is logged and not used.',
      why,
      env: 'OTEL_TRACES_SAMPLER',
      isEnvShared: true,
    },
  ),
  samplerArg: newFlag('traces-sampler-arg', number(1, { min: 0, max: 1 }), {
    help: 'With a traceidratio sampler: the share of traces that is exported.',
    why,
    env: 'OTEL_TRACES_SAMPLER_ARG',
    isEnvShared: true,
  }),
  serviceName: newFlag('traces-service-name', text(''), {
    help: 'Name of the service in traces. Empty: pod-identity-mic or pod-identity-nmi.',
    why,
    env: 'OTEL_SERVICE_NAME',
  }),
};

type TracingValues = FlagValues<typeof tracingFlags>;

/** Undefined: no traces. */
export function tracingOf(values: TracingValues, program: 'mic' | 'nmi'): TracingSettings | undefined {
  const address = values.tracesEndpoint || tracesPathOf(values.endpoint);
  const ratio = ratioOf(values);
  if (address === '' || ratio === 0) return undefined;
  return { url: address, ratio, serviceName: values.serviceName || `pod-identity-${program}` };
}

function tracesPathOf(endpoint: string): string {
  return endpoint === '' ? '' : `${endpoint.replace(/\/+$/, '')}/v1/traces`;
}

function ratioOf({ sampler, samplerArg }: TracingValues): number {
  if (sampler.endsWith('always_off')) return 0;
  return sampler.endsWith('traceidratio') ? samplerArg : 1;
}
