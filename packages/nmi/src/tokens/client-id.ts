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
