// A process of the Kubernetes kit is killed and started again with its own arguments, as a supervisor or a machine does it.
import { spawn, type ChildProcess } from 'node:child_process';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export interface RestartOptions {
  /** The kit's state folder. */
  readonly directory: string;
  /** As the kit calls it: `api-server`, or a node. */
  readonly name: string;
  /** The network namespace that it runs in. Default: that of this process. */
  readonly netns?: string;
  /** After its end, before its start. */
  readonly between?: () => Promise<void>;
  /** Changes the command line. */
  readonly command?: (words: readonly string[]) => readonly string[];
}

const endMs = 30_000;

const unchanged = (words: readonly string[]): readonly string[] => words;

/** The process after its restart. */
export interface Restarted {
  /** Starts it once more if it has ended: an API server ends if its roles cannot be written in time, and its supervisor starts it again. */
  startIfEnded(): Promise<void>;
  /** The end of its log, for the text of errors. */
  logTail(): Promise<string>;
}

export async function restartProcess(options: RestartOptions): Promise<Restarted> {
  const { directory, name, netns, between, command = unchanged } = options;
  const pidFile = join(directory, 'run', `${name}.pid`);
  const [pid = ''] = (await readFile(pidFile, 'utf8')).split(' ');
  const words = await readProcess(pid, 'cmdline');
  const environment = (await readProcess(pid, 'environ')).map((entry) => {
    const at = entry.indexOf('=');
    return [entry.slice(0, at), entry.slice(at + 1)] as const;
  });
  process.kill(Number(pid), 'SIGKILL');
  await untilEnded(name, pid);
  await between?.();

  const logFile = join(directory, 'log', `${name}.log`);
  async function start(): Promise<ChildProcess> {
    const log = await open(logFile, 'a');
    const into = netns === undefined ? [] : ['nsenter', `--net=/run/netns/${netns}`, '--'];
    const [program = '', ...args] = [...into, ...command(words)];
    const child = spawn(program, args, {
      detached: true,
      env: Object.fromEntries(environment),
      stdio: ['ignore', log.fd, log.fd],
    });
    child.unref();
    await log.close();
    if (child.pid === undefined) throw new Error(`${name} did not start again`);
    // The kit ends a process by its id and start time.
    await writeFile(pidFile, `${child.pid} ${await startTimeOf(String(child.pid))}\n`);
    return child;
  }
  let child = await start();
  return {
    startIfEnded: async () => {
      if (child.exitCode !== null || child.signalCode !== null) child = await start();
    },
    logTail: async () => (await readFile(logFile, 'utf8')).split('\n').slice(-20).join('\n'),
  };
}

async function readProcess(pid: string, file: 'cmdline' | 'environ'): Promise<string[]> {
  return (await readFile(`/proc/${pid}/${file}`, 'utf8')).split('\0').slice(0, -1);
}

/** Field 22 of /proc/PID/stat; the name before it may have blanks. */
async function startTimeOf(pid: string): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

async function untilEnded(name: string, pid: string): Promise<void> {
  const endsAt = performance.now() + endMs;
  for (;;) {
    const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    if (state === undefined || state.includes(') Z ')) return;
    if (performance.now() > endsAt)
      throw new Error(`${name} (process ${pid}) did not end within ${endMs} ms`);
    await pause(20);
  }
}

/** An API server on a busy machine may end once, and need half a minute for its roles. */
const patienceMs = 120_000;

export async function untilWorks(what: string, task: () => Promise<unknown>): Promise<void> {
  const endsAt = performance.now() + patienceMs;
  for (;;) {
    try {
      await task();
      return;
    } catch (error) {
      if (performance.now() > endsAt)
        throw new Error(`waited ${patienceMs} ms for ${what}`, { cause: error });
      await pause(200);
    }
  }
}
