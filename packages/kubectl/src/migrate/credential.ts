import { parseIdentityResourceId } from '@pod-identity/crd-types';
import { credentialName, shellWord } from '@pod-identity/policy';

export interface CredentialOf {
  /** The readable part of its name. */
  readonly name: string;
  readonly issuer: string | undefined;
  readonly subject: string;
  readonly audience: string;
  /** Of a managed identity; empty for an application. */
  readonly resourceId: string;
  readonly clientId: string;
}

export function credentialWords({
  name,
  issuer = 'ISSUER',
  subject,
  audience,
  resourceId,
  clientId,
}: CredentialOf): readonly string[] {
  const credential = credentialName(name, { issuer, subject });
  if (!parseIdentityResourceId(resourceId).ok) {
    const parameters = JSON.stringify({ name: credential, issuer, subject, audiences: [audience] });
    return ['ad', 'app', 'federated-credential', 'create', '--id', clientId, '--parameters', parameters];
  }
  const [, , subscription = '', , group = ''] = resourceId.split('/');
  return [
    ...['identity', 'federated-credential', 'create', '--name', credential],
    ...['--identity-name', resourceId.slice(resourceId.lastIndexOf('/') + 1)],
    ...['--resource-group', group, '--subscription', subscription],
    ...['--issuer', issuer, '--subject', subject, '--audiences', audience],
  ];
}

export const azCommand = (words: readonly string[]) => ['az', ...words].map(shellWord).join(' ');
