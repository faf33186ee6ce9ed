// What builds keep for the next: what is not as it was stored is not used, a use is marked by the time of the file, and what no build has used
// for long is removed.
import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';

export interface Kept {
  readonly name: string;
  readonly usedAtMs: number;
}
export interface Limits {
  readonly unusedMs: number;
  /** So many stay at most: those used last. */
  readonly most: number;
}

/** The names to remove. */
export function outdated(
  kept: readonly Kept[],
  { nowMs, unusedMs, most }: Limits & { readonly nowMs: number },
): readonly string[] {
  const lastFirst = kept.toSorted((one, other) => other.usedAtMs - one.usedAtMs);
  return lastFirst
    .filter(({ usedAtMs }, place) => place >= most || nowMs - usedAtMs > unusedMs)
    .map(({ name }) => name);
}

/** Undefined if there is none, or not the one that was stored. */
export async function readKept(
  file: string,
  isIntact: (content: Buffer) => boolean,
): Promise<Buffer | undefined> {
  const content = await readFile(file).catch(() => undefined);
  if (!content) return undefined;
  if (!isIntact(content)) {
    console.error(`${file} is not what was stored: it is replaced`);
    return undefined;
  }
  await markUsed(file);
  return content;
}

/** Another build may have removed it meanwhile. */
export async function markUsed(file: string): Promise<void> {
  const now = new Date();
  await utimes(file, now, now).catch(() => undefined);
}

export interface Place extends Limits {
  readonly folder: string;
  /** Which of its entries are kept files; default: all. */
  readonly isKept?: RegExp;
}

export async function prune({ folder, isKept = /^/, ...limits }: Place): Promise<void> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => isKept.test(name));
  const kept = await Promise.all(
    names.map(async (name) => ({
      name,
      usedAtMs: await stat(join(folder, name)).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    })),
  );
  for (const name of outdated(kept, { ...limits, nowMs: Date.now() }))
    await rm(join(folder, name), { recursive: true, force: true });
}
