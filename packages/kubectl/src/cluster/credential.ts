// Federated credentials by which Microsoft Entra trusts ServiceAccounts of this cluster.
import { parseIdentityResourceId } from '@pod-identity/crd-types';
import { createCredentialWords, type CredentialOwner } from '@pod-identity/policy';
import type { ObjectName } from './fields.ts';

/** That of the broker is named so on each identity. */
export const brokerCredential = 'aad-pod-identity-broker';

/** Of the public cloud. */
export const usualAudience = 'api://AzureADTokenExchange';

export const subjectOfAccount = ({ namespace, name }: ObjectName): string =>
  `system:serviceaccount:${namespace}:${name}`;

export interface CredentialOf {
  /** The readable part of its name. */
  readonly name: string;
  /** Undefined: the user has to find it out. */
  readonly issuer: string | undefined;
  readonly account: ObjectName;
  readonly audience: string;
  /** Of a managed identity; empty for an application. */
  readonly resourceId: string;
  readonly clientId: string;
}

/** For `az`. */
export function credentialWords({
  name,
  issuer = 'ISSUER',
  account,
  audience,
  resourceId,
  clientId,
}: CredentialOf): readonly string[] {
  const trusted = { issuer, subject: subjectOfAccount(account), audience };
  return createCredentialWords(name, trusted, ownerOf(resourceId) ?? { clientId });
}

function ownerOf(resourceId: string): CredentialOwner | undefined {
  if (!parseIdentityResourceId(resourceId).ok) return undefined;
  const [, , subscription = '', , resourceGroup = ''] = resourceId.split('/');
  return { subscription, resourceGroup, name: resourceId.slice(resourceId.lastIndexOf('/') + 1) };
}
