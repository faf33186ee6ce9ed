// Every public shape of this package. Types only.

/** What is asked for. At most one of `clientId`, `objectId` and `resourceId`; none means the default identity. */
export interface TokenRequest {
  /** The audience, such as `https://vault.azure.net`. A trailing slash is kept: for some services it matters. */
  readonly resource: string;
  readonly clientId?: string;
  readonly objectId?: string;
  /** The ARM id of a user-assigned identity; sent as `msi_res_id`. */
  readonly resourceId?: string;
  /** Do not answer from this client's cache. A request that is already under way is shared all the same. */
  readonly bypassCache?: boolean;
  /**
   * Further query parameters for the endpoint, such as `token_sha256_to_refresh` or `xms_cc`. The answer is neither taken
   * from the cache nor put there.
   */
  readonly passThrough?: Readonly<Record<string, string>>;
  /** Gives up waiting, for this caller alone: others who wait for the same token still get it. */
  readonly abortSignal?: AbortSignalLike;
}

/** Where an abort is heard: an `AbortSignal`, or what older Azure SDKs pass in its place. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** A token. Times are milliseconds since the epoch. */
export interface AccessToken {
  /** Secret: whoever has it can act as the identity. */
  readonly token: string;
  readonly expiresOnTimestamp: number;
  /** From here on it is better to ask for another one, although this one still works. */
  readonly refreshAfterTimestamp?: number;
  readonly notBeforeTimestamp?: number;
  readonly tokenType: 'Bearer';
  /** The audience as the endpoint states it. */
  readonly resource: string;
  /** The client id of the identity, when the endpoint states it. */
  readonly clientId?: string;
}

/** All optional. */
export interface ImdsClientOptions {
  /**
   * The base address of the metadata service. Default: the environment variable `AZURE_POD_IDENTITY_AUTHORITY_HOST`, read
   * once when the client is created, else `http://169.254.169.254`.
   */
  readonly endpoint?: string;
  /** Default `2018-02-01`. */
  readonly apiVersion?: string;
  /** Default: the global `fetch`. */
  readonly fetch?: FetchLike;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number;
  /** At least 0, less than 1: spreads the retries of many clients. Default `Math.random`. */
  readonly random?: () => number;
  /** Waits between tries; rejects when the signal is aborted. Default: a timer. */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Tries after the first one. Default 4; 0 means a single try. */
  readonly maxRetries?: number;
  /** For each try. Default 40 000: a stand-in for the metadata service may hold a request while an identity is on its way. */
  readonly requestTimeoutInMs?: number;
  /** Keep tokens and give them out again. Default true. Callers of one moment share a request in either case. */
  readonly cache?: boolean;
  /** The token that was not asked for longest is forgotten first. Default 1000. */
  readonly maxCacheEntries?: number;
}

/** What is used of `fetch`; the global one fits, as does undici's. */
export type FetchLike = (url: string, init: FetchInit) => Promise<FetchResponse>;

export interface FetchInit {
  readonly method: 'GET';
  readonly headers: Record<string, string>;
  readonly redirect: 'manual';
  readonly signal: AbortSignal;
}

export interface FetchResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  /** Read by chunks, so that an answer without end is not read to its end. */
  readonly body?: AsyncIterable<Uint8Array> | null;
  /** The whole body; undefined when it has more bytes than the limit. When present, it is called instead of reading `body`. */
  readUpTo?(limit: number): Promise<Uint8Array | undefined>;
  /** Called when there is neither. */
  text(): Promise<string>;
}

export interface ImdsClient {
  /**
   * A token for the resource: from the cache, from a request that is under way, or from the endpoint.
   *
   * @throws TypeError - the request itself is not sound (no resource, two identities named)
   * @throws ImdsError - no token could be had; `code` says why
   */
  getToken(request: TokenRequest): Promise<AccessToken>;
}
