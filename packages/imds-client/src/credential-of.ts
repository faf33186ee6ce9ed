import { identityOf, objectOf, parseIdentity } from './request.ts';
import { resourceOfScopes } from './scopes.ts';
import type { CredentialTokenOptions, Identity, ImdsClient, ImdsCredential } from './types.ts';

/**
 * A client's tokens of one identity, in the shape that Azure's SDKs accept.
 *
 * @throws TypeError - the identity is invalid
 */
export function credentialOf(
  client: Pick<ImdsClient, 'getToken'>,
  identity: Identity | undefined,
): ImdsCredential {
  // A copy: the caller may change the object.
  const own = identityOf(parseIdentity(identity));
  return {
    async getToken(scopes, options) {
      const { abortSignal, claims } = objectOf(options ?? {}) as CredentialTokenOptions;
      return client.getToken({
        resource: resourceOfScopes(scopes),
        identity: own,
        abortSignal,
        bypassCache: claims !== undefined,
      });
    },
  };
}
