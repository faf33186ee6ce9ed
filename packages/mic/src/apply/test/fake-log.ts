import type { Log, LogFields } from '@pod-identity/kit/serve';

/** A log that keeps what was said at the level of errors, and forgets the rest. */
export function createFakeLog(): Log & { readonly errors: readonly LogFields[] } {
  const errors: LogFields[] = [];
  const ignore = () => undefined;
  const log = {
    ...{ debug: ignore, info: ignore, warn: ignore, level: 'error' as const, errors },
    error: (fields: LogFields) => void errors.push(fields),
    child: () => log,
  };
  return log;
}
