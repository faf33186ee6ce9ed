import type { AccessToken } from '@pod-identity/imds-client';
import type { ResourceId } from '@pod-identity/crd-types';

/** The identity that a token is for. */
export type TokenSubject =
  /** A managed identity of an AzureIdentity (`name`); `clientId` in lower case, '' if it has none. */
  | {
      readonly kind: 'identity';
      readonly name: string;
      readonly resourceId: ResourceId;
      readonly clientId: string;
    }
  | ServicePrincipal
  | FederatedIdentity
  /** What the metadata service of the machine selects. */
  | { readonly kind: 'machine'; readonly by: 'nothing' }
  | {
      readonly kind: 'machine';
      readonly by: 'client-id' | 'object-id' | 'resource-id';
      readonly value: string;
    };

/** An application in Entra: an AzureIdentity (`name`) of type 1 or 2. */
export interface ServicePrincipal {
  readonly kind: 'service-principal';
  readonly name: string;
  readonly clientId: string;
  readonly tenantId: string;
  /** At most three further tenants to get tokens of. */
  readonly auxiliaryTenantIds: readonly string[];
  /** Origin of the login endpoint, such as `https://login.microsoftonline.com`; it was checked already. */
  readonly authority: string;
  readonly credential: 'secret' | 'certificate';
  /** In the namespace of the AzureIdentity. */
  readonly secret: { readonly namespace: string; readonly name: string };
}

/** An AzureIdentity (`name`) of type 3. The broker requests its token for one pod: a token in memory is that of this pod and of no other. */
export interface FederatedIdentity {
  readonly kind: 'federated';
  readonly name: string;
  /** In lower case, as is the tenant. */
  readonly clientId: string;
  readonly tenantId: string;
  /** Absent in the memory of the broker, whose tokens are for all pods that may use the identity. */
  readonly pod?: { readonly namespace: string; readonly name: string; readonly uid: string };
}

/** The metadata service of the machine has its tokens. */
export type HostSubject = Exclude<TokenSubject, EntraSubject>;

/** An identity of its own application in Entra, which counts all requests for it. */
export type EntraSubject = ServicePrincipal | FederatedIdentity;

export function isOfEntra<Subject extends TokenSubject>(subject: Subject): subject is Subject & EntraSubject {
  return subject.kind === 'service-principal' || subject.kind === 'federated';
}

export interface WantedToken<Subject extends TokenSubject = TokenSubject> {
  readonly subject: Subject;
  readonly resource: string;
  readonly bypassCache: boolean;
}

/** `known`: a token of the subject is in memory. `unknown`: the metadata service did not know the subject. `new`: neither. */
export type LastResponse = 'known' | 'new' | 'unknown';

export interface IssuedToken {
  readonly access: AccessToken;
  /** In lower case; undefined if neither the response nor the token has it. */
  readonly clientId: string | undefined;
  readonly objectId: string | undefined;
  /** Tokens of the auxiliary tenants, in their order. */
  readonly auxiliary?: readonly { readonly tenantId: string; readonly access: AccessToken }[];
}

export interface TokenUpstream<Subject extends TokenSubject = TokenSubject> {
  /** Requests a new token from Azure; fails with a TokenError. */
  readonly requestToken: (wanted: WantedToken<Subject>) => Promise<IssuedToken>;
}
