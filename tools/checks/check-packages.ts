// The published libraries, packed as npm does it: no findings by publint and are-the-types-wrong, a dry run of npm publish succeeds, and the
// SBOM lists the library alone.
import { spawnSync } from 'node:child_process';
import { publishedLibraries, publishedPackages, repository } from '../stage/places.ts';

const libraries = publishedPackages.map((name) => `@pod-identity/${name}`);
const ofLibraries = libraries.map((name) => `--workspace=${name}`);

run('nx', 'run-many', '-t', 'check-package', '--outputStyle=static');
// Without provenance: that needs the identity of a workflow run.
run('npm', 'publish', '--dry-run', '--provenance=false', '--loglevel=error', ...ofLibraries);
for (const name of publishedLibraries) checkBill(`@pod-identity/${name}`);
console.log(
  'published packages: publint and are-the-types-wrong found nothing; npm would publish them; each SBOM lists the library alone',
);

function run(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: repository, encoding: 'utf8' });
  if (status === 0) return stdout;
  process.stderr.write(`${[program, ...args].join(' ')}\n${stdout}${stderr}`);
  process.exit(1);
}

/** What the release workflow attaches: the library alone, since it has no dependencies. */
function checkBill(name: string): void {
  const text = run('npm', 'sbom', '--sbom-format=spdx', '--omit=dev', `--workspace=${name}`);
  const { packages } = JSON.parse(text) as { packages: readonly { readonly name: string }[] };
  const found = packages.map((one) => one.name).filter((one) => one !== '@pod-identity/root');
  if (found.length === 1 && found[0] === name) return;
  console.error(`the SBOM of ${name} has ${found.join(', ')}: the library must have no dependencies`);
  process.exit(1);
}
