import { standardOutput } from './standard-output.ts';
import { asciiJson } from '../core/printable.ts';
import { redact, redactText } from './redact.ts';
import { textLine } from './text-line.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFormat = 'text' | 'json';
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A log with further fields on every line. */
  child(fields: LogFields): Log;
  readonly level: LogLevel;
}

export interface LogOptions {
  readonly component: string;
  readonly level?: LogLevel;
  readonly format?: LogFormat;
  /** Default: standard output. */
  readonly destination?: { write(line: string): void; onLost?(say: (lines: number) => void): void };
}

const ranks: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

interface Writing {
  readonly level: LogLevel;
  /** On every line. */
  readonly fields: object;
  readonly writeJson: (json: string) => void;
}

/** Writes one line per decision or action. Secrets are removed from fields and messages. */
export function createLog(options: LogOptions): Log {
  const { component, level = 'info', format = 'text', destination = standardOutput() } = options;
  const toLine = format === 'json' ? jsonLine : textLine;
  const writeJson = (json: string) => destination.write(toLine(json));
  const log = logOf({ level, fields: { component }, writeJson });
  destination.onLost?.((lines) =>
    log.warn(
      { lines },
      'lines of this log were lost before this one: whoever reads standard output was behind',
    ),
  );
  return log;
}

function logOf({ level, fields, writeJson }: Writing): Log {
  const write = (at: LogLevel) => (more: LogFields, message: string) => {
    if (ranks[at] < ranks[level]) return;
    const time = new Date().toISOString();
    writeJson(JSON.stringify({ level: at, time, ...fields, ...cleaned(more), msg: redactText(message) }));
  };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (more) => logOf({ level, fields: { ...fields, ...cleaned(more) }, writeJson }),
    level,
  };
}

const jsonLine = (json: string) => `${asciiJson(json)}\n`;

function cleaned(fields: LogFields): object {
  return redact(fields) as object;
}
