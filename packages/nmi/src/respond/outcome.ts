import type { MissingRight } from '../authorize/missing-right.ts';
import type { Denial } from '../authorize/types.ts';
import type { BadRequest } from '../request/token-request.ts';
import type { MetadataPart } from '../request/instance-metadata.ts';
import type { NowhereReason, Route } from '../request/routes.ts';
import type { InboundRequest } from '../request/wire.ts';
import type { TokenErrorCode } from '../tokens/errors.ts';
import type { TokenOrigin } from '../tokens/source.ts';
import type { IssuedToken } from '../tokens/types.ts';

/** `pod` is always the caller's own, `namespace/name`. */
export type Outcome =
  | ({ readonly kind: 'token' } & Issuance)
  | ({ readonly kind: 'host-token' } & Issuance)
  | { readonly kind: 'bad-request'; readonly problem: BadRequest }
  | { readonly kind: 'bad-method' }
  | { readonly kind: 'nowhere'; readonly why: NowhereReason }
  /** `unread`: only this namespace, that of the pod, has not been read yet. */
  | { readonly kind: 'starting'; readonly unread?: string }
  /** A watch has been silent for too long: its data is not valid any more. */
  | { readonly kind: 'outdated' }
  | { readonly kind: 'unknown-caller'; readonly address: string }
  /** `pods` (`namespace/name`) are for the log: callers do not learn about each other. */
  | { readonly kind: 'ambiguous-caller'; readonly address: string; readonly pods: readonly string[] }
  | { readonly kind: 'unknown-pod'; readonly pod: string }
  /** More requests a second than allowed, and too many waiting already. */
  | { readonly kind: 'too-fast'; readonly address: string }
  /** The API server did not confirm that the pod still has the address, or the pod is gone. */
  | { readonly kind: 'unconfirmed'; readonly pod: string }
  /** Bindings, identities or the pod changed again and again while the request waited. */
  | { readonly kind: 'rights-changed'; readonly pod: string }
  | MissingRight
  /** The metadata service of the machine does not know the identity yet. */
  | {
      readonly kind: 'not-assigned';
      readonly pod: string;
      readonly identity: string;
      readonly seen: 'unattached';
    }
  /** The pod has just started: the missing object may be created after it. */
  | {
      readonly kind: 'not-assigned';
      readonly pod: string;
      readonly seen: 'unbound';
      readonly denial: Denial;
    }
  | {
      readonly kind: 'token-failed';
      readonly pod: string;
      readonly why: TokenErrorCode;
      readonly description: string;
      /** The status from the metadata service or Entra, if there was a response. */
      readonly status?: number | undefined;
      readonly retryAfterMs?: number | undefined;
      /** The pod is exempt and requested an identity of the machine. */
      readonly isExempt?: boolean;
    }
  | { readonly kind: 'blocked'; readonly family: MetadataPart }
  | {
      readonly kind: 'proxied';
      readonly status: number;
      readonly contentType: string;
      /** As the service wrote it. */
      readonly retryAfter?: string | undefined;
      readonly body: Uint8Array;
    }
  | { readonly kind: 'proxy-failed'; readonly why: 'unavailable' | 'too-large' }
  | { readonly kind: 'crashed' };

/** A token for a pod, with everything that the audit needs. */
export interface Issuance {
  readonly pod: string;
  readonly uid: string;
  /** The AzureIdentity, `namespace/name`; '' if the pod is exempt and got an identity of the machine. */
  readonly identity: string;
  readonly from: TokenOrigin;
  readonly issued: IssuedToken;
  readonly resource: string;
}

export type OutcomeKind = Outcome['kind'];

/** A completed request, for metrics and logs. */
export interface SentResponse {
  readonly request: InboundRequest;
  readonly route: Route['kind'];
  readonly outcome: Outcome;
  readonly status: number;
  readonly ms: number;
}
