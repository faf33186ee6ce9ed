import { aborted, ImdsError, isImdsError, type Asked } from './errors.ts';
import { exchange, type ExchangeRules, type Question } from './exchange.ts';
import { keyOf, parseQuery, tokenUrl } from './request.ts';
import { readAnswer, type Answer } from './response.ts';
import { retryDelayMs } from './retry.ts';
import { readSettings, type Settings } from './settings.ts';
import type { Departure } from './single-flight.ts';
import { startTimer } from './timers.ts';
import { createTokenCache, type TokenQuestion } from './token-cache.ts';
import type { AccessToken, ImdsClient, ImdsClientOptions, TokenRequest } from './types.ts';

/** Bytes: ten times as much as a token with many groups. */
const longestToken = 64 * 1024;

/**
 * A client of the metadata service of an Azure machine, or of NMI in its place.
 *
 * Tokens are cached, refreshed before they expire while the old one is still returned, and kept until they expire if no
 * new one is available. Concurrent callers with equal requests share one. 404, 410, 429, 5xx and failures of
 * the network are retried as the service documents; nothing else is.
 *
 * @throws TypeError - an option is invalid
 *
 * @example
 * ```ts
 * const client = createImdsClient();
 * const { token, expiresOnTimestamp } = await client.getToken({ resource: 'https://vault.azure.net' });
 * ```
 */
export function createImdsClient(options: ImdsClientOptions = {}): ImdsClient {
  const settings = readSettings(options);
  const { clock, maxCacheEntries, deadlineMs, endpoint } = settings;
  const cache = createTokenCache({
    now: () => clock.now(),
    maxEntries: maxCacheEntries,
    startTimer,
    deadlineMs,
    overdue: (last) => overdue(settings, last),
  });
  return {
    async getToken(request) {
      const { abortSignal, resource, identity } = request;
      const query = parseQuery(request, settings.apiVersion);
      if (abortSignal?.aborted === true) throw aborted(abortSignal.reason);
      const asked: Asked = { resource, identity: identity && { ...identity } };
      const question = {
        url: tokenUrl(endpoint, query),
        headers: { Metadata: 'true' },
        limit: longestToken,
        asked,
      };
      const read = (answer: Answer) =>
        readAnswer(answer, { asked, now: clock.now(), parseDate: (text) => Date.parse(text) });
      return cache.get({
        key: keyOf(query),
        mode: modeOf(request, settings),
        fetchToken: (...flight) => retried({ question, read, settings }, ...flight),
        abortSignal,
      });
    },
  };
}

function modeOf(request: TokenRequest, settings: Settings): TokenQuestion['mode'] {
  if (!settings.cache || Object.keys(request.extraQuery ?? {}).length > 0) return 'pass';
  return request.bypassCache === true ? 'renew' : 'use';
}

interface Task {
  readonly question: Question;
  readonly read: (answer: Answer) => AccessToken | ImdsError;
  readonly settings: Settings;
}

/** Retries until there is a token or a permanent failure. */
async function retried(task: Task, ...[signal, onFailure]: Parameters<Departure<AccessToken>>) {
  const { settings } = task;
  const { clock, maxRetries, random } = settings;
  const deadline = clock.now() + settings.deadlineMs;
  for (let retries = 0; ; retries += 1) {
    const result = await tryOnce(task, signal).catch((error: unknown) => {
      onFailure(error);
      throw error;
    });
    if (!isImdsError(result)) return result;
    onFailure(result);
    const leftMs = deadline - clock.now();
    const delayMs = retryDelayMs({ error: result, retries, maxRetries, chance: random(), leftMs });
    if (delayMs === undefined) throw result;
    await clock.sleep(delayMs, signal);
  }
}

async function tryOnce({ question, read, settings }: Task, signal: AbortSignal) {
  const { endpoint, transport, requestTimeoutMs: timeoutMs } = settings;
  const rules: ExchangeRules = { endpoint, transport, startTimer, timeoutMs };
  const answer = await exchange(question, rules, signal);
  return isImdsError(answer) ? answer : read(answer);
}

function overdue({ endpoint, deadlineMs }: Settings, last: unknown): ImdsError {
  const before = isImdsError(last) ? `; before that: ${last.reason}` : '';
  const reason = `no token from ${endpoint} within ${deadlineMs} ms in all${before}`;
  const asked =
    isImdsError(last) && last.resource !== undefined
      ? { resource: last.resource, identity: last.identity }
      : undefined;
  return new ImdsError('timeout', reason, { asked, cause: last });
}
