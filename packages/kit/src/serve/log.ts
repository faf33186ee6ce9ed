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
  /** Where whole lines go; standard error unless told. */
  readonly destination?: { write(line: string): void };
}
export function createLog(options: LogOptions): Log { throw new Error('soon'); }
