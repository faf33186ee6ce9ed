import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Readonly<Record<string, string>>;
};
const commands = Object.entries(scripts);
const throughBootstrap = 'node tools/workspace/bootstrap.mjs ';

test('npm commands that run TypeScript install what is missing on a fresh clone with Node 20', () => {
  const direct = commands.filter(([, command]) => command.includes('.ts'));
  expect(direct).toEqual([]);
});

test('bootstrap.mjs runs the tasks that package.json names, and names all when asked for another', () => {
  const named = commands.flatMap(([, command]) =>
    command.startsWith(throughBootstrap) ? [command.slice(throughBootstrap.length)] : [],
  );
  const { status, stderr } = spawnSync(process.execPath, ['tools/workspace/bootstrap.mjs', 'other'], {
    cwd: root,
    encoding: 'utf8',
  });
  const [, tasks = ''] = /^unknown task other; there are: (.*)\n$/.exec(stderr) ?? [];
  expect(status).toBe(2);
  expect(named.filter((name) => !tasks.split(', ').includes(name))).toEqual([]);
});

test('wrong options of npm start are refused before anything is installed', () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    ['tools/workspace/bootstrap.mjs', 'demo', '--other'],
    {
      cwd: root,
      encoding: 'utf8',
      // There is no npm: what begins with an installation fails.
      env: { PATH: '' },
    },
  );
  expect([status, stderr.split('\n')[0]]).toEqual([2, "npm start: Unknown option '--other'"]);
});

/** A clone with its packages installed, whose build and tests print a line and go on until they are ended. */
function createClone(): string {
  const clone = mkdtempSync(join(tmpdir(), 'pod-identity-'));
  onTestFinished(() => rmSync(clone, { recursive: true }));
  const files = ['bootstrap', 'own-group', 'set-up-progress'].map((name) => `tools/workspace/${name}.mjs`);
  for (const file of [...files, 'tools/demo/arguments.mjs', 'package.json', '.npmrc'])
    cpSync(join(root, file), join(clone, file));
  const cache = join(clone, 'node_modules/.cache/pod-identity');
  const programs = join(clone, 'node_modules/.bin');
  for (const folder of [cache, programs]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(clone, 'package-lock.json'), '{}');
  writeFileSync(join(cache, 'installed'), createHash('sha256').update('{}').digest('hex'));
  const program = `#!/bin/sh
    echo a line of the build
    touch "$TMPDIR/folder of a test" '${clone}/begun'
    exec tail -f /dev/null
  `;
  for (const name of ['nx', 'vitest']) writeFileSync(join(programs, name), program, { mode: 0o755 });
  mkdirSync(join(clone, 'tmp'));
  return clone;
}

function startIn(clone: string, ...args: readonly string[]) {
  const run = spawn(process.execPath, ['tools/workspace/bootstrap.mjs', ...args], {
    cwd: clone,
    env: { ...process.env, TMPDIR: join(clone, 'tmp') },
  });
  let told = '';
  run.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
  const closed = once(run, 'close');
  const stopBy = async (signal: NodeJS.Signals) => {
    await expect.poll(() => existsSync(join(clone, 'begun'))).toBe(true);
    run.kill(signal);
    return { code: (await closed) as unknown[], told };
  };
  return { stopBy };
}

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)(
  '%s while the programs are built says so, without the output of the build',
  async (signal, expected) => {
    const { code, told } = await startIn(createClone(), 'demo').stopBy(signal);
    expect(code).toEqual([expected, null]);
    expect(told).toMatch(/building the programs: stopped, \d+ s\n$/);
  },
);

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s in a run of tests leaves no folder of a test', async (signal, expected) => {
  const clone = createClone();
  expect((await startIn(clone, 'test:unit').stopBy(signal)).code).toEqual([expected, null]);
  expect(readdirSync(join(clone, 'tmp'))).toEqual([]);
});

test('an option of npm start counts without `--` as well', () => {
  const { status, stderr } = spawnSync('npm', ['start', '--kubeconfig', '/no/such/file'], {
    cwd: createClone(),
    encoding: 'utf8',
  });
  expect([status, stderr.split('\n')[0]]).toEqual([2, 'npm start: there is no file /no/such/file']);
});
