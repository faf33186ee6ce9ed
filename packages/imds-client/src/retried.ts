import { ImdsError, isImdsError, lastAttempt, type Asked } from './errors.ts';
import { exchange, type Question } from './exchange.ts';
import type { Answer } from './response.ts';
import { retryDelayMs } from './retry.ts';
import type { Settings } from './settings.ts';
import type { Departure, Passenger } from './single-flight.ts';

/** A question, and how its responses are read. */
export interface Task<T> {
  readonly question: Question;
  readonly read: (answer: Answer) => T | ImdsError;
}

/** The call of a task: tries until there is a result or a permanent failure. */
export function retried<T>({ question, read }: Task<T>, settings: Settings): Departure<T> {
  const { clock, maxRetries, random, deadlineMs, requestTimeoutMs: timeoutMs } = settings;
  return async (signal, onFailure, aboard) => {
    const deadline = clock.elapsed() + deadlineMs;
    for (let retries = 0; ; retries += 1) {
      const answer = await exchange(question, { ...settings, timeoutMs, aboard }, signal);
      const result = isImdsError(answer) ? answer : read(answer);
      if (!isImdsError(result)) return result;
      onFailure(result);
      const leftMs = deadline - clock.elapsed();
      const delayMs = retryDelayMs({ error: result, retries, maxRetries, chance: random(), leftMs });
      if (delayMs === undefined) throw result;
      if (delayMs === 'late') throw withoutTime(result, deadlineMs);
      await clock.sleep(delayMs, signal);
    }
  };
}

/** The error of the last try, which says why there is no other one. */
function withoutTime(last: ImdsError, deadlineMs: number): ImdsError {
  const { code, reason, resource, identity, cause, ...details } = last;
  const asked = resource === undefined ? undefined : { resource, identity };
  const why = `${reason}; the deadline of ${deadlineMs} ms leaves no time for another attempt`;
  return new ImdsError(code, why, { ...details, cause, asked });
}

/** The error of a call that the deadline ended: `last` is that of its last try, `isQueued` whether it waited for a connection. */
export function overdue({ endpoint, deadlineMs }: Settings, asked?: Asked): Passenger<unknown>['overdue'] {
  return (last, isQueued) => {
    const attempt = lastAttempt(last);
    const silence = attempt === '' ? 'did not answer' : 'gave no usable response';
    const what = isQueued ? `no connection to ${endpoint} was free` : `${endpoint} ${silence}`;
    return new ImdsError('timeout', `${what} within ${deadlineMs} ms${attempt}`, { asked, cause: last });
  };
}
