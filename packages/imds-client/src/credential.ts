import { createImdsClient } from './client.ts';
import { parseIdentity, refuseMisplacedIds } from './request.ts';
import { resourceOfScopes } from './scopes.ts';
import type { AbortSignalLike, AccessToken, Identity, ImdsClientOptions } from './types.ts';

/** Those of the client, and the identity; without one, the default identity of the pod or the machine. */
export interface ImdsCredentialOptions extends ImdsClientOptions {
  readonly identity?: Identity | undefined;
}

/** The options that are read of those that Azure's SDKs pass. */
export interface CredentialTokenOptions {
  readonly abortSignal?: AbortSignalLike | undefined;
  /** From a claims challenge: the last token was refused. A new one is fetched, past this client's cache. */
  readonly claims?: string | undefined;
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
 * const credential = createImdsCredential({ identity: { clientId } });
 * const secrets = new SecretClient('https://my-vault.vault.azure.net', credential);
 * ```
 */
export function createImdsCredential(options: ImdsCredentialOptions = {}): ImdsCredential {
  const { identity, ...clientOptions } = options;
  refuseMisplacedIds(options);
  parseIdentity(identity);
  const client = createImdsClient(clientOptions);
  return {
    async getToken(scopes, { abortSignal, claims } = {}) {
      return client.getToken({
        resource: resourceOfScopes(scopes),
        identity,
        abortSignal,
        bypassCache: claims !== undefined,
      });
    },
  };
}
