import { azCommand, createCredentialWords, type TrustedTokens } from '@pod-identity/policy';
import { claimsIn } from '../tokens/claims.ts';
import { TokenError } from '../tokens/errors.ts';

export interface Assertion {
  readonly token: string;
  /** The command that makes the federated credential which trusts it, to be completed with the identity. */
  readonly credential: string;
}

/** The broker's own token, which opens all federated identities. Fails with a TokenError unless it is one for Entra. */
export async function readAssertion(read: () => Promise<string>, audience: string): Promise<Assertion> {
  const token = await read().catch((cause: unknown) => {
    throw new TokenError('unavailable', 'The broker cannot read its own token.', { cause });
  });
  const { aud, iss, sub } = claimsIn(token);
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!audiences.includes(audience) || typeof iss !== 'string' || typeof sub !== 'string')
    throw new TokenError('unavailable', `The broker's own token is not one for the audience ${audience}.`);
  return { token, credential: credentialCommand({ issuer: iss, subject: sub, audience }) };
}

function credentialCommand(trusted: TrustedTokens): string {
  const owner = { resourceGroup: 'RESOURCE-GROUP', name: 'IDENTITY' };
  return azCommand(createCredentialWords('aad-pod-identity-broker', trusted, owner));
}
