// The only file that calls Key Vault.
import { CertificateClient } from '@azure/keyvault-certificates';
import { KeyClient } from '@azure/keyvault-keys';
import { SecretClient } from '@azure/keyvault-secrets';
import type { TokenCredential } from '@azure/identity';
import type { SampleConfig } from './config.ts';
import type { Item, Kind, Listed, VaultObject } from './vault-object.ts';

export interface VaultReader {
  /** Reads the newest version. */
  read(item: Item, signal: AbortSignal): Promise<VaultObject>;
  /** The first names, without the keys and secrets that belong to a certificate. */
  list(kind: Kind, signal: AbortSignal): Promise<Listed>;
}

const mostListed = 50;
/** With those that are left out. */
const mostLookedAt = 1000;

/** Called with the value of a secret at each read; a program would keep it until the version changes. If it fails, the read has failed. */
export type UseSecret = (name: string, value: string) => void | Promise<void>;

/** An error of the program, not of the vault. The text of its cause may have the value. */
class UseSecretError extends Error {
  override readonly name = 'UseSecretError';
}

export function createVaultReader(
  { vaultUrl, skipChallengeVerification }: SampleConfig,
  credential: TokenCredential,
  useSecret: UseSecret,
): VaultReader {
  const options = { disableChallengeResourceVerification: skipChallengeVerification };
  const secrets = new SecretClient(vaultUrl, credential, options);
  const keys = new KeyClient(vaultUrl, credential, options);
  const certificates = new CertificateClient(vaultUrl, credential, options);
  const read = async ({ kind, name }: Item, asking: Asking): Promise<VaultObject> => {
    switch (kind) {
      case 'secret': {
        const { value = '', properties } = await secrets.getSecret(name, asking);
        try {
          await useSecret(name, value);
        } catch (cause) {
          throw new UseSecretError('useSecret failed', { cause });
        }
        return kept(properties);
      }
      case 'key':
        return kept((await keys.getKey(name, asking)).properties);
      case 'certificate':
        return kept((await certificates.getCertificate(name, asking)).properties);
    }
  };
  const pages: Readonly<Record<Kind, (asking: Asking) => AsyncIterable<ListedProperties>>> = {
    secret: (asking) => secrets.listPropertiesOfSecrets(asking),
    key: (asking) => keys.listPropertiesOfKeys(asking),
    certificate: (asking) => certificates.listPropertiesOfCertificates(asking),
  };
  return {
    read: (item, signal) => withResponses(signal, (asking) => read(item, asking)),
    list: (kind, signal) => withResponses(signal, (asking) => firstNames(pages[kind](asking))),
  };
}

interface ListedProperties {
  readonly name?: string;
  readonly managed?: boolean;
}

async function firstNames(all: AsyncIterable<ListedProperties>): Promise<Listed> {
  const names: string[] = [];
  let lookedAt = 0;
  for await (const { name, managed = false } of all) {
    lookedAt += 1;
    if (lookedAt > mostLookedAt) return { names, isWhole: false };
    if (name === undefined || managed) continue;
    if (names.length === mostListed) return { names, isWhole: false };
    names.push(name);
  }
  return { names, isWhole: true };
}

async function withResponses<T>(abortSignal: AbortSignal, ask: (asking: Asking) => Promise<T>): Promise<T> {
  let last: SdkResponse | undefined;
  const onResponse = (response: SdkResponse): void => void (last = response);
  try {
    return await ask({ abortSignal, onResponse });
  } catch (error) {
    throw withResponse(error, last);
  }
}

interface SdkResponse {
  readonly status: number;
  readonly bodyAsText?: string | null;
}

interface Asking {
  readonly abortSignal: AbortSignal;
  /** Called with each response, also with one that is not understood. */
  readonly onResponse: (response: SdkResponse) => void;
}

/**
 * The clients of Key Vault fail with a TypeError when a response has no body of Key Vault, as those of gateways and proxies. The error of a
 * list lacks the body of the response.
 */
function withResponse(cause: unknown, response: SdkResponse | undefined): unknown {
  if (response === undefined) return cause;
  if (!(cause instanceof TypeError)) return isWithoutDetails(cause) ? withBody(cause, response) : cause;
  const { status } = response;
  const error = new Error(`a response with the status ${status} and without a readable body`, { cause });
  return Object.assign(error, { statusCode: status, response });
}

const isWithoutDetails = (cause: unknown): cause is Error =>
  cause instanceof Error && 'statusCode' in cause && (cause as { details?: unknown }).details === undefined;

function withBody(error: Error, { status, bodyAsText }: SdkResponse): Error {
  // Of a response with 200 it would have values.
  const details = status < 400 ? undefined : objectIn(bodyAsText ?? '');
  const said = details?.error?.message;
  return Object.assign(error, { details }, typeof said === 'string' && { message: said });
}

function objectIn(text: string): { readonly error?: { readonly message?: unknown } | null } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

interface Properties {
  readonly version?: string;
  readonly enabled?: boolean;
  readonly expiresOn?: Date;
}

const kept = ({ version = 'unknown', enabled = true, expiresOn }: Properties): VaultObject => ({
  version,
  enabled,
  expiresOn,
});
