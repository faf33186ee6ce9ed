// Certificates are untrusted input: an editor of a namespace wrote them. They are read in a separate process, one at a time; the time is
// limited for each namespace, and a namespace waits for at most one certificate of each other one.
import { createHash } from 'node:crypto';
import type { Clock } from '@pod-identity/kit/core';
import { createTurnQueues, runInTurn } from '../../waiting/turn-queues.ts';
import { TokenError } from '../errors.ts';
import {
  readRequestOf,
  parseReadResponse,
  type Certificate,
  type StoredCertificate,
} from './reader-messages.ts';
import { createReadingBudgets } from './reading-budgets.ts';
import { createRefusedCertificates } from './refused-certificates.ts';

export interface CertificateProcess {
  /** Returns what the process printed; undefined if it crashed, or was killed because it took too much time or memory. */
  readonly run: (request: string) => Promise<string | undefined>;
}

export interface CertificateReader {
  /** A text says what is wrong with it; fails with a TokenError if it could not be read now. */
  readonly read: (namespace: string, stored: StoredCertificate) => Promise<Certificate | string>;
}

const waitingOfNamespace = 64;
const waiting = { total: Infinity, perNamespace: waitingOfNamespace, perPod: waitingOfNamespace };
const oneAtATime = { all: { atATime: 1 }, queues: { readings: { atATime: 1, waiting } } };

const tooMuch = 'reading its certificate and key takes more time or memory than there is for it';

export function createCertificateReader(options: {
  readonly reader: CertificateProcess;
  readonly clock: Clock;
}): CertificateReader {
  const { reader, clock } = options;
  const { readings } = createTurnQueues({ clock, ...oneAtATime });
  const budgets = createReadingBudgets(clock);
  const refused = createRefusedCertificates(clock);

  const readNow = async (namespace: string, request: string): Promise<Certificate | string> => {
    const retryAfterMs = budgets.waitMs(namespace);
    if (retryAfterMs > 0) throw exhausted(namespace, retryAfterMs);
    const startedAt = clock.elapsed();
    try {
      const response = await reader.run(request);
      return (response === undefined ? undefined : parseReadResponse(response)) ?? tooMuch;
    } catch (cause) {
      throw new TokenError('unavailable', 'The process that reads certificates could not be started.', {
        cause,
        retryAfterMs: 1_000,
      });
    } finally {
      budgets.spend(namespace, clock.elapsed() - startedAt);
    }
  };

  return {
    read: async (namespace, stored) => {
      const request = readRequestOf(stored);
      if (typeof request === 'string') return request;
      const text = JSON.stringify(request);
      const digest = createHash('sha256').update(text).digest('base64');
      const read = await runInTurn(readings, { tenant: { namespace, pod: '' } }, async () => {
        const known = refused.recall(namespace, digest);
        if (known !== undefined) return known;
        const now = await readNow(namespace, text);
        if (typeof now === 'string') refused.note(namespace, digest, now);
        return now;
      });
      if (read === undefined) throw exhausted(namespace, 1_000);
      return read;
    },
  };
}

function exhausted(namespace: string, retryAfterMs: number): TokenError {
  return new TokenError(
    'unavailable',
    `Reading the certificates of namespace ${namespace} took too long lately; they are read again after a pause.`,
    { retryAfterMs },
  );
}
