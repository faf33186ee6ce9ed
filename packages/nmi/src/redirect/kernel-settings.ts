import { readFile, writeFile } from 'node:fs/promises';
import { leadsToLoopback, type RedirectTarget } from './target.ts';

/** Files under /proc. */
export interface KernelFiles {
  /** Undefined where there is no such file. */
  read(path: string): Promise<string | undefined>;
  write(path: string, text: string): Promise<void>;
}

/**
 * In a container that is not privileged /proc/sys is read-only. The manifests mount the host's /proc/sys/net below /host: the
 * settings behind it are those of the network namespace of whoever opens the file, here the host's.
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
 * What the rules need of the kernel: to be called after they are there, for they protect what route_localnet opens.
 * A text says what is not as it must be. Also asks that connections waiting for a listener that closes go to
 * the one that has come to replace it; where that isn't possible, a client tries again.
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

/** Whether the older of iptables' two firewalls is awake in this network namespace. */
export async function hasLegacyTables(files: KernelFiles): Promise<boolean> {
  return ((await files.read('/proc/net/ip_tables_names')) ?? '').trim() !== '';
}
