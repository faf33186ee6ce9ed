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

const folder = join(repository, 'dist/release');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const changesets = readdirSync(join(repository, '.changeset')).filter((name) => name.endsWith('.md'));
const next = changesets.length > 0 ? 'propose' : 'publish';
if (next === 'propose') write('version.patch', versionPatch());
else {
  const packed = publishedPackages.map(packLibrary).map(withKrewManifest);
  write('packages.json', `${JSON.stringify(packed, undefined, 2)}\n`);
}

const checksums = readdirSync(folder).map((name) => `${hashOf(name)}  ${name}\n`);
const output = `next=${next}\nchecksums<<END\n${checksums.join('')}END\n`;
process.stdout.write(output);
const outputFile = process.env['GITHUB_OUTPUT'];
if (outputFile !== undefined) appendFileSync(outputFile, output);

function versionPatch(): string {
  run('npm', 'run', '--silent', 'release:version');
  run('git', 'add', '--all');
  return run('git', 'diff', '--cached', '--binary');
}

/** krew downloads the archive from the release of the plug-in, so that has it as a file, beside the manifest. */
function withKrewManifest(packed: ReturnType<typeof packLibrary>): object {
  const { name, version, archive } = packed;
  if (name !== '@pod-identity/kubectl' || archive === undefined) return packed;
  const manifest = krewManifest({ version, archive, sha256: hashOf(archive) });
  return { ...packed, files: [archive, write('azure-pod-identity.yaml', manifest)] };
}

function hashOf(name: string): string {
  return createHash('sha256')
    .update(readFileSync(join(folder, name)))
    .digest('hex');
}

function packLibrary(library: string) {
  const { name, version } = JSON.parse(readFileSync(pathIn(library, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly version: string;
  };
  const ofLibrary = `--workspace=${name}`;
  const [packed] = JSON.parse(run('npm', 'pack', '--json', `--pack-destination=${folder}`, ofLibrary)) as {
    readonly filename: string;
  }[];
  return {
    name,
    version,
    archive: packed?.filename,
    bill: write(`${library}.spdx.json`, run('npm', 'sbom', '--sbom-format=spdx', '--omit=dev', ofLibrary)),
    notes: write(`${library}.md`, notesOf(library, version)),
  };
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
