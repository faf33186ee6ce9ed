// The only file that creates credentials.
import type { TokenCredential } from '@azure/identity';
import type { SampleConfig } from './config.ts';
import { identityOf, type Identity } from './identity.ts';

type Choice = Pick<SampleConfig, 'credential' | 'clientId'>;

/**
 * `CREDENTIAL=default` finds an identity in many places, one of them IMDS; `CREDENTIAL=imds` asks IMDS alone. Only the library that is
 * used is loaded.
 */
export async function createCredential({ credential, clientId }: Choice): Promise<TokenCredential> {
  const named = clientId !== undefined;
  switch (credential) {
    case 'default': {
      const { DefaultAzureCredential } = await import('@azure/identity');
      return new DefaultAzureCredential(named ? { managedIdentityClientId: clientId } : {});
    }
    case 'imds': {
      const { createImdsCredential } = await import('@pod-identity/imds-client');
      return createImdsCredential(named ? { identity: { clientId } } : {});
    }
  }
}

/** The same credential, which reports whose tokens it gives. */
export function reportingIdentity(
  credential: TokenCredential,
  report: (identity: Identity) => void,
): TokenCredential {
  return {
    async getToken(scopes, options) {
      const token = await credential.getToken(scopes, options);
      const identity = token === null ? undefined : identityOf(token.token);
      if (identity !== undefined) report(identity);
      return token;
    },
  };
}
