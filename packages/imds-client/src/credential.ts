import { createImdsClient } from './client.ts';
import { parseSelector, type IdentitySelector } from './request.ts';
import { resourceOfScopes } from './scopes.ts';
import type { AbortSignalLike, AccessToken, ImdsClientOptions } from './types.ts';

/** Those of the client, and the identity: at most one of the three; none means the default identity. */
export type ImdsCredentialOptions = ImdsClientOptions & IdentitySelector;

/** The options that are read of those that Azure's SDKs pass. */
export interface CredentialTokenOptions {
  readonly abortSignal?: AbortSignalLike;
  /** From a claims challenge: the last token was refused. A new one is fetched, past this client's cache. */
  readonly claims?: string;
}

/** The shape that Azure's SDKs accept as a TokenCredential. */
export interface ImdsCredential {
  /**
   * @throws TypeError - not exactly one scope
   * @throws ImdsError - there is no token; `code` says why
   */
  getToken(scopes: string | string[], options?: CredentialTokenOptions): Promise<AccessToken>;
}

/**
 * The same client, for Azure's SDKs.
 *
 * @throws TypeError - an option is invalid, or the identity is named twice
 *
 * @example
 * ```ts
 * const secrets = new SecretClient('https://my-vault.vault.azure.net', createImdsCredential({ clientId }));
 * ```
 */
export function createImdsCredential(options: ImdsCredentialOptions = {}): ImdsCredential {
  const { clientId, objectId, resourceId, ...clientOptions } = options;
  const identity: IdentitySelector = {
    ...(clientId !== undefined && { clientId }),
    ...(objectId !== undefined && { objectId }),
    ...(resourceId !== undefined && { resourceId }),
  };
  parseSelector(identity);
  const client = createImdsClient(clientOptions);
  return {
    async getToken(scopes, { abortSignal, claims } = {}) {
      return client.getToken({
        resource: resourceOfScopes(scopes),
        ...identity,
        ...(abortSignal && { abortSignal }),
        bypassCache: claims !== undefined,
      });
    },
  };
}
