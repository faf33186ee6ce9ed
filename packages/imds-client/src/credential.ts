import { createImdsClient } from './client.ts';
import { refuseMisplacedIds } from './request.ts';
import type { Identity, ImdsClientOptions, ImdsCredential } from './types.ts';

/** The options of the client, and the identity. */
export interface ImdsCredentialOptions extends ImdsClientOptions {
  /** For all tokens of the credential. Default: the default identity of the pod or the machine. */
  readonly identity?: Identity | undefined;
}

/**
 * A client of its own, for Azure's SDKs.
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
  // Also inherited names, which the copy below would leave out.
  refuseMisplacedIds(options);
  const { identity, ...clientOptions } = options;
  return createImdsClient(clientOptions).createCredential({ identity });
}
