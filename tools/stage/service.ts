// One of the project's built programs as a process of its own: its log lines, its end.
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
  /** What runs it, when that is not the Node.js of this process itself. */
  readonly executable?: string;
  /** Every line that the program prints, as it comes. */
  onLine?(line: string): void;
}

export interface Service {
  readonly name: string;
  readonly pid: number;
  readonly lines: readonly string[];
  readonly exitCode: number | null;
  /** Resolves after the last line. */
  readonly ended: Promise<void>;
  /** The first line, past or to come, that fits; rejects with the program's last words when it ends or time runs out. */
  line(fits: (line: string) => boolean, withinMs?: number): Promise<string>;
  /** The first JSON log line with this message. */
  logged(message: string, withinMs?: number): Promise<Readonly<Record<string, unknown>>>;
  /** Nothing more of its standard output is read until the function that this returns is called. */
  stall(): () => void;
  /** Sends the signal, SIGTERM by default, and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

const patienceMs = 60_000;

export function startService(options: ServiceOptions): Service {
  // Nothing of this environment may decide which identity a program finds: only what the stage says.
  const child = spawn(options.executable ?? process.execPath, [options.entry, ...(options.args ?? [])], {
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
  // 'close' comes after the last line, 'exit' may come before it.
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
      // Something else may hold its output open, and 'close' waits for that.
      await within(patienceMs, `${options.name} to end and its output to be closed`, ended).finally(() =>
        clearTimeout(killer),
      );
    },
  };
}

/** A JSON log line as its fields; anything else as no fields. */
export function parseLine(line: string): Readonly<Record<string, unknown>> {
  if (!line.startsWith('{')) return {};
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}
