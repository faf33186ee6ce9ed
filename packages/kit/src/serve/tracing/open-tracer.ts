// Room: traces: whether they are exported, and OpenTelemetry's SDK that exports them.
// It must not know what is traced, or load the SDK where no traces are exported.
import type { TracingSettings } from '../../core/tracing-flags.ts';
import type { OpenTracer, TracerOptions } from './otlp-tracer.ts';

/** Loads OpenTelemetry's SDK only if traces are to be exported: it takes memory and time at start. */
export async function openTracer(
  settings: TracingSettings | undefined,
  options: TracerOptions,
): Promise<OpenTracer | undefined> {
  if (settings === undefined) return undefined;
  const { createOtlpTracer } = await import('./otlp-tracer.ts');
  options.log.info({ url: new URL(settings.url).origin, ratio: settings.ratio }, 'traces are exported');
  return createOtlpTracer(settings, options);
}
