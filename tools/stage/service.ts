// One of the built programs as a process: its log lines and its end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { createPrintedLines } from './printed-lines.ts';
import { within } from './within.ts';

export interface ServiceOptions {
  readonly name: string;
  /** The built entry file. */
  readonly entry: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A module that Node.js loads before the entry file. */
  readonly preload?: string | undefined;
  /** The executable. Default: the Node.js of this process. */
  readonly executable?: string;
  /** Called with every line of the program. */
  onLine?(line: string): void;
}

export interface Service {
  readonly name: string;
  readonly pid: number;
  readonly lines: readonly string[];
  readonly exitCode: number | null;
  /** Resolves after the last line. */
  readonly ended: Promise<void>;
  /** The first line, past or future, that fits; rejects with the program's last lines when it ends or after a time limit. */
  line(fits: (line: string) => boolean, withinMs?: number): Promise<string>;
  /** The first JSON log line with this message. */
  logged(message: string, withinMs?: number): Promise<Readonly<Record<string, unknown>>>;
  /** Stops reading its standard output until the returned function is called. */
  stall(): () => void;
  /** Sends the signal, SIGTERM by default, and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

const patienceMs = 60_000;

export function startService(options: ServiceOptions): Service {
  // The environment must not change which identity a program finds.
  const preload = options.preload === undefined ? [] : ['--import', options.preload];
  const args = [...preload, options.entry, ...(options.args ?? [])];
  const child = spawn(options.executable ?? process.execPath, args, {
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines = createPrintedLines(options.name);
  const [output] = [child.stdout, child.stderr].map((input) =>
    createInterface({ input }).on('line', (line) => {
      lines.add(line);
      options.onLine?.(line);
    }),
  );
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  // 'close' is emitted after the last line, 'exit' possibly before it.
  const ended = once(child, 'close').then(() =>
    lines.close(`ended (${child.exitCode ?? child.signalCode ?? ''})`),
  );
  const line: Service['line'] = (fits, withinMs = patienceMs) => lines.first(fits, withinMs);

  return {
    name: options.name,
    pid: child.pid ?? 0,
    lines: lines.all,
    ended,
    get exitCode() {
      return child.exitCode;
    },
    line,
    logged: async (message, withinMs) =>
      parseLine(await line((text) => parseLine(text)['msg'] === message, withinMs)),
    stall: () => {
      output?.pause();
      return () => void output?.resume();
    },
    stop: async (signal = 'SIGTERM') => {
      if (!isOver()) child.kill(signal);
      const killer = setTimeout(() => child.kill('SIGKILL'), 15_000);
      // 'close' waits for other processes that hold its output open.
      await within(patienceMs, `${options.name} to end and its output to be closed`, ended).finally(() =>
        clearTimeout(killer),
      );
    },
  };
}

/** The fields of a JSON log line; none for any other line. */
export function parseLine(line: string): Readonly<Record<string, unknown>> {
  if (!line.startsWith('{')) return {};
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}
