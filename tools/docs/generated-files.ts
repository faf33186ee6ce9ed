// Files that are generated from the code: writes them, or prints which ones are stale.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';

export interface GeneratedFile {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
}

/** Writes files that differ; with --check on the command line it prints their names instead, and the process fails. */
export function settle(
  files: readonly GeneratedFile[],
  what: { readonly command: string; readonly noun: string },
): void {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
  const stale = files.filter(({ path, text }) => read(path) !== text);
  for (const { path, text } of stale) {
    if (values.check) console.error(`${path} is stale: run ${what.command}`);
    else write(path, text);
  }
  if (values.check && stale.length > 0) process.exitCode = 1;
  console.log(`${files.length} ${what.noun}, ${stale.length} ${values.check ? 'stale' : 'written'}`);
}

const at = (path: string) => new URL(`../../${path}`, import.meta.url);

function write(path: string, text: string): void {
  mkdirSync(dirname(at(path).pathname), { recursive: true });
  writeFileSync(at(path), text);
}

export function read(path: string): string | undefined {
  try {
    return readFileSync(at(path), 'utf8');
  } catch {
    return undefined;
  }
}
