import { redactId, TokenError } from './errors.ts';
import type { IssuedToken, TokenSubject } from './types.ts';

/** Whether the token has another client id than the AzureIdentity, which is out of date or forged then: the pod must not get it. */
export function hasOtherClientId({ clientId }: IssuedToken, subject: TokenSubject): boolean {
  return (
    subject.kind === 'identity' &&
    subject.clientId !== '' &&
    clientId !== undefined &&
    clientId !== subject.clientId
  );
}

export function anotherIdentity({ clientId = '' }: IssuedToken, subject: TokenSubject): TokenError {
  const name = subject.kind === 'identity' ? subject.name : '';
  return new TokenError(
    'misconfigured',
    `AzureIdentity ${name} has a spec.clientID that is not that of its spec.resourceID: Azure knows the resource by client id ` +
      `${redactId(clientId)}. Was the managed identity deleted and made again? Correct spec.clientID.`,
  );
}
