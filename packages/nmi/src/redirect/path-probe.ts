import { request, type IncomingMessage } from 'node:http';
import type { Clock } from '@pod-identity/kit/core';
import { selfTestPort, type RedirectTarget } from './target.ts';

/** What our listener calls itself in the header Server of every answer. The metadata service has another name. */
export const listenerName = 'pod-identity-nmi';

export interface PathProbeOptions {
  readonly metadata: RedirectTarget['metadata'];
  readonly clock: Clock;
  readonly knock?: Knock;
}

/** One call from the port of the self-test. `port-taken`: another probe of this node has it at this moment. */
export type Knock = (
  metadata: RedirectTarget['metadata'],
) => Promise<{ readonly server: string } | 'port-taken'>;

const attempts = 8;
const pauseMs = 150;

/**
 * Tries the way that pods' calls take: a request to the metadata service's own address that the rules must lead to our
 * listener, or to that of the agent which replaces this one. True only if one of those answered.
 */
export function createPathProbe(options: PathProbeOptions): () => Promise<boolean> {
  let underWay: Promise<boolean> | undefined;
  // One port carries one probe at a time.
  return () => (underWay ??= probe(options).finally(() => (underWay = undefined)));
}

async function probe({ metadata, clock, knock = knockOnce }: PathProbeOptions): Promise<boolean> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const answer = await knock(metadata).catch(() => ({ server: '' }));
    if (answer !== 'port-taken') return answer.server === listenerName;
    await clock.sleep(pauseMs * attempt);
  }
  return false;
}

const portTaken: ReadonlySet<unknown> = new Set(['EADDRINUSE', 'EADDRNOTAVAIL']);

const knockOnce: Knock = ({ host, port }) =>
  new Promise((resolve, reject) => {
    // A path that nobody serves: answered at once, whatever the agent is busy with, and never a token.
    const call = request({ host, port, localPort: selfTestPort, path: '/', agent: false, timeout: 1_000 });
    call.on('response', (response: IncomingMessage) => {
      const server = String(response.headers['server'] ?? '');
      // A reset leaves neither the port nor the kernel's memory of the connection occupied for the next probe.
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
