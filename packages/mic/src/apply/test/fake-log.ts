import type { Log, LogFields } from '@pod-identity/kit/serve';

export interface FakeLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: LogFields;
  readonly message: string;
}

/** A log that keeps its lines; `errors` are the fields of lines of level error. */
export function createFakeLog(): Log & {
  readonly errors: readonly LogFields[];
  readonly lines: readonly FakeLine[];
} {
  const errors: LogFields[] = [];
  const lines: FakeLine[] = [];
  const at = (level: FakeLine['level']) => (fields: LogFields, message: string) => {
    lines.push({ level, fields, message });
    if (level === 'error') errors.push(fields);
  };
  const log = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    level: 'debug' as const,
    errors,
    lines,
    child: () => log,
  };
  return log;
}
