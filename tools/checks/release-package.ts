// A package as a release has it: the archive that npm makes, and the bill of materials (SPDX 2.3, JSON) of what is in that.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { billOfProgram } from '../images/bill.ts';
import { readBundled } from '../images/licences.ts';
import { repository } from '../stage/places.ts';
import { buildFacts } from '../workspace/build-facts.mjs';

interface ReleasePackage {
  readonly name: string;
  readonly version: string;
  /** The name of its file. */
  readonly archive: string;
  readonly sha256: string;
  readonly bill: string;
}

/** `library`: its folder in packages/; `folder`: for the archive. Needs a build. */
export async function packForRelease(library: string, folder: string): Promise<ReleasePackage> {
  const ofLibrary = `--workspace=@pod-identity/${library}`;
  const [packed] = JSON.parse(npm('pack', '--json', `--pack-destination=${folder}`, ofLibrary)) as {
    readonly name: string;
    readonly version: string;
    readonly filename: string;
  }[];
  if (packed === undefined) throw new Error(`npm has packed nothing of ${library}`);
  const { name, version, filename: archive } = packed;
  const sha256 = createHash('sha256')
    .update(readFileSync(join(folder, archive)))
    .digest('hex');
  // npm knows what a library depends on, and nothing of what is bundled in a program.
  const bill =
    library === 'kubectl'
      ? `${JSON.stringify(await billOfPlugIn({ name, version, sha256 }), undefined, 2)}\n`
      : npm('sbom', '--package-lock-only', '--sbom-format=spdx', '--omit=dev', ofLibrary);
  return { name, version, archive, sha256, bill };
}

async function billOfPlugIn(packed: Pick<ReleasePackage, 'name' | 'version' | 'sha256'>): Promise<object> {
  const { date: created } = buildFacts();
  return billOfProgram({ ...packed, created, bundled: await readBundled('kubectl') });
}

function npm(...words: readonly string[]): string {
  return execFileSync('npm', words, { cwd: repository, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
}
