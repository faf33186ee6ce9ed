// The compilers, bundlers and runtimes of programs/, which are installed when a test first needs them.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { arePackagesRequired } from '@pod-identity/kit/testing';
import { runCommand } from '../stage/run-command.ts';
import { repository } from '../stage/places.ts';

const folder = join(repository, 'tools/consumers/programs');
const modules = join(folder, 'node_modules');

/** $1: the folder; $2: the hash of its lockfile, which the stamp has once all is installed. */
const install = `
stamp=$1/node_modules/.installed
[ "$(cat "$stamp" 2>/dev/null)" = "$2" ] || { npm ci --prefix "$1" && printf %s "$2" >"$stamp"; }
`;

/** With hundreds of MB from a registry, and a wait for another suite that installs the same. */
const patienceMs = 300_000;

/** Why they are missing, if they are. With POD_IDENTITY_REQUIRE_PACKAGES=1 or in CI it throws instead. */
export async function providePrograms(): Promise<string | undefined> {
  if (process.platform !== 'linux')
    return 'the runtimes are pinned for Linux only: .ci/run and .github/workflows/check.yml run these tests there';
  const lockfile = readFileSync(join(folder, 'package-lock.json'));
  const wanted = createHash('sha256').update(lockfile).digest('hex');
  try {
    // Suites that begin at the same time need it: the first one installs, the others find its stamp.
    await runCommand('flock', [folder, 'sh', '-c', install, 'sh', folder, wanted], patienceMs);
    return undefined;
  } catch (error) {
    if (arePackagesRequired()) throw error;
    return `npm ci in tools/consumers/programs failed: ${String(error)}`;
  }
}

const isArm = process.arch === 'arm64';

export const programs = {
  modules,
  bun: join(modules, isArm ? '@oven/bun-linux-aarch64/bin/bun' : '@oven/bun-linux-x64-baseline/bin/bun'),
  deno: join(modules, isArm ? '@deno/linux-arm64-glibc/deno' : '@deno/linux-x64-glibc/deno'),
  bundle: join(folder, 'bundle.mjs'),
  tsc: (version: TypeScriptVersion) => join(modules, `typescript-${version}`, 'bin/tsc'),
} as const;

export const typeScriptVersions = ['5.0', '5.9', '6.0', '7.0'] as const;
export type TypeScriptVersion = (typeof typeScriptVersions)[number];
