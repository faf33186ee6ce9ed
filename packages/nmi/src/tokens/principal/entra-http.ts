import { createHttpClient, ProxyAddressError } from '@pod-identity/kit/serve';
import type { EntraResponse } from './entra-errors.ts';

export interface EntraPost {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type EntraHttp = ReturnType<typeof createEntraHttp>;

const longestBody = 256 * 1024;

/** Calls login endpoints, through the proxy of the environment if there is one. Follows no redirect: a secret is sent nowhere else. */
export function createEntraHttp({ timeoutMs = 10_000 } = {}) {
  const client = createHttpClient({ maxSockets: 8, idleMs: 5_000, usesProxy: true });
  const post = async ({ url, headers, body }: EntraPost): Promise<EntraResponse> => {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await client.send(url, { method: 'POST', headers, body, signal, longestBody });
    if (response.body === undefined) return { kind: 'silence' };
    return {
      kind: 'answer',
      status: response.status,
      retryAfterMs: retryAfterOf(response.headers['retry-after']),
      body: parse(response.body),
    };
  };
  return {
    /** Sends to the token endpoint; never fails: `silence` if there is no answer. */
    post: (one: EntraPost) => post(one).catch(silence),
    close: () => client.close(),
  };
}

function silence(error: unknown): EntraResponse {
  return { kind: 'silence', ...(error instanceof ProxyAddressError && { problem: error.message }) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function retryAfterOf(header: string | undefined): number | undefined {
  return /^\d{1,6}$/.test(String(header)) ? Number(header) * 1000 : undefined;
}
