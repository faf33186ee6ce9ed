import { createHash } from 'node:crypto';

/**
 * `az … create` replaces a federated credential that has the same name, and an identity may serve several clusters: the name has a hash of
 * issuer and subject, so that one cluster's credential never replaces another's.
 */
export function credentialName(
  name: string,
  { issuer, subject }: { readonly issuer: string; readonly subject: string },
): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([issuer, subject]))
    .digest('hex');
  return `${name}-${hash.slice(0, 10)}`;
}
