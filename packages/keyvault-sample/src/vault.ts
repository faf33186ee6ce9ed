// The part to copy: reads secrets, keys and certificates as the identity of the pod. It needs the libraries of Azure, and no other file.
import { DefaultAzureCredential, type TokenCredential } from '@azure/identity';
import { CertificateClient } from '@azure/keyvault-certificates';
import { KeyClient } from '@azure/keyvault-keys';
import { SecretClient, type GetSecretOptions } from '@azure/keyvault-secrets';

export type Kind = 'secret' | 'key' | 'certificate';

export interface VaultObject {
  readonly version?: string;
  readonly enabled?: boolean;
  readonly expiresOn?: Date;
}

/** Finds the identity of the pod without settings. The client id is for a pod that has several. */
export const podCredential = (clientId?: string): TokenCredential =>
  new DefaultAzureCredential(clientId === undefined ? {} : { managedIdentityClientId: clientId });

export type Vault = ReturnType<typeof openVault>;

export function openVault(
  url: string,
  credential: TokenCredential,
  options: { readonly disableChallengeResourceVerification?: boolean } = {},
) {
  const secrets = new SecretClient(url, credential, options);
  const keys = new KeyClient(url, credential, options);
  const certificates = new CertificateClient(url, credential, options);
  return {
    /** Reads the newest version. Beside the properties of a secret is its value: use it here, and do not log it. */
    async read(kind: Kind, name: string, request: GetSecretOptions = {}): Promise<VaultObject> {
      if (kind === 'secret') return (await secrets.getSecret(name, request)).properties;
      if (kind === 'key') return (await keys.getKey(name, request)).properties;
      return (await certificates.getCertificate(name, request)).properties;
    },
    /** `managed` are the key and the secret that belong to a certificate. */
    list(kind: Kind, request: GetSecretOptions = {}): AsyncIterable<{ name?: string; managed?: boolean }> {
      if (kind === 'secret') return secrets.listPropertiesOfSecrets(request);
      if (kind === 'key') return keys.listPropertiesOfKeys(request);
      return certificates.listPropertiesOfCertificates(request);
    },
  };
}
