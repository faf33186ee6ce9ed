import { clientOf } from './client.ts';
import { checkOptions } from './request.ts';
import { clientOptions } from './settings.ts';
import type { ImdsClientOptions, ImdsCredential, OfIdentity } from './types.ts';

/** The options of the client, and the identity. */
export interface ImdsCredentialOptions extends ImdsClientOptions, OfIdentity {}

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
  checkOptions(options, new Set([...clientOptions, 'identity']));
  return clientOf(options).createCredential({ identity: options.identity });
}
