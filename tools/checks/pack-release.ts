// Makes the files of a release in dist/release: with changesets `version.patch`, which sets versions and changelogs; without, packages.json with
// the archive, SBOM and notes of each library. For release.yml it puts out which of both (`next`) and the SHA-256 of every file
// (`checksums`): the jobs that write or publish run no code of ours. Needs a build.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { publishedPackages, repository } from '../stage/places.ts';
import { krewManifest } from './krew-manifest.ts';
import { packForRelease } from './release-package.ts';

const folder = join(repository, 'dist/release');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const changesets = readdirSync(join(repository, '.changeset')).filter((name) => name.endsWith('.md'));
const next = changesets.length > 0 ? 'propose' : 'publish';
if (next === 'propose') write('version.patch', versionPatch());
else {
  const packed = await Promise.all(publishedPackages.map(packLibrary));
  write('packages.json', `${JSON.stringify(packed, undefined, 2)}\n`);
}

const checksums = readdirSync(folder).map((name) => {
  const hash = createHash('sha256').update(readFileSync(join(folder, name)));
  return `${hash.digest('hex')}  ${name}\n`;
});
const output = `next=${next}\nchecksums<<END\n${checksums.join('')}END\n`;
process.stdout.write(output);
const outputFile = process.env['GITHUB_OUTPUT'];
if (outputFile !== undefined) appendFileSync(outputFile, output);

function versionPatch(): string {
  run('node', 'tools/workspace/bootstrap.mjs', 'release:version');
  run('git', 'add', '--all');
  return run('git', 'diff', '--cached', '--binary');
}

async function packLibrary(library: string) {
  const { bill, ...packed } = await packForRelease(library, folder);
  const written = {
    name: packed.name,
    version: packed.version,
    archive: packed.archive,
    bill: write(`${library}.spdx.json`, bill),
    notes: write(`${library}.md`, notesOf(library, packed.version)),
  };
  if (library !== 'kubectl') return written;
  // krew downloads the archive from the release of the plug-in, so that has it as a file, beside the manifest.
  return { ...written, files: [packed.archive, write('azure-pod-identity.yaml', krewManifest(packed))] };
}

/** The section of the version in the changelog. */
function notesOf(library: string, version: string): string {
  const changelog = pathIn(library, 'CHANGELOG.md');
  const sections = existsSync(changelog) ? readFileSync(changelog, 'utf8').split(/^## /m) : [];
  const section = sections.find((text) => text.startsWith(`${version}\n`)) ?? '';
  return `${section.slice(version.length).trim()}\n`;
}

function pathIn(library: string, file: string): string {
  return join(repository, 'packages', library, file);
}

function write(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return name;
}

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { cwd: repository, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
}
