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

interface LineParts {
  readonly time: Date;
  readonly component: string;
  readonly fields: LogFields;
  readonly message: string;
}

/** Writes one line per decision or action. Secrets are removed from fields and messages. */
export function createLog(options: LogOptions): Log {
  const { component, level = 'info', format = 'text', destination = standardOutput() } = options;
  const writeJson = (json: string) => destination.write(toLine[format](json));
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
    writeJson(jsonOf({ level: at, time: new Date(), fields: { ...fields, ...cleaned(more) }, message }));
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

/** A line of level info as in the log, for an output that decides by its length. */
export function logLine(format: LogFormat, { time, component, fields, message }: LineParts): string {
  return toLine[format](jsonOf({ level: 'info', time, fields: { component, ...cleaned(fields) }, message }));
}

type JsonParts = Omit<LineParts, 'component'> & { readonly level: LogLevel };

function jsonOf({ level, time, fields, message }: JsonParts): string {
  return JSON.stringify({ level, time: time.toISOString(), ...fields, msg: redactText(message) });
}

/** JSON is ASCII only: no character can end or disguise the line. */
const toLine: Readonly<Record<LogFormat, (json: string) => string>> = {
  json: (json) => `${asciiJson(json)}\n`,
  text: textLine,
};

function cleaned(fields: LogFields): object {
  return redact(fields) as object;
}
