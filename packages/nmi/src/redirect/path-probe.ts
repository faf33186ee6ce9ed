import type { Clock } from '@pod-identity/kit/core';
import { openRequest } from '@pod-identity/kit/serve';
import { listenerName } from '../request/wire.ts';
import { selfTestPort, type RedirectTarget } from './target.ts';

/** One call from the port of the self-test. `port-taken`: another probe of this node uses it. */
export type Knock = (
  metadata: RedirectTarget['metadata'],
) => Promise<{ readonly server: string } | 'port-taken'>;

const attempts = 8;
const pauseMs = 150;

/**
 * Tests the path of pods' calls: a request to the address of the metadata service, which the rules must redirect to NMI's listener, or
 * to that of the agent that replaces it. True only if one of them responded.
 */
export function createPathProbe(
  metadata: RedirectTarget['metadata'],
  clock: Clock,
  knock = knockOnce,
): () => Promise<boolean> {
  let underWay: Promise<boolean> | undefined;
  // One probe at a time, since all use one port.
  return () => (underWay ??= probe(metadata, clock, knock).finally(() => (underWay = undefined)));
}

async function probe(metadata: RedirectTarget['metadata'], clock: Clock, knock: Knock): Promise<boolean> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const response = await knock(metadata).catch(() => ({ server: '' }));
    if (response !== 'port-taken') return response.server === listenerName;
    await clock.sleep(pauseMs * attempt);
  }
  return false;
}

const portTaken: ReadonlySet<unknown> = new Set(['EADDRINUSE', 'EADDRNOTAVAIL']);

const knockOnce: Knock = async ({ host, port }) => {
  // A path that is not served: the response is immediate, and never a token.
  const target = { host, port, localPort: selfTestPort, path: '/' };
  try {
    const response = await openRequest({ ...target, signal: AbortSignal.timeout(1_000) }).response;
    // A reset frees the port and the conntrack entry for the next probe.
    response.socket.resetAndDestroy();
    return { server: String(response.headers['server'] ?? '') };
  } catch (error) {
    if (portTaken.has((error as NodeJS.ErrnoException).code)) return 'port-taken';
    throw error;
  }
};
