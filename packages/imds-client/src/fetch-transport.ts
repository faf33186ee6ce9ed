import { isLocal, proxyOfFetch } from './proxies.ts';
import type { FetchLike } from './types.ts';

/**
 * The global `fetch`, for runtimes without node:http. It cannot be told to use no proxy, so a request that a proxy would get is not sent:
 * a proxy has no metadata service, or that of another machine.
 *
 * @throws TypeError - now, or at a request: a proxy would get it
 */
export function createFetchTransport(endpoint: string): FetchLike {
  refuseProxy(endpoint);
  return async (url, init) => {
    // The environment may have changed.
    refuseProxy(endpoint);
    return fetch(url, init);
  };
}

function refuseProxy(endpoint: string): void {
  const variable = isLocal(endpoint) ? proxyOfFetch({ endpoint, ...thisRuntime() }) : undefined;
  if (variable === undefined) return;
  const { hostname } = new URL(endpoint);
  throw new TypeError(
    `${variable} would lead requests for ${endpoint} through a proxy: add ${hostname} to NO_PROXY (and to no_proxy, if that is set), or use transport 'node'`,
  );
}

function thisRuntime() {
  const { process: own } = globalThis as { process?: Partial<NodeJS.Process> };
  const runtime = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node';
  return { env: own?.env ?? {}, flags: own?.execArgv ?? [], runtime } as const;
}
