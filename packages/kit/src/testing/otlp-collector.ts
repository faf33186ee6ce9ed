// A stand-in for an OpenTelemetry collector: OTLP over HTTP, as JSON (opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest).
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span of opentelemetry.proto.trace.v1, with its attributes as a record. */
export interface ReceivedSpan {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  /** '' of the first span of a trace. */
  readonly parentSpanId: string;
  readonly name: string;
  /** 1: internal, 2: server, 3: client. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** 0: unset, 2: error. */
  readonly status: number;
}

export interface OtlpCollector {
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  /** What it returns from now on. */
  status: number;
  /** Requests so far. */
  readonly requests: number;
  /** Resolves when it was called again. */
  called(): Promise<void>;
  close(): Promise<void>;
}

interface OtlpAttribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}
interface OtlpSpan extends Omit<ReceivedSpan, 'service' | 'attributes' | 'status' | 'parentSpanId'> {
  readonly parentSpanId?: string;
  readonly attributes?: readonly OtlpAttribute[];
  readonly status?: { readonly code?: number };
}
interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

export async function startOtlpCollector(): Promise<OtlpCollector> {
  const spans: ReceivedSpan[] = [];
  let next = Promise.withResolvers<undefined>();
  const state = { status: 200, requests: 0 };
  const server = createServer((request, response) => {
    void read(request).then((received) => {
      const { status } = state;
      if (status === 200) spans.push(...received);
      state.requests += 1;
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
      next.resolve(undefined);
      next = Promise.withResolvers();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    get requests() {
      return state.requests;
    },
    get status() {
      return state.status;
    },
    set status(status) {
      state.status = status;
    },
    called: () => next.promise.then(() => undefined),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function read(request: IncomingMessage): Promise<ReceivedSpan[]> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const { method, url, headers } = request;
  if (method !== 'POST' || url !== '/v1/traces' || headers['content-type'] !== 'application/json')
    throw new Error(`not OTLP: ${method} ${url} ${headers['content-type']}`);
  const { resourceSpans } = JSON.parse(Buffer.concat(parts).toString('utf8')) as OtlpRequest;
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(recordOf(resource.attributes)['service.name']);
    return scopeSpans.flatMap((scope) => scope.spans.map((span) => spanOf(service, span)));
  });
}

function spanOf(service: string, { attributes, status, parentSpanId, ...span }: OtlpSpan): ReceivedSpan {
  if (!/^[0-9a-f]{32}$/.test(span.traceId) || !/^[0-9a-f]{16}$/.test(span.spanId))
    throw new Error(`ids of OTLP as JSON are in hex: ${span.traceId} ${span.spanId}`);
  const { traceId, spanId, name, kind } = span;
  return {
    service,
    traceId,
    spanId,
    name,
    kind,
    parentSpanId: parentSpanId ?? '',
    attributes: recordOf(attributes ?? []),
    status: status?.code ?? 0,
  };
}

function recordOf(attributes: readonly OtlpAttribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
