import { pino, stdTimeFunctions, type Logger } from 'pino';
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
  /** The same log with more fields on every line. */
  child(fields: LogFields): Log;
  readonly level: LogLevel;
}

export interface LogOptions {
  readonly component: string;
  readonly level?: LogLevel;
  readonly format?: LogFormat;
  /** Where whole lines go; standard output unless told. */
  readonly destination?: { write(line: string): void; onLost?(say: (lines: number) => void): void };
}

/** One line per decision or action. Fields and messages are cleaned of secrets before they are written. */
export function createLog(options: LogOptions): Log {
  const { component, level = 'info', format = 'text', destination = standardOutput() } = options;
  const toLine = format === 'json' ? asciiJson : textLine;
  const logger = pino(
    {
      level,
      base: { component },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // Errors are spelled out by `redact`, wherever they stand.
      serializers: {},
    },
    { write: (json: string) => destination.write(toLine(json)) },
  );
  const log = wrap(logger, level);
  destination.onLost?.((lines) =>
    log.warn(
      { lines },
      'lines of this log were lost before this one: whoever reads standard output was behind',
    ),
  );
  return log;
}

function wrap(logger: Logger, level: LogLevel): Log {
  const write = (at: LogLevel) => (fields: LogFields, message: string) => {
    if (logger.isLevelEnabled(at)) logger[at](redact(fields), redactText(message));
  };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => wrap(logger.child(redact(fields) as object), level),
    level,
  };
}
