// The host's /etc, mounted into this container.
import { mkdir, rename, rm, rmdir, stat, statfs, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { guardFolder, guardPaths, unitFolder, type GuardFile } from './boot-guard.ts';

/** Type of an in-memory file system in statfs(2). */
const tmpfs = 0x01021994;

/** Why files cannot be kept there, with the remedy; undefined if they can. */
export async function whyNotKept(etc: string): Promise<string | undefined> {
  const units = await stat(join(etc, unitFolder)).catch(() => undefined);
  if (!units?.isDirectory())
    return (
      `${join(etc, unitFolder)} is not there: --persist needs the host's /etc mounted at ${etc} (--host-etc), and systemd on the host; ` +
      'on other systems load the rules by other means before the kubelet starts'
    );
  const { type } = await statfs(etc);
  return type === tmpfs
    ? `${etc} is kept in memory: what is written there is gone after a restart of the node; put the guard into the image of the node instead`
    : undefined;
}

/** Each file is replaced atomically. */
export async function writeGuard(etc: string, files: readonly GuardFile[]): Promise<void> {
  for (const { path, text, link = false } of files) {
    const file = join(etc, path);
    const fresh = `${file}.new`;
    await mkdir(dirname(file), { recursive: true, mode: 0o755 });
    await rm(fresh, { force: true });
    if (link) await symlink(text, fresh);
    else await writeFile(fresh, text, { mode: 0o644, flush: true });
    await rename(fresh, file);
  }
}

/** Returns whether there were files. Folders are removed only if they are empty. */
export async function removeGuard(etc: string): Promise<boolean> {
  let removed = false;
  for (const path of guardPaths) {
    try {
      await rm(join(etc, path));
      removed = true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    }
  }
  for (const folder of [
    guardFolder,
    join(unitFolder, 'kubelet.service.requires'),
    join(unitFolder, 'multi-user.target.wants'),
  ])
    await rmdir(join(etc, folder)).catch(() => undefined);
  return removed;
}
