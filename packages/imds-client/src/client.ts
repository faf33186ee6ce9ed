import { aborted, isImdsError } from './errors.ts';
import { exchange } from './exchange.ts';
import { isOfMetadataService } from './refusal.ts';
import {
  checkOptions,
  identityOf,
  keyOf,
  known,
  objectOf,
  parseIdentity,
  parseRequest,
  resourceOfScopes,
  tokenPath,
} from './request.ts';
import { clientOptions, duration, readSettings, type Settings } from './settings.ts';
import { createSingleFlight } from './single-flight.ts';
import { createTokenCache } from './token-cache.ts';
import { tokenCall } from './token-call.ts';
import type {
  AvailabilityOptions,
  CredentialTokenOptions,
  Identity,
  ImdsClient,
  ImdsClientOptions,
  ImdsCredential,
  ImdsCredentialOptions,
} from './types.ts';

/**
 * A client of the metadata service of an Azure machine, or of NMI in its place.
 *
 * Tokens are cached, refreshed before they expire while the old one is still returned, and kept until they expire if no
 * new one is available. Concurrent callers with equal requests share one. 404, 408, 410, 429, 5xx and failures of
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

/**
 * A client of its own, for Azure's SDKs.
 *
 * @throws TypeError - an option is invalid, or the identity is named twice
 *
 * @example
 * ```ts
 * const credential = createImdsCredential({ identity: { clientId } });
 * const secrets = new SecretClient('https://my-vault.vault.azure.net', credential);
 * ```
 */
export function createImdsCredential(options: ImdsCredentialOptions = {}): ImdsCredential {
  checkOptions(options, new Set([...clientOptions, 'identity']));
  return clientOf(options).createCredential({ identity: options.identity });
}

function clientOf(options: ImdsClientOptions): ImdsClient {
  const settings = readSettings(options);
  const getToken = createTokens(settings);
  return {
    getToken,
    isAvailable: (how = {}) => isAvailable(how, settings),
    createCredential(how = {}) {
      checkOptions(how, known('identity'));
      return credentialOf(getToken, how.identity);
    },
  };
}

function createTokens(settings: Settings): ImdsClient['getToken'] {
  const maxEntries = settings.cache ? settings.maxCacheEntries : 0;
  const cache = createTokenCache({ ...settings, ...settings.clock, maxEntries });
  return async (request) => {
    const parsed = parseRequest(request);
    const { abortSignal, bypassCache } = request;
    checkSignal(abortSignal);
    if (abortSignal?.aborted === true) throw aborted(abortSignal.reason);
    return cache.get(keyOf(parsed), bypassCache === true, () => ({
      ...tokenCall(parsed, settings),
      abortSignal,
    }));
  };
}

/** A client's tokens of one identity, of which it has a copy: the caller may change the object. */
function credentialOf(getToken: ImdsClient['getToken'], given: Identity | undefined): ImdsCredential {
  const identity = identityOf(parseIdentity(given));
  return {
    async getToken(scopes, options) {
      const { abortSignal, claims } = objectOf(options ?? {}) as CredentialTokenOptions;
      const resource = resourceOfScopes(scopes);
      return getToken({ resource, identity, abortSignal, bypassCache: claims !== undefined });
    },
  };
}

/** One request without the header `Metadata`: the service refuses it at once, whatever it is doing. */
async function isAvailable(how: AvailabilityOptions, settings: Settings): Promise<boolean> {
  checkOptions(how, known('timeoutMs abortSignal'));
  const { timeoutMs = 1000, abortSignal } = how;
  duration('timeoutMs', timeoutMs);
  checkSignal(abortSignal);
  const request = { url: `${settings.endpoint}${tokenPath}`, headers: {} };
  const rules = { ...settings, deadlineMs: timeoutMs, timeoutMs };
  // A flight of its own: its deadline keeps the program alive meanwhile, and it heeds the signal.
  const probe = createSingleFlight<boolean>(rules)({
    key: 'probe',
    abortSignal,
    overdue: () => aborted(),
    depart: async (signal) => {
      const response = await exchange(request, rules, signal);
      return !isImdsError(response) && isOfMetadataService(response);
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
