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
  | ServicePrincipal
  /** Whatever the machine's own metadata service makes of this selector. */
  | { readonly kind: 'machine'; readonly by: 'nothing' }
  | {
      readonly kind: 'machine';
      readonly by: 'client-id' | 'object-id' | 'resource-id';
      readonly value: string;
    };

/** An application of its own in Entra, as an AzureIdentity (`name`) of type 1 or 2 describes it. */
export interface ServicePrincipal {
  readonly kind: 'service-principal';
  readonly name: string;
  readonly clientId: string;
  readonly tenantId: string;
  /** One to three tenants more to get a token of; mostly none. */
  readonly auxiliaryTenantIds: readonly string[];
  /** Origin of the login endpoint, like `https://login.microsoftonline.com`; it was judged already. */
  readonly authority: string;
  readonly credential: 'secret' | 'certificate';
  /** In the namespace of the AzureIdentity. */
  readonly secret: { readonly namespace: string; readonly name: string };
}

/** Whom the machine's own metadata service can speak for. */
export type HostSubject = Exclude<TokenSubject, ServicePrincipal>;

export interface TokenWish<Subject extends TokenSubject = TokenSubject> {
  readonly subject: Subject;
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
  /** Of the auxiliary tenants, in their order. */
  readonly auxiliary?: readonly { readonly tenantId: string; readonly access: AccessToken }[];
}

export interface TokenUpstream<Subject extends TokenSubject = TokenSubject> {
  /** Requests a new token from Azure; fails with a TokenError. */
  readonly ask: (wish: TokenWish<Subject>) => Promise<IssuedToken>;
}
