import type { ImdsClient } from '@pod-identity/imds-client';
import type { Clock } from '@pod-identity/kit/core';
// What is pure in imds-client, without its transport, cache and retries.
import {
  failureOf,
  ImdsError,
  isImdsError,
  parseRequest,
  readResponse,
  readTokenResponse,
  tokenUrl,
} from '../../../../imds-client/src/parts.ts';
import type { MetadataService } from './metadata-service.ts';

export interface ImdsRequestsOptions {
  /** The base address of the metadata service. */
  readonly endpoint: string;
  readonly metadata: Pick<MetadataService, 'fetch'>;
  readonly clock: Pick<Clock, 'now' | 'after'>;
  /** Default 5,000. */
  readonly timeoutMs?: number;
}

/**
 * Requests tokens from the metadata service: one request each. None is kept, shared or repeated here: memory, shared requests and turns are in
 * front of it (`../source.ts`), and callers retry by themselves, and get the reason earlier. Fails with an ImdsError.
 */
export function createImdsRequests(options: ImdsRequestsOptions): Pick<ImdsClient, 'getToken'> {
  const { endpoint, clock } = options;
  return {
    async getToken(request) {
      const parsed = parseRequest(request);
      const url = tokenUrl({ endpoint, apiVersion: '2018-02-01' }, parsed);
      const requested = { resource: parsed.resource, identity: request.identity };
      const response = await exchange(url, requested, options);
      // All pods of a node whose clock is wrong need their tokens. Nothing between NMI and the metadata service caches.
      const at = { requested, now: clock.now(), parseDate: Date.parse, tolerateClockSkew: true };
      const result = readTokenResponse(response, at);
      if (isImdsError(result)) throw result;
      return result;
    },
  };
}

type Requested = Parameters<typeof readTokenResponse>[1]['requested'];

async function exchange(url: string, requested: Requested, options: ImdsRequestsOptions) {
  const { endpoint, metadata, clock, timeoutMs = 5_000 } = options;
  const end = new AbortController();
  const late = `${endpoint} did not answer within ${timeoutMs} ms`;
  const timer = clock.after(timeoutMs, () => end.abort(new ImdsError('timeout', late, { requested })));
  try {
    const init = { method: 'GET', headers: {}, redirect: 'manual', signal: end.signal } as const;
    return await readResponse(await metadata.fetch(url, init), { endpoint, requested });
  } catch (thrown) {
    const cause: unknown = end.signal.aborted ? end.signal.reason : thrown;
    const failure = isImdsError(cause) ? cause : failureOf({ endpoint, cause, requested });
    // Ends a response that was not read to its end.
    end.abort(failure);
    throw failure;
  } finally {
    timer.cancel();
  }
}
