import { ImdsError, isImdsError, type Asked } from './errors.ts';
import { exchange, type ExchangeRules, type Question } from './exchange.ts';
import type { Answer } from './response.ts';
import { retryDelayMs } from './retry.ts';
import type { Settings } from './settings.ts';
import type { Aboard, Departure, StartTimer } from './single-flight.ts';

/** A question, and how its responses are read. */
export interface Task<T> {
  readonly question: Question;
  readonly read: (answer: Answer) => T | ImdsError;
}

/** How all tasks of a client are done. */
export interface Means {
  readonly settings: Settings;
  readonly startTimer: StartTimer;
}

/** The call of a task: tries until there is a result or a permanent failure. */
export function retried<T>(task: Task<T>, means: Means): Departure<T> {
  const { clock, elapsed, maxRetries, random, deadlineMs } = means.settings;
  return async (signal, onFailure, aboard) => {
    const deadline = elapsed() + deadlineMs;
    for (let retries = 0; ; retries += 1) {
      const result = await tryOnce(task, { ...means, aboard }, signal);
      if (!isImdsError(result)) return result;
      onFailure(result);
      const leftMs = deadline - elapsed();
      const delayMs = retryDelayMs({ error: result, retries, maxRetries, chance: random(), leftMs });
      if (delayMs === undefined) throw result;
      if (delayMs === 'late') throw withoutTime(result, deadlineMs);
      await clock.sleep(delayMs, signal);
    }
  };
}

async function tryOnce<T>(
  { question, read }: Task<T>,
  { settings, startTimer, aboard }: Means & { readonly aboard: Aboard },
  signal: AbortSignal,
): Promise<T | ImdsError> {
  const { requestTimeoutMs: timeoutMs } = settings;
  const rules: ExchangeRules = { ...settings, startTimer, timeoutMs, aboard };
  const answer = await exchange(question, rules, signal);
  return isImdsError(answer) ? answer : read(answer);
}

/** The error of the last try, which says why there is no other one. */
function withoutTime(last: ImdsError, deadlineMs: number): ImdsError {
  const { code, reason, resource, identity, status, retryAfterMs, serviceCode, requestId, cause } = last;
  const asked = resource === undefined ? undefined : { resource, identity };
  const why = `${reason}; the deadline of ${deadlineMs} ms leaves no time for another attempt`;
  return new ImdsError(code, why, { status, retryAfterMs, serviceCode, requestId, cause, asked });
}

/** What is known when the deadline ends a call. */
export interface Late {
  /** The error of its last try. */
  readonly last: unknown;
  /** It waited for a connection. */
  readonly isQueued: boolean;
}

/** The error of a call that the deadline ended. */
export function overdue({ endpoint, deadlineMs }: Settings, late: Late, asked?: Asked): ImdsError {
  const { last, isQueued } = late;
  const attempt = isImdsError(last) ? `; the last attempt: ${last.reason}` : '';
  const silence = attempt === '' ? 'did not answer' : 'gave no usable response';
  const what = isQueued ? `no connection to ${endpoint} was free` : `${endpoint} ${silence}`;
  return new ImdsError('timeout', `${what} within ${deadlineMs} ms${attempt}`, { asked, cause: last });
}
