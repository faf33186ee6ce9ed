import { ConfigurationError } from '../core/configuration-error.ts';
import type { Clock } from '../core/clock.ts';
import { createLimit } from '../core/limit.ts';
import { createTokenBucket } from '../core/token-bucket.ts';
import { systemClock } from '../serve/system-clock.ts';
import { keepAccess, type Credentials } from './credentials.ts';
import { createHttpTransport } from './http-transport.ts';
import { KubeError } from './errors.ts';
import { findServiceAccount, type ServiceAccountOptions } from './service-account.ts';
import type { KubeTransport } from './transport.ts';

export interface ConnectOptions extends ServiceAccountOptions {
  /**
   * A kubeconfig file. Default: the ServiceAccount if `master` is given; else KUBECONFIG, ~/.kube/config or the in-cluster settings, in
   * this order.
   */
  readonly kubeconfig?: string;
  readonly userAgent: string;
  /** Average calls per second, and burst; unlimited without `qps`. Watches and leases are exempt. */
  readonly qps?: number;
  readonly burst?: number;
  readonly clock?: Clock;
}

/** Throws ConfigurationError if the kubeconfig cannot be used. */
export async function connectKube(options: ConnectOptions): Promise<KubeTransport> {
  const { clock = systemClock } = options;
  const credentials = await findCredentials(options);
  return createHttpTransport({
    server: credentials.server,
    userAgent: options.userAgent,
    access: keepAccess(credentials, clock),
    admit: createAdmission(options, clock),
    clock,
  });
}

/** In a pod two files are enough; only kubeconfigs need the library. */
async function findCredentials(options: ConnectOptions): Promise<Credentials> {
  const { kubeconfig } = options;
  const account = kubeconfig === undefined ? findServiceAccount(options) : undefined;
  if (account) return account;
  const { readKubeConfig } = await import('./kube-config.ts');
  try {
    return readKubeConfig(kubeconfig);
  } catch (error) {
    throw error instanceof KubeError ? new ConfigurationError([error.message], error) : error;
  }
}

/** Calls wait for their tokens in order of arrival. */
function createAdmission(
  { qps, burst = qps }: ConnectOptions,
  clock: Clock,
): (signal?: AbortSignal) => Promise<void> {
  if (qps === undefined) return () => Promise.resolve();
  const bucket = createTokenBucket({
    capacity: Math.max(1, burst ?? 1),
    refillPerMs: qps / 1000,
    now: clock.now(),
  });
  const turn = createLimit(1);
  return (signal) =>
    turn(async () => {
      signal?.throwIfAborted();
      for (let wait = bucket.take(clock.now()); wait > 0; wait = bucket.take(clock.now()))
        await clock.sleep(wait, signal);
    });
}
