import type { RequestOptions } from 'node:https';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../core/clock.ts';
import { createLimit } from '../core/limit.ts';
import { createTokenBucket } from '../core/token-bucket.ts';
import { systemClock } from '../serve/system-clock.ts';
import { KubeError } from './errors.ts';
import { createHttpTransport, type Access } from './http-transport.ts';
import type { KubeConfig } from './kube-config.ts';
import type { TlsSettings } from './lanes.ts';
import type { KubeTransport } from './transport.ts';

export interface ConnectOptions {
  /** A kubeconfig file. Without: KUBECONFIG, ~/.kube/config, or the cluster that we run in, in this order. */
  readonly kubeconfig?: string;
  readonly userAgent: string;
  /** Calls per second on average, and at once; unlimited without `qps`. Watches and leases never wait. */
  readonly qps?: number;
  readonly burst?: number;
  readonly clock?: Clock;
}

/** Credentials live in files that others renew: read again this often, and at once when the server refuses them. */
const accessAgeMs = 60_000;
const freshAgeMs = 1000;

/**
 * Connects to the API server that the settings name. `@kubernetes/client-node` reads the settings and keeps the
 * credentials; every call goes over our own connections, because it would open a new one for each.
 */
export async function connectKube(options: ConnectOptions): Promise<KubeTransport> {
  const { clock = systemClock } = options;
  // Imported here because it is large, and not every user of this room connects.
  const client = await import('./kube-config.ts');
  const load = () => loadConfig(new client.KubeConfig(), options.kubeconfig);
  const config = load();
  return createHttpTransport({
    server: serverOf(config),
    userAgent: options.userAgent,
    access: createAccess(config, load, clock),
    admit: createAdmission(options, clock),
    clock,
  });
}

function loadConfig(config: KubeConfig, file: string | undefined): KubeConfig {
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (cause) {
    throw new KubeError('invalid', `cannot read the kubeconfig ${file ?? ''}: ${String(cause)}`, { cause });
  }
  // client-node refuses plain HTTP unless TLS need not be verified; there is no TLS to verify.
  config.clusters = config.clusters.map((cluster) =>
    cluster.server.startsWith('http:') ? { ...cluster, skipTLSVerify: true } : cluster,
  );
  return config;
}

function serverOf(config: KubeConfig): string {
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new KubeError('invalid', 'the kubeconfig has no current cluster: set current-context');
  if (cluster.proxyUrl)
    throw new KubeError('invalid', 'proxy-url in a kubeconfig is not supported: remove it');
  return cluster.server;
}

function createAccess(
  initial: KubeConfig,
  load: () => KubeConfig,
  clock: Clock,
): (fresh: boolean) => Promise<Access> {
  let config = initial;
  let current: Access | undefined;
  let readAt = -Infinity;
  let reading: Promise<Access> | undefined;

  const read = async (fresh: boolean) => {
    try {
      // A credential plugin's answer has its own expiry, which client-node keeps; it is asked again only if refused.
      if (fresh || (current && !hasPlugin(config))) config = load();
      const next = await readAccess(config);
      current = current && isDeepStrictEqual(current.tls, next.tls) ? { ...next, tls: current.tls } : next;
    } catch (cause) {
      // Files are replaced while we read: what worked until now is the better answer.
      if (!current)
        throw new KubeError('unauthorized', `cannot get credentials: ${String(cause)}`, { cause });
    }
    readAt = clock.now();
    return current;
  };

  return (fresh) => {
    if (reading) return reading;
    if (current && clock.now() - readAt < (fresh ? freshAgeMs : accessAgeMs)) return Promise.resolve(current);
    reading = read(fresh).finally(() => (reading = undefined));
    return reading;
  };
}

function hasPlugin(config: KubeConfig): boolean {
  return Boolean(config.getCurrentUser()?.exec);
}

async function readAccess(config: KubeConfig): Promise<Access> {
  const settings: RequestOptions & { headers: Record<string, string> } = { headers: {} };
  await config.applyToHTTPSOptions(settings);
  const headers = Object.fromEntries(
    Object.entries(settings.headers).map(([name, value]) => [name.toLowerCase(), value.trim()]),
  );
  if (settings.auth) headers['authorization'] = `Basic ${Buffer.from(settings.auth).toString('base64')}`;
  return { headers, tls: tlsOf(settings) };
}

function tlsOf({ ca, cert, key, passphrase, rejectUnauthorized, servername }: RequestOptions): TlsSettings {
  const settings = Object.entries({ ca, cert, key, passphrase, rejectUnauthorized, servername });
  return Object.fromEntries(settings.filter(([, value]) => value !== undefined));
}

/** Calls wait for their token one after another, in the order in which they came. */
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
