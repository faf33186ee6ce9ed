import { readFile, writeFile } from 'node:fs/promises';
import { routeLocalnet, setByNmi, leadsToLoopback, type RedirectTarget } from './target.ts';

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

const migrateRequests = '/proc/sys/net/ipv4/tcp_migrate_req';
/** A number for any use: the kernel does not read it. */
const note = '/proc/sys/net/ipv4/conf/lo/tag';

/**
 * Sets route_localnet if needed; to be called after the rules, which protect what it opens. A text says what could not be set. Also sets
 * tcp_migrate_req if possible: connections in the queue of a listener that closes move to the one that replaces it.
 */
export async function prepareKernel(target: RedirectTarget, files: KernelFiles): Promise<string | undefined> {
  await migrateConnections(files).catch(() => undefined);
  if (!leadsToLoopback(target)) {
    await closeLoopback(files).catch(() => undefined);
    return undefined;
  }
  if (await openLoopback(files)) return undefined;
  return (
    `net.ipv4.conf.all.route_localnet is 0 and cannot be set from here, so redirected requests cannot reach ${target.listen.host}: ` +
    'run "nmi install-redirect" in an init container with the /proc/sys/net of the host mounted at /host/proc/sys/net, or in a privileged ' +
    'one; or let --nmi-listen-address be an address of the node'
  );
}

/** To be called before the rules are removed. Returns whether NMI had set anything that nobody else has set since. */
export async function restoreKernel(files: KernelFiles): Promise<boolean> {
  const isClosed = await closeLoopback(files);
  if ((await valueOf(note, files)) !== setByNmi.note) return isClosed;
  await files.write(migrateRequests, '0');
  await files.write(note, '0');
  return true;
}

async function openLoopback(files: KernelFiles): Promise<boolean> {
  const isOpen = async () => ![undefined, '0'].includes(await valueOf(routeLocalnet, files));
  if (await isOpen()) return true;
  await files.write(routeLocalnet, setByNmi.routeLocalnet).catch(() => undefined);
  return isOpen();
}

async function closeLoopback(files: KernelFiles): Promise<boolean> {
  if ((await valueOf(routeLocalnet, files)) !== setByNmi.routeLocalnet) return false;
  await files.write(routeLocalnet, '0');
  return true;
}

/** Not set where it could not be put back: another program uses the note. */
async function migrateConnections(files: KernelFiles): Promise<void> {
  if ((await valueOf(migrateRequests, files)) !== '0') return;
  if (!['0', setByNmi.note].includes((await valueOf(note, files)) ?? '')) return;
  await files.write(note, setByNmi.note);
  await files.write(migrateRequests, '1');
}

async function valueOf(path: string, files: KernelFiles): Promise<string | undefined> {
  return (await files.read(path))?.trim();
}
