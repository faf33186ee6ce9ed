// The published packages, packed as npm does it: no findings by publint and are-the-types-wrong, a dry run of npm publish succeeds, and each
// SBOM lists what is in the archive: of a library itself alone, of the plug-in also what is bundled.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publishedPackages, repository } from '../stage/places.ts';
import { packForRelease } from './release-package.ts';

const ofPackages = publishedPackages.map((name) => `--workspace=@pod-identity/${name}`);
const folder = mkdtempSync(join(tmpdir(), 'pod-identity-packed-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

run('nx', 'run-many', '-t', 'check-package', '--outputStyle=static');
// Without provenance: that needs the identity of a workflow run.
run('npm', 'publish', '--dry-run', '--provenance=false', '--loglevel=error', ...ofPackages);
for (const library of publishedPackages) await checkBill(library);
console.log(
  'published packages: publint and are-the-types-wrong found nothing; npm would publish them; each SBOM lists what is in the archive',
);

function run(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: repository, encoding: 'utf8' });
  return status === 0 ? stdout : fail(`${[program, ...args].join(' ')}\n${stdout}${stderr}`);
}

/** What the release workflow attaches, against the archive. */
async function checkBill(library: string): Promise<void> {
  const { name, version, archive, bill } = await packForRelease(library, folder);
  const { packages } = JSON.parse(bill) as {
    readonly packages: readonly { readonly name: string; readonly versionInfo: string }[];
  };
  const listed = packages
    .filter((one) => one.name !== '@pod-identity/root')
    .map((one) => `${one.name} ${one.versionInfo}`);
  const expected = [`${name} ${version}`, ...(library === 'kubectl' ? bundledIn(archive) : [])];
  if (listed.toSorted().join() !== expected.toSorted().join())
    fail(`the SBOM of ${name} has ${listed.join(', ')}; its archive has ${expected.join(', ')}`);
}

/** By the heads of the licences: `NAME VERSION (LICENCE)`. */
function bundledIn(archive: string): readonly string[] {
  const file = 'package/dist/THIRD-PARTY-LICENSES';
  const licences = run('tar', '--extract', '--gzip', '--to-stdout', '--file', join(folder, archive), file);
  return Array.from(licences.matchAll(/^(@?[\w./-]+ \d+\.\d+\.\S+) \([^)\n]+\)$/gm), ([, head = '']) => head);
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
