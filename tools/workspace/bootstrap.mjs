// Runs one of the project's tasks on a fresh clone with only Node and npm.
// Node 20 can read this file; the task itself runs on Node >= 22.21, fetched from the npm registry if need be.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { readArguments, takenByNpm } from '../demo/arguments.mjs';
import { exitCodeOf, runInOwnGroup } from './own-group.mjs';
import { builtSoFar, packagesOf, showProgress } from './set-up-progress.mjs';

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../..');
const nodeFolder = join(root, 'tools/workspace/node');
const needed = [22, 21];

/** Tests that import sources: they need no build. */
const ofSources = ['--project', '!rest', '--project', '!e2e'];
const tasks = {
  demo: [build, ['node', 'tools/demo/main.ts']],
  test: [build, tests('--project', '!rest')],
  'test:rest': [build, tests('--project', 'rest')],
  'test:all': [build, tests()],
  'test:unit': [tests(...ofSources)],
  'test:watch': [['vitest', 'watch', ...ofSources]],
  check: [...staticChecks(), tests('--project', '!rest')],
  'check:static': staticChecks(),
  lint: lint(),
  boundaries: boundaries(),
  typecheck: typecheck(),
  mutate: [['stryker', 'run']],
  docs: [build, ...generators(), ['node', 'tools/docs/check-docs.ts'], ['node', 'tools/site/main.ts']],
  manifests: [['node', 'tools/docs/gen-manifests.ts']],
  chart: [['node', 'tools/chart/main.ts']],
  site: [['node', 'tools/site/main.ts']],
  chaos: [build, ['node', 'tools/chaos/main.ts']],
  bench: [build, ['node', '--expose-gc', 'tools/bench/main.ts']],
  'release:pack': [['node', 'tools/checks/pack-release.ts']],
  'release:version': [
    ['changeset', 'version'],
    ['node', 'tools/checks/write-version.ts'],
    // The lock file names the versions of the workspace's own packages.
    ['npm', 'install', '--package-lock-only', '--loglevel=error'],
  ],
  images: [buildAfresh, ['node', 'tools/images/main.ts']],
};

function staticChecks() {
  return [
    ['prettier', '--check', '.'],
    ...lint(),
    ...boundaries(),
    ...typecheck(),
    ['knip'],
    ['node', 'tools/docs/check-docs.ts'],
    ['node', 'tools/checks/count-exceptions.ts'],
    build,
    ['node', 'tools/checks/check-packages.ts'],
    ['node', 'tools/checks/api-reports.ts', '--check'],
    ['node', 'tools/site/main.ts'],
    ['node', 'tools/docs/gen-manifests.ts', '--check'],
    ...generators().map((command) => [...command, '--check']),
  ];
}

/** Of pages and definitions. That of manifests needs kubectl. */
function generators() {
  return ['docs/gen-docs', 'docs/gen-chart'].map((name) => ['node', `tools/${name}.ts`]);
}

/** Both halves at once. */
function lint() {
  const half = (name, ...args) =>
    `eslint ${args.join(' ')} --max-warnings 0 --cache --cache-location node_modules/.cache/eslint/${name}`;
  const others = half('others', '.', '--ignore-pattern', 'packages');
  return [['sh', '-c', `${others} & ${half('packages', 'packages')}; status=$?; wait $! && exit $status`]];
}

function boundaries() {
  return ['.dependency-cruiser.mjs', '.dependency-cruiser.folders.mjs'].map((config) => [
    'depcruise',
    ...['--config', config, 'packages', 'tools'],
  ]);
}

function typecheck() {
  return ['tsconfig.json', 'packages/kubectl/src/ui/page'].map((path) => ['tsc', '--noEmit', '-p', path]);
}

function tests(...args) {
  return ['vitest', 'run', ...args];
}

function build() {
  return ['nx', 'run-many', '-t', 'build', '--outputStyle=static'];
}

/** Nothing goes into an image that nx kept in the user's folder: it does not check whether that is what it had stored. */
function buildAfresh() {
  return [...build(), '--skip-nx-cache'];
}

const [task, ...rest] = process.argv.slice(2);
if (!(task in tasks)) {
  console.error(`unknown task ${task}; there are: ${Object.keys(tasks).join(', ')}`);
  process.exit(2);
}

if (process.platform === 'win32') {
  console.error('Windows alone does not run this: use WSL, and clone the repository there (README.md)');
  process.exit(1);
}
if (task === 'demo') {
  rest.unshift(...takenByNpm(process.env));
  const { values, text, code } = readArguments(rest);
  if (values === undefined) {
    (code === 0 ? console.log : console.error)(text);
    process.exit(code);
  }
}

// `npm run bench -- mic --json` promises one JSON object and nothing else, so what comes before the task is shown on standard error.
const say = (line) => console.error(`\u203a ${line}`);
const env = {
  ...process.env,
  ...{ NX_DAEMON: 'false', NX_NO_CLOUD: 'true', NX_TUI: 'false' },
  // Otherwise each run of tests begins with a warning about Vitest's type tests; package-lock.json pins Vitest's version.
  VITEST_DISABLE_EXPERIMENTAL_LOG: '1',
};
let child;
/** The signal that stops this process. */
let stoppedBy = null;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    stoppedBy = signal;
    // A terminal sends Ctrl-C to the child as well; a supervisor sends SIGTERM only to this process.
    child?.kill(signal);
  });
}

prepend(join(root, 'node_modules/.bin'));
await provideNode();
await provideDependencies();
const steps = tasks[task];
for (const [index, step] of steps.entries()) {
  const isLast = index === steps.length - 1;
  const [command, ...args] = typeof step === 'function' ? step() : step;
  const quiet =
    typeof step === 'function' ? { title: 'building the programs', detail: builtSoFar } : undefined;
  const all = isLast ? [...args, ...rest] : args;
  const isTests = command === 'vitest' && args[0] === 'run';
  const code = await (isTests ? runTests(all) : run(command, all, { quiet }));
  if (code !== 0 || !isLast) exitUnlessDone(code);
}

/** Puts a Node that is new enough first on the PATH. */
async function provideNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  env.POD_IDENTITY_SYSTEM_NODE ??= process.execPath;
  if (major > needed[0] || (major === needed[0] && minor >= needed[1])) return;
  const bin = join(nodeFolder, 'node_modules/.bin');
  if (!existsSync(join(bin, 'node'))) {
    const title = `Node ${process.versions.node} is older than ${needed.join('.')}: fetching Node 24 from npm`;
    await runOrExit('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: nodeFolder,
      quiet: { title },
    });
  }
  if (!existsSync(join(bin, 'node'))) {
    say(
      `there is no Node 24 package for ${process.platform} ${process.arch}: please install Node >= ${needed.join('.')} yourself`,
    );
    process.exit(1);
  }
  prepend(bin);
}

function prepend(folder) {
  env.PATH = `${folder}${delimiter}${env.PATH}`;
}

/** Installs what package-lock.json names, once for each version of that file. */
async function provideDependencies() {
  const stamp = join(root, 'node_modules/.cache/pod-identity/installed');
  const lock = readFileSync(join(root, 'package-lock.json'));
  const wanted = createHash('sha256').update(lock).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const packages = packagesOf(JSON.parse(lock.toString()), process);
  const installed = () => packages.filter((path) => existsSync(join(root, path, 'package.json'))).length;
  const detail = () => `${installed()} of ${packages.length} packages`;
  const quiet = { title: 'installing the packages of package-lock.json', detail };
  await runOrExit('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { quiet });
  mkdirSync(join(stamp, '..'), { recursive: true });
  writeFileSync(stamp, wanted);
}

/** Without escape codes where the output is a file. */
async function runTests(args) {
  child = undefined;
  const colour = process.stdout.isTTY ? {} : { NO_COLOR: '1' };
  // A test that Ctrl-C ends while it starts something cannot remove its folders. Those of the other tests may hold mounts.
  const folder = args.includes('!rest') ? mkdtempSync(join(tmpdir(), 'tests-')) : undefined;
  const more = { ...colour, ...(folder && { TMPDIR: folder }), POD_IDENTITY_PROGRESS: '1' };
  const code = await runInOwnGroup('vitest', args, { cwd: root, env: { ...env, ...more } });
  if (folder) rmSync(folder, { recursive: true, force: true });
  return code;
}

async function runOrExit(command, args, options) {
  exitUnlessDone(await run(command, args, options));
}

function exitUnlessDone(code) {
  if (stoppedBy !== null) process.exit(exitCodeOf(null, stoppedBy));
  if (code !== 0) process.exit(code);
}

/** With `quiet` the output of a step is only printed if it fails, and its title and what it has done are shown meanwhile. */
function run(command, args, { cwd = root, quiet } = {}) {
  return new Promise((resolve) => {
    child = spawn(command, args, { cwd, env, stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit' });
    const printed = [];
    child.stdout?.on('data', (chunk) => printed.push(chunk));
    child.stderr?.on('data', (chunk) => printed.push(chunk));
    const detail = () => quiet.detail?.(Buffer.concat(printed).toString());
    const finish = quiet ? showProgress(quiet.title, { detail }) : () => undefined;
    child.on('error', (error) => {
      finish('failed');
      say(`${command}: ${error.message}`);
      resolve(127);
    });
    child.on('exit', (code, signal) => {
      const isFailed = code !== 0 && stoppedBy === null;
      finish(code === 0 ? 'done' : isFailed ? 'failed' : 'stopped');
      if (quiet && isFailed) process.stderr.write(Buffer.concat(printed));
      resolve(exitCodeOf(code, signal));
    });
  });
}
