// The tokens room: one token for an identity that was permitted already, from memory or from the machine's metadata service.
// It must not know pods or requests: who may have the token was decided elsewhere.
import type { AccessToken } from '@pod-identity/imds-client';
import type { ResourceId } from '@pod-identity/crd-types';

/** Whose token. */
export type TokenSubject =
  /** A managed identity as an AzureIdentity (`name`) describes it; `clientId` in lower case, '' when not stated. */
  | {
      readonly kind: 'identity';
      readonly name: string;
      readonly resourceId: ResourceId;
      readonly clientId: string;
    }
  /** Whatever the machine's own metadata service makes of this selector. */
  | { readonly kind: 'machine'; readonly by: 'nothing' }
  | {
      readonly kind: 'machine';
      readonly by: 'client-id' | 'object-id' | 'resource-id';
      readonly value: string;
    };

export interface TokenWish {
  readonly subject: TokenSubject;
  readonly resource: string;
  readonly bypassCache: boolean;
  readonly passThrough: Readonly<Record<string, string>>;
  /** The machine is known to carry the identity: a service that does not know it yet is asked again for a while. */
  readonly isExpected: boolean;
}

/** A token with what it says about its identity. */
export interface IssuedToken {
  readonly access: AccessToken;
  /** In lower case; undefined when neither the answer nor the token states it. */
  readonly clientId: string | undefined;
  readonly objectId: string | undefined;
}

/** Asks the outside for a token; fails with a TokenError. */
export type AskForToken = (wish: TokenWish) => Promise<IssuedToken>;
