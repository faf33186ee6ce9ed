// The only file that calls Key Vault.
import { CertificateClient } from '@azure/keyvault-certificates';
import { KeyClient } from '@azure/keyvault-keys';
import { SecretClient, type SecretClientOptions } from '@azure/keyvault-secrets';
import type { TokenCredential } from '@azure/identity';
import type { SampleConfig } from './config.ts';
import type { Item, VaultObject } from './vault-object.ts';

/** Reads the newest version. */
export type ReadObject = (item: Item, signal: AbortSignal) => Promise<VaultObject>;

/** Called with the value of a secret at each read; a program would keep it until the version changes. */
export type UseSecret = (name: string, value: string) => void;

export function createVaultReader(
  { vaultUrl, skipChallengeVerification }: SampleConfig,
  credential: TokenCredential,
  useSecret: UseSecret,
): ReadObject {
  const statuses = createStatusNote();
  const options = {
    disableChallengeResourceVerification: skipChallengeVerification,
    additionalPolicies: [{ policy: statuses.policy, position: 'perRetry' as const }],
  };
  const secrets = new SecretClient(vaultUrl, credential, options);
  const keys = new KeyClient(vaultUrl, credential, options);
  const certificates = new CertificateClient(vaultUrl, credential, options);
  const read: ReadObject = async ({ kind, name }, abortSignal) => {
    switch (kind) {
      case 'secret': {
        const { value = '', properties } = await secrets.getSecret(name, { abortSignal });
        useSecret(name, value);
        return kept(properties);
      }
      case 'key':
        return kept((await keys.getKey(name, { abortSignal })).properties);
      case 'certificate':
        return kept((await certificates.getCertificate(name, { abortSignal })).properties);
    }
  };
  return (item, signal) => statuses.withStatus(() => read(item, signal));
}

/**
 * The clients of Key Vault fail with a TypeError when an error response has no body, as those of gateways and proxies: then the status
 * is added. For reads one after the other.
 */
function createStatusNote() {
  let last: number | undefined;
  const lastStatus = () => last;
  return {
    policy: {
      name: 'statusNote',
      async sendRequest(request, next) {
        const response = await next(request);
        last = response.status;
        return response;
      },
    } satisfies Policy,
    async withStatus<T>(read: () => Promise<T>): Promise<T> {
      last = undefined;
      try {
        return await read();
      } catch (cause) {
        const status = lastStatus();
        if (!(cause instanceof TypeError) || status === undefined) throw cause;
        const error = new Error(`a response with the status ${status} and without a readable body`, {
          cause,
        });
        throw Object.assign(error, { statusCode: status });
      }
    },
  };
}

type Policy = NonNullable<SecretClientOptions['additionalPolicies']>[number]['policy'];

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
