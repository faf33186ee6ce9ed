// Ctrl-C in a run of tests, and a failure in one, as a user sees them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { repository } from '../stage/places.ts';

const suite = `
  import { spawn } from 'node:child_process';
  import { afterAll, expect, test } from 'vitest';
  console.warn('skipped on a real server: there is none');
  const child = spawn(process.execPath, ['-e', "process.on('SIGINT', () => {}); setInterval(() => {}, 1e6)"]);
  afterAll(() => {
    console.log('it ends what it started');
    throw new Error('there is nothing to stop yet');
  });
  test('one is two', () => expect(1).toBe(2));
  test('waits', { timeout: 600_000 }, async () => {
    console.log('the child is ' + child.pid);
    await new Promise(() => {});
  });
  test('later', () => {});
`;

async function startRun(...filters: readonly string[]) {
  const root = await mkdtemp(join(tmpdir(), 'interrupted-'));
  onTestFinished(() => rm(root, { recursive: true }));
  await writeFile(join(root, 'one.test.ts'), suite);
  const reporter = JSON.stringify(join(import.meta.dirname, 'progress-reporter.ts'));
  const config = `
    import { ProgressReporter } from ${reporter};
    export default { test: { reporters: [new ProgressReporter()] } };
  `;
  await writeFile(join(root, 'vitest.config.ts'), config);
  await symlink(join(repository, 'node_modules'), join(root, 'node_modules'));
  const command = [
    join(repository, 'node_modules/vitest/vitest.mjs'),
    ...['run', '--root', root, ...filters],
  ];
  const where = { cwd: root, env: { ...process.env, NO_COLOR: '1', POD_IDENTITY_TEST_COUNT: '' } };
  const program = `
    import { runInOwnGroup } from ${JSON.stringify(join(import.meta.dirname, 'own-group.mjs'))};
    process.exitCode = await runInOwnGroup(process.execPath, ${JSON.stringify(command)}, ${JSON.stringify(where)});
  `;
  const run = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void run.kill());
  const lines: string[] = [];
  run.stderr.on('data', (chunk: Buffer) => lines.push(...chunk.toString().split('\n')));
  createInterface({ input: run.stdout }).on('line', (line) => lines.push(line));
  const closed = once(run, 'close') as Promise<[number | null]>;
  return { run, lines, closed };
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('a run without a test file says so', async () => {
  const { lines, closed } = await startRun('no-such-file');
  expect(await closed).toEqual([1, null]);
  expect(lines).toContain(
    'No test file was found. CONTRIBUTING.md (Tests) says which command runs which files.',
  );
});

test('SIGTERM ends a run with exit code 143', async () => {
  const { run, lines, closed } = await startRun();
  await expect.poll(() => lines.join('\n')).toMatch(/^the child is \d+$/m);
  run.kill();
  expect(await closed).toEqual([143, null]);
});

test('a failure is told with its reason when it happens; Ctrl-C tells all so far, and leaves no process', async () => {
  const { run, lines, closed } = await startRun();
  const childOf = () => Number(/^the child is (\d+)$/m.exec(lines.join('\n'))?.[1] ?? 0);
  await expect.poll(childOf).toBeGreaterThan(0);
  await expect.poll(() => lines.join('\n')).toContain('expected 1 to be 2');
  expect(lines).toContain('FAIL  one.test.ts > one is two');
  const child = childOf();
  lines.length = 0;
  run.kill('SIGINT');
  expect(await closed).toEqual([130, null]);
  const told = lines.join('\n');
  expect(told).toContain('Interrupted after 0 of 1 files');
  expect(told).toContain('one.test.ts > one is two\n      AssertionError: expected 1 to be 2');
  expect(told).toContain('skipped on a real server: there is none');
  expect(told).toContain('0 passed, 1 failed, 0 skipped');
  expect(told).toContain('it ends what it started');
  // The source of the suite may be among the last lines of the first failure.
  expect(told).not.toContain('Error: there is nothing to stop yet');
  expect(told).not.toContain('\u001b');
  await expect.poll(() => isAlive(child)).toBe(false);
});
