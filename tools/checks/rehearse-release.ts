// Does in a temporary copy of the checkout what release.yml does to make the version pull request, and then what the gate would say of
// that commit: release.yml runs `npm run check` before it packs, so a page or a lock file that only holds before it would end the release.
// Then it packs the packages as release.yml does once that is merged. Needs a build.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { parse } from 'yaml';
import { publishedLibraries, publishedPackages, repository } from '../stage/places.ts';

type Command = readonly [program: string, ...args: string[]];

const copy = mkdtempSync(join(tmpdir(), 'pod-identity-release-'));
process.on('exit', () => rmSync(copy, { recursive: true, force: true }));
// Nothing is fetched: all that a version changes is in the lock file. Tests of the copy are not counted among those of the checkout.
const env = {
  ...process.env,
  PATH: `${join(copy, 'node_modules/.bin')}${delimiter}${process.env['PATH']}`,
  npm_config_offline: 'true',
  POD_IDENTITY_TEST_COUNT: '',
};

copyFiles();
linkModules();
writeFileSync(join(copy, '.changeset/rehearsal.md'), changeOfBoth());
commit();
say(['node', 'tools/workspace/bootstrap.mjs', 'release:pack']);
say(['git', 'apply', '--check', '--cached', '--reverse', 'dist/release/version.patch']);
say(['bash', '-e', '-c', checkOfPatch()]);
const changed = changedFiles();
const untouched = publishedLibraries
  .flatMap((name) => [`packages/${name}/package.json`, `packages/${name}/CHANGELOG.md`])
  .filter((path) => !changed.includes(path));
if (untouched.length > 0) fail(`release:version left ${untouched.join(', ')} as they were`);
const stale = staleInLock();
if (stale.length > 0) fail(`release:version left package-lock.json without ${stale.join(', ')}`);

const gate: readonly Command[] = [
  ['prettier', '--check', '--ignore-unknown', ...changed],
  ['node', 'tools/docs/check-docs.ts'],
  ...['manifests', 'docs', 'chart'].map((what): Command => ['node', `tools/docs/gen-${what}.ts`, '--check']),
  ['npm', 'ci', '--dry-run', '--loglevel=error'],
  [
    'vitest',
    'run',
    '--project',
    'imds-client',
    '--typecheck.enabled=false',
    '-t',
    'version',
    'client.test',
    'run.test',
  ],
];
for (const command of gate) say(command);
stampLock();
say(['node', 'tools/workspace/bootstrap.mjs', 'release:pack']);
checkRelease();
console.log(
  `a release: ${changed.length} files get versions and changelogs, and pass the gate; then ${publishedPackages.join(', ')} are packed`,
);

/** What is committed, and what would be. */
function copyFiles(): void {
  const listed = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const files = execFileSync('git', listed, { cwd: repository, encoding: 'utf8' }).split('\0');
  for (const file of files) {
    const from = join(repository, file);
    if (file === '' || !existsSync(from)) continue;
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    copyFileSync(from, join(copy, file));
  }
  // The generators of pages import them; what they hold of a version is not in a page.
  for (const name of publishedPackages) {
    const built = join('packages', name, 'dist');
    if (!existsSync(join(repository, built))) fail(`there is no ${built}: run npm run build first`);
    cpSync(join(repository, built), join(copy, built), { recursive: true });
  }
}

/** Links the installed packages, and this workspace's own to the copy. */
function linkModules(): void {
  const folders = ['.', ...workspaces()].map((folder) => join(folder, 'node_modules'));
  for (const folder of folders.filter((one) => existsSync(join(repository, one)))) {
    mkdirSync(join(copy, folder));
    for (const name of readdirSync(join(repository, folder)))
      if (name !== '@pod-identity' && name !== '.cache' && !name.startsWith('.vite'))
        symlinkSync(join(repository, folder, name), join(copy, folder, name));
  }
  mkdirSync(join(copy, 'node_modules/@pod-identity'));
  for (const folder of workspaces())
    symlinkSync(join(copy, folder), join(copy, 'node_modules', manifestOf(folder).name));
  stampLock();
}

/** bootstrap.mjs installs what this does not name. */
function stampLock(): void {
  const stamp = join(copy, 'node_modules/.cache/pod-identity/installed');
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, hashOf('package-lock.json'));
}

function hashOf(path: string): string {
  return createHash('sha256')
    .update(readFileSync(join(copy, path)))
    .digest('hex');
}

/** So that there is a release to rehearse also right after one. */
function changeOfBoth(): string {
  return `---\n${publishedLibraries.map((name) => `'@pod-identity/${name}': patch\n`).join('')}---\n\nA rehearsal.\n`;
}

/** A copy of its own history: a checkout in CI may be shallow, and changesets would ask for more of it. */
function commit(): void {
  const settings = ['user.name=rehearsal', 'user.email=rehearsal@localhost', 'commit.gpgsign=false'];
  const git = (...args: string[]) =>
    execFileSync('git', [...settings.flatMap((one) => ['-c', one]), ...args], { cwd: copy, stdio: 'pipe' });
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '--no-verify', '--message', 'A rehearsal');
}

/** The step of release.yml that decides whether the patch, which is in the index, may be proposed. */
function checkOfPatch(): string {
  const { jobs } = parse(readFileSync(join(copy, '.github/workflows/release.yml'), 'utf8')) as {
    readonly jobs: {
      readonly propose: { readonly steps: readonly { readonly id?: string; readonly run?: string }[] };
    };
  };
  const { run } = jobs.propose.steps.find(({ id }) => id === 'check') ?? {};
  return run ?? fail('release.yml has no step that checks version.patch');
}

function changedFiles(): string[] {
  execFileSync('git', ['add', '--all'], { cwd: copy });
  const listed = ['diff', '--cached', '--name-only', '--diff-filter=d'];
  return execFileSync('git', listed, { cwd: copy, encoding: 'utf8' }).trim().split('\n');
}

/** Without changesets: each package in its new version, with all files of its release, and the plug-in for krew. */
function checkRelease(): void {
  const released = 'dist/release';
  const packed = readJson(`${released}/packages.json`) as readonly Released[];
  const names = packed.map(({ name, version }) => `${name} ${version}`);
  const wanted = publishedPackages.map((folder) => {
    const { name, version = '' } = manifestOf(join('packages', folder));
    return `${name} ${version}`;
  });
  if (names.join() !== wanted.join()) fail(`it has ${names.join(', ')} instead of ${wanted.join(', ')}`);
  const files = packed.flatMap(({ archive, bill, notes, files: more = [] }) => [
    archive,
    bill,
    notes,
    ...more,
  ]);
  const missing = files.filter((file) => !existsSync(join(copy, released, file)));
  if (missing.length > 0) fail(`it names ${missing.join(', ')}, and they are not there`);
  const archive = packed.find(({ name }) => name === '@pod-identity/kubectl')?.archive ?? '';
  const manifest = readFileSync(join(copy, released, 'azure-pod-identity.yaml'), 'utf8');
  const { spec } = parse(manifest) as {
    readonly spec: { readonly platforms: readonly { readonly uri: string; readonly sha256: string }[] };
  };
  const sha256 = hashOf(join(released, archive));
  const isOther = spec.platforms.some((one) => one.sha256 !== sha256 || !one.uri.endsWith(`/${archive}`));
  if (isOther) fail(`the manifest of krew is not for ${archive} with the SHA-256 ${sha256}:\n${manifest}`);
}

interface Released {
  readonly name: string;
  readonly version: string;
  readonly archive: string;
  readonly bill: string;
  readonly notes: string;
  readonly files?: readonly string[];
}

interface Manifest {
  readonly name: string;
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(join(copy, path), 'utf8'));
}

/** The root's and those of all folders, by path. */
function locked(): Readonly<Record<string, Partial<Manifest>>> {
  return (readJson('package-lock.json') as { packages: Readonly<Record<string, Manifest>> }).packages;
}

function workspaces(): string[] {
  return Object.keys(locked()).filter((path) => path !== '' && !path.includes('node_modules'));
}

function manifestOf(folder: string): Manifest {
  return readJson(join(folder, 'package.json')) as Manifest;
}

/** `npm ci` does not compare the versions of the workspace's own packages; the next `npm install` would change them. */
function staleInLock(): string[] {
  const packages = locked();
  const facts = ({ version, dependencies, devDependencies }: Partial<Manifest> = {}) =>
    JSON.stringify({ version, dependencies, devDependencies });
  return workspaces().filter((folder) => facts(manifestOf(folder)) !== facts(packages[folder]));
}

function say([program, ...args]: Command): void {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: copy, env, encoding: 'utf8' });
  if (status === 0) return;
  process.stderr.write(`${stdout}${stderr}`);
  fail(`${[program, ...args].join(' ')} fails`);
}

function fail(message: string): never {
  console.error(`a release, rehearsed in a copy: ${message}`);
  process.exit(1);
}
