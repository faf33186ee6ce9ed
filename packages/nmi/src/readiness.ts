import { get } from 'node:http';
import { once } from 'node:events';
import type { Clock } from '@pod-identity/kit/core';
import type { Informer } from '@pod-identity/kit/kube';
import type { Patience } from './await-change.ts';

export interface ReadinessOptions {
  readonly informers: readonly Pick<Informer<unknown>, 'hasSynced' | 'synced' | 'lastHeardMs'>[];
  readonly isRedirected: () => boolean;
  /** Asks our own listener as a pod would; true when it answers as it must. */
  readonly selfTest: () => Promise<boolean>;
  readonly clock: Clock;
}

export interface Readiness {
  /** Everything that decisions rest on was read at least once. */
  hasSynced(): boolean;
  readonly whenReady: (patience: Patience) => true | Promise<boolean>;
  /** Empty when all is well; else what is not. */
  problems(): Promise<readonly string[]>;
}

/** Silence of a watch beyond which its picture of the cluster is not trusted; the informers themselves bear 60 s. */
const longestSilenceMs = 120_000;

/** Ready means: the cluster is known, callers are led here, and the way that they take works. */
export function createReadiness(options: ReadinessOptions): Readiness {
  const { informers, isRedirected, selfTest, clock } = options;
  const hasSynced = () => informers.every((informer) => informer.hasSynced());
  const allSynced = Promise.all(informers.map(({ synced }) => synced));
  let isKnown = false;

  const untilSynced = ({ deadline, caller: { gone } }: Patience): Promise<boolean> => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const giveUp = () => resolve(hasSynced());
    const timer = clock.after(Math.max(0, deadline - clock.now()), giveUp);
    gone.addEventListener('abort', giveUp, { once: true });
    void allSynced.then(giveUp);
    return promise.finally(() => {
      timer.cancel();
      gone.removeEventListener('abort', giveUp);
    });
  };

  return {
    hasSynced,
    whenReady: (patience) => {
      isKnown ||= hasSynced();
      return isKnown || untilSynced(patience);
    },
    problems: async () => [
      ...(hasSynced() ? [] : ['the objects of the cluster have not all been read yet']),
      ...(hasSynced() && informers.some((informer) => informer.lastHeardMs() > longestSilenceMs)
        ? ['the API server has not been heard of for too long']
        : []),
      ...(isRedirected() ? [] : ['requests of pods are not redirected here yet']),
      ...((await selfTest()) ? [] : ['the listener does not answer']),
    ],
  };
}

/** A probe as SDKs send it: no Metadata header, so the answer must be 400 and must come at once. */
export async function probeListener({ address, port }: { address: string; port: number }): Promise<boolean> {
  try {
    const request = get({
      host: address,
      port,
      path: '/metadata/identity/oauth2/token',
      timeout: 1_000,
      agent: false,
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    const [response] = (await once(request, 'response')) as [{ statusCode?: number; resume(): void }];
    response.resume();
    return response.statusCode === 400 || response.statusCode === 503;
  } catch {
    return false;
  }
}
