// Every public shape of this package. Types only.

/** A token request. At most one of `clientId`, `objectId` and `resourceId`; none means the default identity. */
export interface TokenRequest {
  /** The audience, such as `https://vault.azure.net`. A trailing slash is kept: for some services it matters. */
  readonly resource: string;
  readonly clientId?: string;
  readonly objectId?: string;
  /** The ARM id of a user-assigned identity; sent as `msi_res_id`. */
  readonly resourceId?: string;
  /** Bypass this client's cache. A request that is already under way is shared anyway. */
  readonly bypassCache?: boolean;
  /**
   * Further query parameters for the endpoint, such as `token_sha256_to_refresh` or `xms_cc`. The token is neither read
   * from the cache nor stored.
   */
  readonly passThrough?: Readonly<Record<string, string>>;
  /** Ends the wait of this caller alone: others that wait for the same token still get it. */
  readonly abortSignal?: AbortSignalLike;
}

/** An `AbortSignal`, or what older Azure SDKs pass in its place. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** A token. Times are milliseconds since the epoch. */
export interface AccessToken {
  /** Secret: its holder can act as the identity. */
  readonly token: string;
  readonly expiresOnTimestamp: number;
  /** From this time on a refresh is recommended, although the token is still valid. */
  readonly refreshAfterTimestamp?: number;
  readonly notBeforeTimestamp?: number;
  readonly tokenType: 'Bearer';
  /** The audience, from the response. */
  readonly resource: string;
  /** The client id of the identity, if the response has it. */
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
  /** Waits before a retry; rejects when the signal is aborted. Default: a timer. */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Requests after the first one. Default 4; 0: no retries. */
  readonly maxRetries?: number;
  /** For each request. Default 40 000: NMI may hold a request while an identity is being assigned. */
  readonly requestTimeoutInMs?: number;
  /** Keep tokens and return them again. Default true. Concurrent callers share a request in either case. */
  readonly cache?: boolean;
  /** The least recently used token is evicted first. Default 1000. */
  readonly maxCacheEntries?: number;
}

/** The part of `fetch` that is used; the global one fits, as does undici's. */
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
  /** Read in chunks, so that an endless body is not read completely. */
  readonly body?: AsyncIterable<Uint8Array> | null;
  /** The whole body; undefined if it has more bytes than the limit. If present, it is called instead of reading `body`. */
  readUpTo?(limit: number): Promise<Uint8Array | undefined>;
  /** Called if there is neither. */
  text(): Promise<string>;
}

export interface ImdsClient {
  /**
   * A token for the resource: from the cache, from a request that is under way, or from the endpoint.
   *
   * @throws TypeError - the request is invalid (no resource, two identities named)
   * @throws ImdsError - there is no token; `code` says why
   */
  getToken(request: TokenRequest): Promise<AccessToken>;
}
