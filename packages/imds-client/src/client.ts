import { credentialOf } from './credential-of.ts';
import { aborted, isImdsError, type Asked } from './errors.ts';
import { exchange } from './exchange.ts';
import { instancePath, longestInstance, readInstance } from './instance.ts';
import { isOfMetadataService } from './probe.ts';
import { checkOptions, identityOf, known, tokenPath, tokenUrl, type ParsedRequest } from './request.ts';
import { createRequestReader, type KeyedRequest } from './request-reader.ts';
import { readAnswer } from './response.ts';
import { overdue, retried, type Task } from './retried.ts';
import { clientOptions, duration, readSettings, type Settings } from './settings.ts';
import { createSingleFlight } from './single-flight.ts';
import { createTokenCache, type CacheMode } from './token-cache.ts';
import type {
  AccessToken,
  AvailabilityOptions,
  ImdsClient,
  ImdsClientOptions,
  InstanceMetadata,
  TokenRequest,
} from './types.ts';

/** The service refuses requests without it. */
const headers = { Metadata: 'true' };

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
  checkOptions(options, clientOptions);
  return clientOf(options);
}

/** The same, of options that were checked: those of a credential have one more. */
export function clientOf(options: ImdsClientOptions): ImdsClient {
  const settings = readSettings(options);
  const client: ImdsClient = {
    getToken: createTokens(settings),
    getInstanceMetadata: createInstance(settings),
    isAvailable: (how = {}) => isAvailable(how, settings),
    createCredential(how = {}) {
      checkOptions(how, known('identity'));
      return credentialOf(client, how.identity);
    },
  };
  return client;
}

function createTokens(settings: Settings): ImdsClient['getToken'] {
  const cache = createTokenCache<KeyedRequest>({
    ...settings,
    ...settings.clock,
    maxEntries: settings.maxCacheEntries,
    fetchToken: (parsed) => retried(tokenTask(parsed, settings), settings),
    overdue: (parsed) => overdue(settings, askedOf(parsed)),
  });
  const readRequest = createRequestReader();
  return async (request) => {
    const parsed = readRequest(request);
    const { abortSignal } = request;
    checkSignal(abortSignal);
    if (abortSignal?.aborted === true) throw aborted(abortSignal.reason);
    return cache.get(parsed, modeOf(request, parsed, settings), abortSignal);
  };
}

function tokenTask(parsed: ParsedRequest, settings: Settings): Task<AccessToken> {
  const asked = askedOf(parsed);
  return {
    question: { url: tokenUrl(settings, parsed), headers, limit: longestToken, asked },
    read: (answer) => readAnswer(answer, { ...settings, asked, ...moment(settings) }),
  };
}

function moment({ clock }: Settings) {
  return { now: clock.now(), parseDate: Date.parse };
}

function askedOf({ resource, selector }: ParsedRequest): Asked {
  return { resource, identity: identityOf(selector) };
}

function modeOf(request: TokenRequest, { extra }: ParsedRequest, { cache }: Settings): CacheMode {
  if (!cache || extra.length > 0) return 'pass';
  return request.bypassCache === true ? 'renew' : 'use';
}

function createInstance(settings: Settings): ImdsClient['getInstanceMetadata'] {
  const join = createSingleFlight<InstanceMetadata>(settings);
  const question = { url: `${settings.endpoint}${instancePath}`, headers, limit: longestInstance };
  const depart = retried({ question, read: (answer) => readInstance(answer, moment(settings)) }, settings);
  return async (how = {}) => {
    checkOptions(how, known('abortSignal'));
    const { abortSignal } = how;
    checkSignal(abortSignal);
    // Callers that ask at the same time share a response: what one of them changes, the others must not see.
    return structuredClone(await join({ key: 'instance', depart, overdue: overdue(settings), abortSignal }));
  };
}

/** One request without the header `Metadata`: the service refuses it at once, whatever it is doing. */
async function isAvailable(how: AvailabilityOptions, settings: Settings): Promise<boolean> {
  checkOptions(how, known('timeoutMs abortSignal'));
  const { timeoutMs = 1000, abortSignal } = how;
  duration('timeoutMs', timeoutMs);
  checkSignal(abortSignal);
  const question = { url: `${settings.endpoint}${tokenPath}`, headers: {}, limit: longestToken };
  const rules = { ...settings, deadlineMs: timeoutMs, timeoutMs, enter: settings.enterProbe };
  // A flight of its own: its deadline keeps the program alive meanwhile, and it heeds the signal.
  const probe = createSingleFlight<boolean>(rules)({
    key: 'probe',
    abortSignal,
    overdue: () => aborted(),
    depart: async (signal, _, aboard) => {
      const answer = await exchange(question, { ...rules, aboard }, signal);
      return !isImdsError(answer) && isOfMetadataService(answer);
    },
  });
  return probe.catch((error: unknown) => {
    if (abortSignal?.aborted === true || !isImdsError(error)) throw error;
    return false;
  });
}

/** Callers in JavaScript pass an AbortController in its place. */
function checkSignal(signal: unknown): void {
  if (signal === undefined || signal === null) return;
  if (typeof (signal as Partial<AbortSignal>).addEventListener === 'function') return;
  throw new TypeError('abortSignal must be an AbortSignal');
}
