// Every public shape of this package. Types only.

/** The identity that a token is for: named by exactly one id. */
export type Identity =
  /** The client id (application id), a GUID; sent as `client_id`. */
  | { readonly clientId: string; readonly objectId?: never; readonly resourceId?: never }
  /** The object id of its service principal in Entra, a GUID; sent as `object_id`. */
  | { readonly objectId: string; readonly clientId?: never; readonly resourceId?: never }
  /** The ARM id of a user-assigned identity; sent as `msi_res_id`. */
  | { readonly resourceId: string; readonly clientId?: never; readonly objectId?: never };

/** What a credential is of. */
export interface OfIdentity {
  /** Default: the default identity of the pod or the machine. */
  readonly identity?: Identity | undefined;
}

/** How a caller stops waiting. */
export interface Abortable {
  /** Ends the wait of this caller alone: others that wait for the same response still get it. */
  readonly abortSignal?: AbortSignalLike | undefined;
}

/** What a token is for. */
export interface RequestedToken extends OfIdentity {
  /** The audience, such as `https://vault.azure.net`: no scope, so not with `/.default`. A trailing slash is kept: for some services it matters. */
  readonly resource: string;
}

/** What `getToken` is asked for. If it is invalid, the call fails with a `TypeError` that names the field. */
export interface TokenRequest extends RequestedToken, Abortable {
  /** Bypass this client's cache. A request that is already under way is shared anyway. */
  readonly bypassCache?: boolean | undefined;
}

/** An `AbortSignal`, or what older Azure SDKs pass in its place. */
export interface AbortSignalLike {
  /** If so at the start of a call, it sends nothing. */
  readonly aborted: boolean;
  /** Becomes the `cause` of the error. */
  readonly reason?: unknown;
  /** Called at the start of the wait; the listener ends it. */
  addEventListener(type: 'abort', listener: () => void): void;
  /** Called at the end of the wait with the same listener. */
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** A token. Frozen: callers share it. Times are milliseconds since the epoch. `util.inspect` does not show the token. */
export interface AccessToken {
  /** Secret: its holder can act as the identity. */
  readonly token: string;
  /** From `expires_on` and `expires_in`, the earlier one of them; always ahead when the token arrives. */
  readonly expiresOnTimestamp: number;
  /** From this time on a refresh is recommended, although the token is still valid. */
  readonly refreshAfterTimestamp?: number;
  /** From `not_before`, if the response has it. */
  readonly notBeforeTimestamp?: number;
  /** The scheme of the header `Authorization`; constant, not read from the response. */
  readonly tokenType: 'Bearer';
  /** The audience, from the response. */
  readonly resource: string;
  /** The client id of the identity, if the response has it. */
  readonly clientId?: string;
}

/** All optional. */
export interface ImdsClientOptions {
  /** The base address of the metadata service. Default: `AZURE_POD_IDENTITY_AUTHORITY_HOST`, read once, else `http://169.254.169.254`. */
  readonly endpoint?: string | undefined;
  /** Of requests for tokens. Default `2018-02-01`. */
  readonly apiVersion?: string | undefined;
  /**
   * The HTTP client: a function like `fetch`. Default: node:http, never through a proxy, with a connection for each request. A plain `Error` of a
   * given one counts as a failure of the network: it is retried, and its message becomes part of the `ImdsError`'s unless it may quote a response.
   */
  readonly transport?: FetchLike | undefined;
  /** Requests after the first one. Default 4; 0: no retries. */
  readonly maxRetries?: number | undefined;
  /** Milliseconds, for each request, from when it is sent on. Default 40 000: NMI may hold a request while an identity is being assigned. */
  readonly requestTimeoutMs?: number | undefined;
  /** Milliseconds, for all requests and the waits between them. Default 90 000. */
  readonly deadlineMs?: number | undefined;
  /** Keep tokens and return them again. Default true. Concurrent callers share a request in either case. */
  readonly cache?: boolean | undefined;
  /** The oldest token is evicted first. Default 1000. */
  readonly maxCacheEntries?: number | undefined;
  /** Whether an `expires_on` in the past does not count beside `expires_in`. Default false: a cached response would give an expired token another life. */
  readonly tolerateClockSkew?: boolean | undefined;
  /** Time and chance, for tests. */
  readonly testing?: Testing | undefined;
}

/** The options of the client, and the identity. */
export interface ImdsCredentialOptions extends ImdsClientOptions, OfIdentity {}

/** What a test replaces. The timeout of a request and the deadline are always the platform's timers. */
export interface Testing {
  /** Default: the platform's clock and timers. */
  readonly clock?: Clock | undefined;
  /** At least 0, less than 1: spreads the retries of many clients. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** The time that tokens and waits before retries are measured by. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that only increase, even if the clock is set back. Default: `now`. */
  elapsed?(): number;
  /** Waits before a retry, in milliseconds; rejects when the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The part of `fetch` that is used; the global one fits, as does undici's. */
export type FetchLike = (url: string, init: FetchInit) => Promise<FetchResponse>;

/** The part of `RequestInit` that is used. */
export interface FetchInit {
  /** Every request is a GET without a body. */
  readonly method: 'GET';
  /** `User-Agent`, and `Metadata: true` except in the probe of `isAvailable`. All of them must be sent. */
  readonly headers: Record<string, string>;
  /** A redirect must be returned as a response, not followed: it fails with the code `invalid-response`. */
  readonly redirect: 'manual';
  /** Aborted when the result is no longer needed: the transport then ends the request. */
  readonly signal: AbortSignal;
}

/** What a transport resolves with: the part of `Response` that is read. One without a `status`, `headers.get` and a body is refused with a `TypeError`. */
export interface FetchResponse {
  /** The HTTP status code, also of refusals: a transport rejects only if there is no response. */
  readonly status: number;
  /** `get` returns the value of a header by its lower-case name, or null if there is none. */
  readonly headers: { get(name: string): string | null };
  /** Read in chunks, so that an endless body is not read completely. null: there is none. */
  readonly body?: AsyncIterable<Uint8Array> | null;
  /** The whole body; undefined if it has more bytes than the limit. If present, it is called instead of reading `body`. */
  readUpTo?(limit: number): Promise<Uint8Array | undefined>;
}

/** A client of one endpoint, with its cache. Its methods may be called at the same time. */
export interface ImdsClient {
  /**
   * A token for the resource: from the cache, from a request that is under way, or from the endpoint.
   *
   * @throws TypeError - the request is invalid (no resource, two identities named)
   * @throws ImdsError - there is no token; `code` says why
   */
  getToken(request: TokenRequest): Promise<AccessToken>;
  /**
   * Whether a metadata service answers at the endpoint: one short request without the header `Metadata`, no retries. It says nothing about
   * identities.
   *
   * @throws TypeError - `timeoutMs` is invalid
   * @throws ImdsError - with the code `aborted`: by `abortSignal`
   */
  isAvailable(options?: AvailabilityOptions): Promise<boolean>;
  /**
   * This client as a `TokenCredential` for Azure's SDKs, with the same cache.
   *
   * @throws TypeError - the identity is invalid
   */
  createCredential(options?: OfIdentity): ImdsCredential;
}

/** How `isAvailable` asks. */
export interface AvailabilityOptions extends Abortable {
  /** Milliseconds until the answer is no. Default 1000. */
  readonly timeoutMs?: number | undefined;
}

/** The options that are read of those that Azure's SDKs pass. */
export interface CredentialTokenOptions extends Abortable {
  /** From a claims challenge: the last token was refused. A new one is fetched, past this client's cache. */
  readonly claims?: string | undefined;
}

/** The shape that Azure's SDKs accept as a TokenCredential. */
export interface ImdsCredential {
  /**
   * A token for the resource of the scope: that of `https://vault.azure.net/.default` is `https://vault.azure.net`. A scope without
   * `/.default` is the resource itself.
   *
   * @throws TypeError - not exactly one scope
   * @throws ImdsError - there is no token; `code` says why
   */
  getToken(scopes: string | string[], options?: CredentialTokenOptions): Promise<AccessToken>;
}
