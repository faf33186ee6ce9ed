// The only door to @kubernetes/client-node, and imported only where a kubeconfig is to be read: it costs 20 MiB of memory.
// Naming the one class that is needed lets bundlers leave out the other 12 MB, which a dynamic import of the whole package
// would carry along.
import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import type { Credentials } from './credentials.ts';
import { KubeError } from './errors.ts';
import type { Access } from './http-transport.ts';
import type { TlsSettings } from './lanes.ts';

/** What a kubeconfig says; without `file` the one that client-node finds. */
export function readKubeConfig(file: string | undefined): Credentials {
  let config = loadConfig(file);
  return {
    server: serverOf(config),
    read(why) {
      // A credential plugin's answer has its own expiry, which client-node keeps; it is asked again only if refused.
      if (why === 'refused' || (why === 'aged' && !hasPlugin(config))) config = loadConfig(file);
      return readAccess(config);
    },
  };
}

function loadConfig(file: string | undefined): KubeConfig {
  const config = new KubeConfig();
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
