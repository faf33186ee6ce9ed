import { request, type IncomingMessage } from 'node:http';
import type { Clock } from '@pod-identity/kit/core';
import { listenerName } from '../request/wire.ts';
import { selfTestPort, type RedirectTarget } from './target.ts';

export interface PathProbeOptions {
  readonly metadata: RedirectTarget['metadata'];
  readonly clock: Clock;
  readonly knock?: Knock;
}

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
export function createPathProbe(options: PathProbeOptions): () => Promise<boolean> {
  let underWay: Promise<boolean> | undefined;
  // One probe at a time, since all use one port.
  return () => (underWay ??= probe(options).finally(() => (underWay = undefined)));
}

async function probe({ metadata, clock, knock = knockOnce }: PathProbeOptions): Promise<boolean> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const response = await knock(metadata).catch(() => ({ server: '' }));
    if (response !== 'port-taken') return response.server === listenerName;
    await clock.sleep(pauseMs * attempt);
  }
  return false;
}

const portTaken: ReadonlySet<unknown> = new Set(['EADDRINUSE', 'EADDRNOTAVAIL']);

const knockOnce: Knock = ({ host, port }) =>
  new Promise((resolve, reject) => {
    // A path that is not served: the response is immediate, and never a token.
    const call = request({ host, port, localPort: selfTestPort, path: '/', agent: false, timeout: 1_000 });
    call.on('response', (response: IncomingMessage) => {
      const server = String(response.headers['server'] ?? '');
      // A reset frees the port and the conntrack entry for the next probe.
      response.socket.resetAndDestroy();
      resolve({ server });
    });
    call.on('timeout', () => call.destroy(new Error('no answer')));
    call.on('error', (error: NodeJS.ErrnoException) => {
      if (portTaken.has(error.code)) resolve('port-taken');
      else reject(error);
    });
    call.end();
  });
