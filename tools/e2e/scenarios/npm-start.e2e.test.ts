// The demo as a process: seven steps, exit code 0, no process left; Ctrl-C cleans up. What --keep prints works as it is printed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { askForToken } from '../../demo/story.ts';
import { repository } from '../../stage/places.ts';
import { runCommand } from '../../stage/run-command.ts';
import { within } from '../../stage/within.ts';
import { openNetworkNamespace } from '../clients/network-namespace.ts';

const demo = fileURLToPath(new URL('../../demo/main.ts', import.meta.url));

/** The demo's temporary folder: files that are left there, and processes with a path from there, are the demo's. */
let place: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'demo-'));
});
afterEach(() => rm(place, { recursive: true }));

interface How {
  /** The width of the terminal. Default: none, lines are not broken. */
  readonly columns?: number;
  /** The program that runs Node.js, with its arguments. */
  readonly through?: readonly string[];
}

const startDemo = (...args: readonly string[]) => startDemoAs({}, ...args);

function startDemoAs({ columns, through = [] }: How, ...args: readonly string[]) {
  const [program, ...rest] = [...through, process.execPath, demo, ...args] as [string, ...string[]];
  const child = spawn(program, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: place, COLUMNS: columns === undefined ? undefined : String(columns) },
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  child.stderr.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
  const closed = once(child, 'close') as Promise<[number | null, string | null]>;
  const ended = () => within(220_000, () => `the demo to end; it said:\n${lines.join('\n')}`, closed);
  const until = (what: RegExp) => expect.poll(() => lines.join('\n')).toMatch(what);
  return { child, lines, until, ended };
}

async function programsLeft(): Promise<string[]> {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const about = (pid: string, what: string) => readFile(`/proc/${pid}/${what}`, 'utf8').catch(() => '');
  const texts = await Promise.all(
    processes.map(async (pid) => `${await about(pid, 'cmdline')} ${await about(pid, 'environ')}`),
  );
  return texts.filter((text) => text.includes(place));
}

test.each([[[]], [['--2018']]])('npm start %j prints the seven steps and exits with 0', async (args) => {
  const { lines, ended } = startDemo(...args);
  const [code] = await ended();
  const told = lines.join('\n');
  expect(code, told).toBe(0);
  for (const step of [1, 2, 3, 4, 5, 6, 7]) expect(told).toMatch(new RegExp(`^.*\\b${step}\\.`, 'm'));
  expect(told).toContain('Binding demo-aad-identity-binding applied on node');
  expect(await readdir(place)).toEqual([]);
  // A process that is ending may still be in the process table.
  await expect.poll(programsLeft).toEqual([]);
});

test('Ctrl-C in the middle ends every process and leaves no folder', async () => {
  const { child, until, ended, lines } = startDemo('--keep');
  await until(/ s {2}3\. /);
  expect(await programsLeft()).not.toEqual([]);
  child.kill('SIGINT');
  const [code] = await ended();
  expect(lines.join('\n')).not.toMatch(/ s {2}5\. /);
  expect(code).not.toBeNull();
  expect(await readdir(place)).toEqual([]);
  await expect.poll(programsLeft).toEqual([]);
});

test('two runs tell the same story, except for times and counts of calls', async () => {
  const runs = [startDemo(), startDemo()];
  await Promise.all(runs.map(({ ended }) => ended()));
  const [one, other] = runs.map(({ lines }) =>
    lines.map((line) => line.replace(/^ *\d+\.\d s|\d+ ms$|(?<=^ +Calls: ).*/, '')),
  );
  expect(one).toContain('The story is told.');
  expect(one).toEqual(other);
});

test('an option that does not exist is refused with the usage, for exit code 2', async () => {
  const { ended, lines } = startDemo('--unknown');
  expect(await ended()).toEqual([2, null]);
  expect(lines.join('\n')).toMatch(/^npm start: Unknown option '--unknown'\n\nUsage: npm start -- /);
});

const whyNoNamespace = whyNoPrograms({ programs: ['ip'], root: true });
if (whyNoNamespace !== undefined)
  console.warn(`the test of npm start with one loopback address, as on macOS, is skipped: ${whyNoNamespace}`);

test.skipIf(whyNoNamespace !== undefined)(
  'npm start works where loopback has 127.0.0.1 alone, as on macOS, and its lines fit 120 columns',
  async () => {
    const namespace = await openNetworkNamespace('demo');
    onTestFinished(() => namespace.remove());
    for (const command of ['address del 127.0.0.1/8 dev lo', 'address add 127.0.0.1/32 dev lo']) {
      const [ip, ...args] = namespace.inside('ip', command.split(' '));
      await runCommand(ip, args);
    }
    const listen = `require('node:net').createServer().on('error', ({ code }) => console.log(code)).listen(0, '127.0.2.1')`;
    const [program, ...args] = namespace.inside(process.execPath, ['--eval', listen]);
    expect((await runCommand(program, args)).stdout).toBe('EADDRNOTAVAIL\n');

    const { lines, ended } = startDemoAs({ through: namespace.inside('env', []), columns: 120 });
    const [code] = await ended();
    expect(code, lines.join('\n')).toBe(0);
    expect(lines.filter((line) => line.length > 120)).toEqual([]);
    for (const reader of ['demo_pod_identity;', 'demo_pod_identity_2;'])
      expect(lines.join('\n')).toContain(`vault   reader is ${reader}`);
    await expect.poll(programsLeft).toEqual([]);
  },
);

const whyNoClients = whyNoPrograms({ programs: ['kubectl', 'curl'] });
if (whyNoClients !== undefined) console.warn(`the test of npm start -- --keep is skipped: ${whyNoClients}`);

test.skipIf(whyNoClients !== undefined)(
  '--keep keeps the sample and its page, and its commands work as they are printed, also for a pod of the user',
  async () => {
    const { child, until, lines, ended } = startDemoAs({ columns: 80 }, '--keep');
    await until(/a Deployment starts no\s+pods/);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    const printed = lines.slice(lines.findIndex((line) => line.startsWith('All of it goes on')));
    const indented = printed.filter((line) => line.startsWith('    ')).map((line) => line.slice(4));
    const [page = ''] = indented.filter((line) => /^http:.*\/$/.test(line));
    const commands = indented.filter((line) => !/^(https?:|default\/|other-team\/)/.test(line));
    expect(await (await fetch(page)).text()).toContain('database-password');

    const { stdout } = await runCommand('sh', [
      '-euc',
      ['exec 2>&1', `cd ${repository}`, ...commands].join('\n'),
    ]);
    expect(stdout).toMatch(/pod\/sample-pod +Running/);
    expect(stdout).toMatch(/^\{"access_token":"/m);
    expect(stdout).toContain('"value":"battery staple"');
    expect(stdout).toContain('\u2713 result       the pod gets tokens\n');
    expect(stdout).toContain('\u2713 result       the pod gets a token\n');
    expect(stdout).toContain('pod/unlabelled labeled');
    expect(stdout).toContain('pod/mine created');

    await until(/^Pod default\/mine is on node .*\n {4}POD=.*\n {4}ask$/m);
    const ask = lines.findIndex((line) => line.startsWith('Pod default/mine is on node '));
    const url = /POD=(.*)$/.exec(lines[ask + 1] ?? '')?.[1] ?? '';
    expect(await askForToken(url)).toMatchObject({ status: 200 });

    const kubeconfig = commands.find((line) => line.startsWith('export KUBECONFIG='))?.split('=')[1] ?? '';
    await runCommand('kubectl', [`--kubeconfig=${kubeconfig}`, 'delete', 'pod', 'mine']);
    await until(/^Pod default\/mine was deleted\.$/m);
    child.kill('SIGINT');
    expect(await ended()).toEqual([0, null]);
    expect(await readdir(place)).toEqual([]);
    await expect.poll(programsLeft).toEqual([]);
  },
);
