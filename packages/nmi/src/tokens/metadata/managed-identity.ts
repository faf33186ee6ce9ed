import { ImdsError, type ImdsClient, type TokenRequest } from '@pod-identity/imds-client';
import type { Clock } from '@pod-identity/kit/core';
import { readClaims } from '../claims.ts';
import { tokenErrorOf } from '../errors.ts';
import type { AskForToken, HostSubject, IssuedToken, TokenWish } from '../types.ts';

export interface ManagedIdentityOptions {
  readonly imds: ImdsClient;
  readonly clock: Clock;
  /** Called for every question to the metadata service. */
  readonly onAsked: (asked: { subject: HostSubject['kind']; ms: number; isOk: boolean }) => void;
}

/**
 * Tokens of user-assigned identities through the machine's metadata service: one request for each call. It is asked by
 * resource id: that is what the controller attached and what the cluster's administrator sees. A client id alone proves
 * nothing, since anybody who may write an AzureIdentity may write any client id into it.
 */
export function createManagedIdentitySource(options: ManagedIdentityOptions): AskForToken<HostSubject> {
  return (wish) => askImds(wish, options);
}

async function askImds(
  wish: TokenWish<HostSubject>,
  { imds, clock, onAsked }: ManagedIdentityOptions,
): Promise<IssuedToken> {
  const startedAt = clock.now();
  let isOk = false;
  try {
    const access = await imds.getToken(requestFor(wish));
    isOk = true;
    const claims = readClaims(access.token);
    const clientId = access.clientId?.toLowerCase() ?? claims.clientId;
    return { access, clientId, objectId: claims.objectId };
  } catch (error) {
    throw error instanceof ImdsError ? tokenErrorOf(error) : error;
  } finally {
    onAsked({ subject: wish.subject.kind, ms: clock.now() - startedAt, isOk });
  }
}

function requestFor({ subject, resource, passThrough }: TokenWish<HostSubject>): TokenRequest {
  return { resource, passThrough, ...selectorFor(subject) };
}

function selectorFor(subject: HostSubject): Pick<TokenRequest, 'clientId' | 'objectId' | 'resourceId'> {
  if (subject.kind === 'identity') return { resourceId: subject.resourceId };
  switch (subject.by) {
    case 'nothing':
      return {};
    case 'client-id':
      return { clientId: subject.value };
    case 'object-id':
      return { objectId: subject.value };
    case 'resource-id':
      return { resourceId: subject.value };
  }
}
