// The library as `tsup` builds it, without types, in a folder of its own: what is in `dist` may be older than the sources.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const packageFolder = fileURLToPath(new URL('..', import.meta.url));

export interface Built {
  readonly folder: string;
  remove(): void;
}

export function buildLibrary(): Built {
  const folder = mkdtempSync(join(tmpdir(), 'crd-types-'));
  execFileSync(`tsup --no-dts --no-clean --out-dir ${folder}`, {
    cwd: packageFolder,
    shell: '/bin/sh',
    stdio: 'pipe',
  });
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The files that a built file loads, itself included, by path; and the names of the modules that are not files. */
export function reachableFrom(entry: string): { files: ReadonlyMap<string, string>; modules: string[] } {
  const files = new Map<string, string>();
  const modules: string[] = [];
  const waiting = [entry];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (files.has(path)) continue;
    const text = readFileSync(path, 'utf8');
    files.set(path, text);
    for (const [, name = ''] of text.matchAll(importedName)) {
      if (name.startsWith('.')) waiting.push(resolve(dirname(path), name));
      else modules.push(name);
    }
  }
  return { files, modules };
}

// `import … from 'x'`, `export … from 'x'`, `import 'x'`, `import('x')` and `require('x')`.
const importedName = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)["']([^"'\n]+)["']/g;
