import { setTimeout as delay } from 'node:timers/promises';
import { ImdsError } from './errors.ts';
import { keyOf, parseEndpoint, parseQuery, tokenUrl } from './request.ts';
import { readBody } from './body.ts';
import { readAnswer, type Answer } from './response.ts';
import { retryDelayMs } from './retry.ts';
import { aborted } from './single-flight.ts';
import { createTokenCache, type TokenQuestion } from './token-cache.ts';
import type { AccessToken, ImdsClient, ImdsClientOptions, TokenRequest } from './types.ts';

type Settings = Required<ImdsClientOptions>;

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
 * const { token, expiresOnTimestamp } = await client.getToken({ resource: 'https://vault.azure.net', clientId });
 * ```
 */
export function createImdsClient(options: ImdsClientOptions = {}): ImdsClient {
  const settings = withDefaults(options);
  const cache = createTokenCache({ now: settings.now, maxEntries: settings.maxCacheEntries });
  return {
    async getToken(request) {
      const query = parseQuery(request, settings.apiVersion);
      const target = { url: tokenUrl(settings.endpoint, query), resource: request.resource };
      return cache.get({
        key: keyOf(query),
        mode: modeOf(request, settings),
        fetchToken: (signal) => fetchToken(target, settings, signal),
        abortSignal: request.abortSignal,
      });
    },
  };
}

function modeOf(request: TokenRequest, settings: Settings): TokenQuestion['mode'] {
  if (!settings.cache || Object.keys(request.passThrough ?? {}).length > 0) return 'pass';
  return request.bypassCache === true ? 'renew' : 'use';
}

interface Target {
  readonly url: string;
  readonly resource: string;
}

/** Retries until there is a token or a permanent failure. */
async function fetchToken(target: Target, settings: Settings, signal: AbortSignal): Promise<AccessToken> {
  for (let retries = 0; ; retries += 1) {
    const result = await ask(target, settings, signal);
    if (!(result instanceof ImdsError)) return result;
    const { maxRetries } = settings;
    const delayMs = retryDelayMs({ error: result, retries, maxRetries, chance: settings.random() });
    if (delayMs === undefined) throw result;
    await settings.sleep(delayMs, signal);
  }
}

/** One try. */
async function ask(
  target: Target,
  settings: Settings,
  signal: AbortSignal,
): Promise<AccessToken | ImdsError> {
  const isLeft = () => signal.aborted;
  if (isLeft()) return aborted();
  const { answer, end, isEnded } = exchange(target, settings);
  const timer = setTimeout(end, settings.requestTimeoutInMs);
  signal.addEventListener('abort', end);
  try {
    const whole = await answer;
    return readAnswer(whole, { resource: target.resource, now: settings.now(), parseDate: Date.parse });
  } catch (cause) {
    if (isLeft()) return aborted();
    if (cause instanceof ImdsError) return cause;
    if (!isEnded()) return new ImdsError('unavailable', `${settings.endpoint} cannot be reached`, { cause });
    return new ImdsError(
      'timeout',
      `${settings.endpoint} did not answer within ${settings.requestTimeoutInMs} ms`,
    );
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}

/** `end` makes the response fail, even if the given `fetch` ignores its signal. */
function exchange({ url }: Target, { fetch, endpoint }: Settings) {
  const controller = new AbortController();
  const { signal } = controller;
  const read = async (): Promise<Answer> => {
    const init = { method: 'GET', headers: { Metadata: 'true' }, redirect: 'manual', signal } as const;
    const response = await fetch(url, init);
    const body = await readBody(response, endpoint);
    return { status: response.status, retryAfter: response.headers.get('retry-after'), body };
  };
  let giveUp: (error: Error) => void = () => undefined;
  const answer = new Promise<Answer>((resolve, reject) => {
    giveUp = reject;
    read().then(resolve, reject);
  });
  const end = () => {
    giveUp(new Error('time is up'));
    controller.abort();
  };
  return { answer, end, isEnded: () => signal.aborted };
}

function withDefaults(options: ImdsClientOptions): Settings {
  const settings: Settings = {
    apiVersion: '2018-02-01',
    fetch: (url, init) => fetch(url, init),
    now: Date.now,
    random: Math.random,
    sleep: (ms, signal) => delay(ms, undefined, { ...(signal && { signal }) }),
    maxRetries: 4,
    requestTimeoutInMs: 40_000,
    cache: true,
    maxCacheEntries: 1000,
    ...withoutUndefined(options),
    endpoint: parseEndpoint(options.endpoint ?? defaultEndpoint()),
  };
  wholeNumber('maxRetries', settings.maxRetries, 0);
  wholeNumber('requestTimeoutInMs', settings.requestTimeoutInMs, 1);
  wholeNumber('maxCacheEntries', settings.maxCacheEntries, 1);
  return settings;
}

/** Callers in JavaScript can pass an option with the value undefined: it counts as absent. */
function withoutUndefined(options: ImdsClientOptions): ImdsClientOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** The variable that Azure's own SDKs read, too. */
function defaultEndpoint(): string {
  const override = process.env['AZURE_POD_IDENTITY_AUTHORITY_HOST'] ?? '';
  return override === '' ? 'http://169.254.169.254' : override;
}

function wholeNumber(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new TypeError(`${name} must be a whole number of at least ${least}, not ${value}`);
  }
}
