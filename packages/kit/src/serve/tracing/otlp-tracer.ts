// Traces by OpenTelemetry's SDK, as OTLP over HTTP. The only file that uses it.
import { AsyncLocalStorage } from 'node:async_hooks';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Span } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type SpanExporter,
} from '@opentelemetry/sdk-trace';
import { createBudgets } from '../../core/budgets.ts';
import { createTokenBucket } from '../../core/token-bucket.ts';
import type { Clock } from '../../core/clock.ts';
import type { SpanFacts, SpanStart, Tracer } from '../../core/tracer.ts';
import type { TracingSettings } from '../../core/tracing-flags.ts';
import type { Ambient } from '../ambient.ts';
import type { Log } from '../log.ts';

export interface TracerOptions extends Pick<Ambient, 'clock' | 'log'> {
  readonly version: string;
  /** What tells this process from others of its service. */
  readonly instance: string;
}

export interface OpenTracer extends Tracer {
  /** Sends what is left, for a moment. */
  close(): Promise<void>;
}

/** Traces begun in a second: of all, and of one caller, so that no pod takes the share of the others. */
const all = { capacity: 100, refillPerMs: 20 / 1000 };
const perCaller = { burst: 20, perSecond: 5 };
/** Spans that wait for the collector; further ones are dropped. */
const batches = { maxQueueSize: 2_048, maxExportBatchSize: 256, scheduledDelayMillis: 2_000 };
/** Spans of one trace, so that a request that waits long, and looks again at each change, does not fill the queue. Further work has none. */
const mostSpans = 64;
const spanLimits = { attributeCountLimit: 32, attributeValueLengthLimit: 512 };
const closingMs = 2_000;

/** The surrounding span, and how many spans its trace has. */
interface SpanScope {
  readonly span: Span;
  readonly trace: { spans: number };
}

export function createOtlpTracer(settings: TracingSettings, options: TracerOptions): OpenTracer {
  const { clock, version } = options;
  const exporter = withReports(new OTLPTraceExporter({ url: settings.url }), options.log);
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': settings.serviceName,
      'service.version': version,
      'service.instance.id': options.instance,
    }),
    sampler: new TraceIdRatioBasedSampler(settings.ratio),
    spanLimits,
    spanProcessors: [new BatchSpanProcessor({ exporter, ...batches })],
  });
  const tracer = provider.getTracer('pod-identity', version);
  const surrounding = new AsyncLocalStorage<SpanScope | undefined>();
  const mayBegin = createLimit(clock);

  const within = <T>(parent: SpanScope | undefined, start: SpanStart, work: () => T): T => {
    const { name, kind, facts } = start;
    const context = parent ? trace.setSpan(ROOT_CONTEXT, parent.span) : ROOT_CONTEXT;
    const counted = parent?.trace ?? { spans: 0 };
    counted.spans += 1;
    const span = tracer.startSpan(
      name,
      { kind: kinds[kind ?? 'internal'], attributes: { ...facts } },
      context,
    );
    // A trace that is not sampled has no further spans.
    if (!span.isRecording()) return surrounding.run(undefined, work);
    return surrounding.run({ span, trace: counted }, () => untilEnd(span, work));
  };

  return {
    trace: (of, start, work) =>
      mayBegin(of) ? within(undefined, start, work) : surrounding.run(undefined, work),
    span: (start, work) => {
      const parent = surrounding.getStore();
      return parent && parent.trace.spans < mostSpans ? within(parent, start, work) : work();
    },
    note: (facts: SpanFacts) => void surrounding.getStore()?.span.setAttributes({ ...facts }),
    bind: (run) => AsyncLocalStorage.bind(run),
    close: () => Promise.race([provider.shutdown().catch(() => undefined), clock.sleep(closingMs)]),
  };
}

const kinds = { internal: SpanKind.INTERNAL, server: SpanKind.SERVER, client: SpanKind.CLIENT } as const;

function createLimit(clock: Clock): (caller: string) => boolean {
  const total = createTokenBucket({ ...all, now: clock.elapsed() });
  const callers = createBudgets(perCaller);
  return (caller) => callers.take(caller, clock.elapsed()) && total.take(clock.elapsed()) === 0;
}

/** Ends the span with the work: at once, or when its promise is settled. */
function untilEnd<T>(span: Span, work: () => T): T {
  const failed = (error: unknown): never => {
    span.setAttribute('error.type', nameOf(error));
    span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
    throw error;
  };
  let result: T;
  try {
    result = work();
  } catch (error) {
    return failed(error);
  }
  if (result instanceof Promise) {
    const ended = result.then((value: unknown) => {
      span.end();
      return value;
    }, failed);
    return ended as T;
  }
  span.end();
  return result;
}

/** Not the message, which may quote what a caller sent. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** ExportResultCode.SUCCESS. */
const succeeded = 0;

/** Says once that the collector does not take the spans, and once that it does again. */
function withReports(exporter: SpanExporter, log: Log): SpanExporter {
  let isFailing = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const code: number = result.code;
        const failed = result.error !== undefined || code !== succeeded;
        if (failed && !isFailing)
          log.warn({ error: result.error?.message ?? '' }, 'traces cannot be exported; they are dropped');
        if (!failed && isFailing) log.info({}, 'traces are exported again');
        isFailing = failed;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}
