import { ImdsError, isImdsError, type Asked } from './errors.ts';
import { exchange, type ExchangeRules, type Question } from './exchange.ts';
import type { Answer } from './response.ts';
import { retryDelayMs } from './retry.ts';
import type { Settings } from './settings.ts';
import type { Departure, StartTimer } from './single-flight.ts';

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
  return async (signal, onFailure) => {
    const deadline = elapsed() + deadlineMs;
    for (let retries = 0; ; retries += 1) {
      const result = await tryOnce(task, means, signal);
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
  { settings, startTimer }: Means,
  signal: AbortSignal,
): Promise<T | ImdsError> {
  const { endpoint, transport, requestTimeoutMs: timeoutMs } = settings;
  const rules: ExchangeRules = { endpoint, transport, startTimer, timeoutMs };
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

/** The error of a call that the deadline ended; `last` is that of its last try. */
export function overdue({ endpoint, deadlineMs }: Settings, last: unknown, asked?: Asked): ImdsError {
  const reason = isImdsError(last)
    ? `${endpoint} gave no usable response within ${deadlineMs} ms; the last attempt: ${last.reason}`
    : `${endpoint} did not answer within ${deadlineMs} ms`;
  return new ImdsError('timeout', reason, { asked, cause: last });
}
