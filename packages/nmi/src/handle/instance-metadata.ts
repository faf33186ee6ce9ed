import { readUpTo, type Tenant } from '@pod-identity/kit/core';
import { blockedPart, withoutMachineData } from '../request/instance-metadata.ts';
import { createMetadataService } from '../tokens/metadata/metadata-service.ts';
import { createHeaderJudge, type HeaderRules } from '../request/headers.ts';
import type { Outcome } from '../respond/outcome.ts';
import type { Route } from '../request/routes.ts';
import type { MetadataPace } from '../tokens/metadata/pace.ts';
import type { InboundRequest } from '../request/wire.ts';

export type MetadataRoute = Extract<Route, { readonly kind: 'metadata' }>;

export interface MetadataReaderOptions extends HeaderRules {
  /** Base address of the machine's metadata service. */
  readonly upstream: string;
  /** The parts that pods may read. */
  readonly allowed: ReadonlySet<string>;
  readonly read: MetadataPace['read'];
  /** Whom a call from this address is charged to. */
  readonly tenantAt: (address: string) => Tenant;
  /** For the whole response. Default: 10 seconds. */
  readonly timeoutMs?: number;
}

export type MetadataReader = ReturnType<typeof createMetadataReader>;

/** In bytes: many times the largest document of the metadata service. All of it is in memory at a time. */
const largestBody = 1024 * 1024;

/**
 * Forwards reads of instance metadata to the metadata service of the machine. Of a request only path and query are sent on; of a
 * response only the status, the body, Content-Type and Retry-After.
 */
export function createMetadataReader(options: MetadataReaderOptions) {
  const { upstream, allowed, read, tenantAt, timeoutMs = 10_000, ...rules } = options;
  const judge = createHeaderJudge(rules);
  const service = createMetadataService(upstream);

  const pass = async (request: InboundRequest, route: MetadataRoute): Promise<Outcome> => {
    const { path, query } = route;
    const { pathname, search } = new URL(`${upstream}${query === '' ? path : `${path}?${query}`}`);
    const response = await service.get(`${pathname}${search}`, {
      signal: AbortSignal.any([request.gone, AbortSignal.timeout(timeoutMs)]),
    });
    const { statusCode = 0, headers } = response;
    // Other statuses cannot be sent as a response.
    if (statusCode < 200 || statusCode > 599) {
      response.destroy();
      return { kind: 'proxy-failed', why: 'unavailable' };
    }
    const whole = await readUpTo(response, largestBody);
    if (!whole) return { kind: 'proxy-failed', why: 'too-large' };
    const body = statusCode === 200 ? withoutMachineData(route, whole, allowed) : whole;
    if (!body) return { kind: 'proxy-failed', why: 'unavailable' };
    const { 'content-type': contentType = 'application/octet-stream', 'retry-after': retryAfter } = headers;
    return { kind: 'proxied', status: statusCode, contentType, retryAfter, body };
  };

  return {
    async handle(request: InboundRequest, route: MetadataRoute): Promise<Outcome> {
      const fault = judge(request);
      if (fault) return { kind: 'bad-request', problem: fault };
      if (request.method !== 'GET') return { kind: 'bad-method' };
      const blocked = blockedPart(route, allowed);
      if (blocked !== undefined) return { kind: 'blocked', family: blocked };
      // To the caller all failures of the service are the same; none of them is a bug of NMI.
      const caller = { tenant: tenantAt(request.peer), gone: request.gone };
      const passed = await read(caller, () => pass(request, route)).catch(() => undefined);
      return passed ?? { kind: 'proxy-failed', why: 'unavailable' };
    },
    close: () => service.close(),
  };
}
