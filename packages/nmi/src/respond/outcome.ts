// The respond room: everything that a request can end as, and how each end is told over HTTP. All statuses and texts are here.
// It must not branch on anything but the outcome.
import type { Denial } from '../authorize/types.ts';
import type { BadRequest } from '../request/token-request.ts';
import type { MetadataFamily, NowhereReason } from '../routes.ts';
import type { TokenErrorCode } from '../tokens/token-errors.ts';
import type { IssuedToken } from '../tokens/types.ts';

/** `pod` is always the caller's own, `namespace/name`. */
export type Outcome =
  | { readonly kind: 'token'; readonly pod: string; readonly issued: IssuedToken; readonly resource: string }
  | {
      readonly kind: 'host-token';
      readonly pod: string;
      readonly issued: IssuedToken;
      readonly resource: string;
    }
  | { readonly kind: 'bad-request'; readonly problem: BadRequest }
  | { readonly kind: 'bad-method' }
  | { readonly kind: 'nowhere'; readonly why: NowhereReason }
  | { readonly kind: 'starting' }
  | { readonly kind: 'unknown-caller'; readonly address: string }
  | { readonly kind: 'ambiguous-caller'; readonly address: string }
  | { readonly kind: 'unknown-pod'; readonly pod: string }
  | { readonly kind: 'overloaded'; readonly pod: string }
  | { readonly kind: 'denied'; readonly pod: string; readonly denial: Denial }
  | {
      readonly kind: 'not-assigned';
      readonly pod: string;
      readonly identity: string;
      readonly seen: 'nothing' | 'created' | 'assigned';
    }
  | {
      readonly kind: 'token-failed';
      readonly pod: string;
      readonly why: TokenErrorCode;
      readonly description: string;
      readonly retryAfterMs?: number | undefined;
    }
  | { readonly kind: 'blocked'; readonly family: MetadataFamily }
  | {
      readonly kind: 'proxied';
      readonly status: number;
      readonly contentType: string;
      readonly body: Uint8Array;
    }
  | { readonly kind: 'proxy-failed'; readonly why: 'unavailable' | 'too-large' }
  | { readonly kind: 'crashed' };

export type OutcomeKind = Outcome['kind'];
