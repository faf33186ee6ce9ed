import { createHash } from 'node:crypto';
import { shellWord } from './shell-word.ts';

/** Whose tokens Microsoft Entra exchanges for those of the identity. */
export interface TrustedTokens {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
}

/** What gets the federated credential: a managed identity, or an application. */
export type CredentialOwner =
  | {
      readonly resourceGroup: string;
      readonly name: string;
      /** Default: that of the login. */
      readonly subscription?: string;
    }
  | { readonly clientId: string };

/** The arguments of `az` that create a federated credential; `name`: the readable part of its name. */
export function createCredentialWords(
  name: string,
  trusted: TrustedTokens,
  owner: CredentialOwner,
): readonly string[] {
  const { issuer, subject, audience } = trusted;
  const credential = credentialName(name, trusted);
  if ('clientId' in owner) {
    const parameters = JSON.stringify({ name: credential, issuer, subject, audiences: [audience] });
    const application = ['--id', owner.clientId];
    return ['ad', 'app', 'federated-credential', 'create', ...application, '--parameters', parameters];
  }
  const { resourceGroup, name: identity, subscription } = owner;
  return [
    ...['identity', 'federated-credential', 'create', '--resource-group', resourceGroup],
    ...(subscription === undefined ? [] : ['--subscription', subscription]),
    ...['--identity-name', identity, '--name', credential],
    ...['--issuer', issuer, '--subject', subject, '--audiences', audience],
  ];
}

/** For a shell. */
export const azCommand = (words: readonly string[]): string => ['az', ...words].map(shellWord).join(' ');

/**
 * `az … create` replaces a federated credential that has the same name, and an identity may serve several clusters: the name has a hash of
 * issuer and subject, so that one cluster's credential never replaces another's.
 */
function credentialName(name: string, { issuer, subject }: TrustedTokens): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([issuer, subject]))
    .digest('hex');
  return `${name}-${hash.slice(0, 10)}`;
}
