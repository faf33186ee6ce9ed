// The only import of @kubernetes/client-node, loaded only to read a kubeconfig: it takes 20 MiB of memory.
// Importing the one class by name lets bundlers drop the other 12 MB.
import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import type { Credentials } from './credentials.ts';
import { KubeError } from './errors.ts';
import type { Access } from './http-transport.ts';
import type { TlsSettings } from './connection-pools.ts';

/** Without `file`, the kubeconfig that client-node finds. */
export function readKubeConfig(file: string | undefined): Credentials {
  let config = loadConfig(file);
  return {
    server: serverOf(config),
    read(why) {
      // client-node caches the output of a credential plugin until its expiry; it is read again only after a refusal.
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
  // client-node accepts plain HTTP only if TLS verification is off.
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
