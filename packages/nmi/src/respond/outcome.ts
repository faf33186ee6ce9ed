// The respond room: everything that a request can end as, and how each end is told over HTTP. All statuses and texts are here.
// It must not branch on anything but the outcome.
import type { Denial } from '../authorize/types.ts';
import type { BadRequest } from '../request/token-request.ts';
import type { MetadataPart } from '../request/instance-metadata.ts';
import type { NowhereReason } from '../request/routes.ts';
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
  | { readonly kind: 'starting' }
  /** A watch has been silent for longer than what it told may count. */
  | { readonly kind: 'outdated' }
  | { readonly kind: 'unknown-caller'; readonly address: string }
  /** `pods` (`namespace/name`) are for the log: callers do not learn about each other. */
  | { readonly kind: 'ambiguous-caller'; readonly address: string; readonly pods: readonly string[] }
  | { readonly kind: 'unknown-pod'; readonly pod: string }
  | { readonly kind: 'overloaded'; readonly pod: string }
  /** More requests in a second than one caller may make, and too many to let them wait. */
  | { readonly kind: 'too-fast'; readonly address: string }
  /** The API server did not confirm that the pod still has the address, and `--pod-check strict` wants it. */
  | { readonly kind: 'unconfirmed'; readonly pod: string }
  | { readonly kind: 'denied'; readonly pod: string; readonly denial: Denial }
  | {
      readonly kind: 'not-assigned';
      readonly pod: string;
      readonly identity: string;
      readonly seen: 'nothing' | 'created' | 'assigned';
    }
  /** The pod is young: what it would be refused for may be created after it. */
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
      /** What the metadata service or Entra answered, if it answered. */
      readonly status?: number | undefined;
      readonly retryAfterMs?: number | undefined;
      /** The pod is exempt: it asked for an identity of the machine. */
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

/** A token given to a pod: all that an audit asks for. */
export interface Issuance {
  readonly pod: string;
  readonly uid: string;
  /** The AzureIdentity, `namespace/name`; '' when the pod is exempt and the machine's own metadata service chose. */
  readonly identity: string;
  readonly from: TokenOrigin;
  readonly issued: IssuedToken;
  readonly resource: string;
}

export type OutcomeKind = Outcome['kind'];
