import { clientOf } from './client.ts';
import { checkOptions } from './request.ts';
import { clientOptions } from './settings.ts';
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
  checkOptions(options, new Set([...clientOptions, 'identity']));
  return clientOf(options).createCredential({ identity: options.identity });
}
