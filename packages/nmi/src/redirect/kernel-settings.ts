import { readFile, writeFile } from 'node:fs/promises';
import { leadsToLoopback, type RedirectTarget } from './target.ts';

/** Files under /proc. */
export interface KernelFiles {
  /** Undefined if the file does not exist. */
  read(path: string): Promise<string | undefined>;
  write(path: string, text: string): Promise<void>;
}

/**
 * In an unprivileged container /proc/sys is read-only, so the manifests mount the host's /proc/sys/net below /host. Its settings are those
 * of the network namespace of the process that opens the file, here the host's.
 */
export function createKernelFiles(write: (path: string, text: string) => Promise<void>): KernelFiles {
  return {
    read: (path) => readFile(path, 'utf8').catch(() => undefined),
    write: (path, text) => write(path, text).catch(() => write(`/host${path}`, text)),
  };
}

export const kernelFiles: KernelFiles = createKernelFiles(writeFile);

const routeLocalnet = '/proc/sys/net/ipv4/conf/all/route_localnet';
const migrateRequests = '/proc/sys/net/ipv4/tcp_migrate_req';

/**
 * Sets route_localnet if needed; to be called after the rules, which protect what it opens. A text says what could not be set. Also sets
 * tcp_migrate_req if possible: connections in the queue of a listener that closes move to the one that replaces it.
 */
export async function prepareKernel(target: RedirectTarget, files: KernelFiles): Promise<string | undefined> {
  await turnOn(migrateRequests, files);
  if (!leadsToLoopback(target) || (await turnOn(routeLocalnet, files))) return undefined;
  return (
    `net.ipv4.conf.all.route_localnet is not 1 and cannot be set from here, so redirected requests cannot reach ${target.listen.host}: ` +
    'run "nmi install-redirect" in an init container with the /proc/sys/net of the host mounted at /host/proc/sys/net, or in a privileged ' +
    'one; or let --nmi-listen-address be an address of the node'
  );
}

async function turnOn(path: string, files: KernelFiles): Promise<boolean> {
  if ((await files.read(path))?.trim() === '1') return true;
  try {
    await files.write(path, '1');
  } catch {
    return false;
  }
  return (await files.read(path))?.trim() === '1';
}

/** Whether iptables-legacy is in use in this network namespace. */
export async function hasLegacyTables(files: KernelFiles): Promise<boolean> {
  return ((await files.read('/proc/net/ip_tables_names')) ?? '').trim() !== '';
}
