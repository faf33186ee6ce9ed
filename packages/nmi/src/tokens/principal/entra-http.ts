import { readUpTo } from '@pod-identity/kit/core';
import type { EntraResponse } from './entra-errors.ts';

export interface EntraPost {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface EntraHttp {
  /** Sends to the token endpoint; never fails: `silence` if there is no answer. */
  readonly post: (post: EntraPost) => Promise<EntraResponse>;
  close(): Promise<void>;
}

const longestBody = 256 * 1024;

/** Calls login endpoints, through the proxy of the environment if there is one. Follows no redirect: a secret is sent nowhere else. */
export function createEntraHttp({ timeoutMs = 10_000 } = {}): EntraHttp {
  let opened: ReturnType<typeof open> | undefined;
  const post: EntraHttp['post'] = async ({ url, headers, body }) => {
    const { send, dispatcher } = await (opened ??= open());
    const response = await send(url, {
      method: 'POST',
      headers,
      body,
      dispatcher,
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await readUpTo(response.body, longestBody);
    if (!text) throw new RangeError('the answer is too long');
    return {
      kind: 'answer',
      status: response.statusCode,
      retryAfterMs: retryAfterOf(response.headers['retry-after']),
      body: parse(text.toString('utf8')),
    };
  };
  const close = async () => {
    const door = await opened?.catch(() => undefined);
    await door?.dispatcher.destroy();
  };
  return { post: (one) => post(one).catch(() => ({ kind: 'silence' })), close };
}

/** Loaded for the first service principal: it takes 10 MiB of memory, and most nodes have none. */
async function open() {
  const { openEntraConnection } = await import('./entra-connection.ts');
  return openEntraConnection();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function retryAfterOf(header: string | string[] | undefined): number | undefined {
  return typeof header === 'string' && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : undefined;
}
