import type { Identity, ImdsClient } from '@pod-identity/imds-client';
import type { Clock } from '@pod-identity/kit/core';
import { isImdsError } from '../../../../imds-client/src/parts.ts';
import { readClaims } from '../claims.ts';
import { tokenErrorOf } from '../errors.ts';
import { timed, type Ended } from '../timed.ts';
import type { HostSubject, TokenUpstream } from '../types.ts';

/**
 * Requests tokens of the machine's identities from its metadata service, those of an AzureIdentity by resource id: that is what MIC
 * attached and what the administrator sees. A client id alone proves nothing: who may write an AzureIdentity may write any client id into it.
 */
export function createManagedIdentitySource(
  imds: Pick<ImdsClient, 'getToken'>,
  clock: Clock,
  onRequested: (ended: Ended & { readonly subject: HostSubject['kind'] }) => void,
): TokenUpstream<HostSubject> {
  return {
    async requestToken({ subject, resource }) {
      const onEnded = (ended: Ended) => onRequested({ ...ended, subject: subject.kind });
      try {
        const access = await timed(clock, onEnded, () =>
          imds.getToken({ resource, identity: identityOf(subject) }),
        );
        const claims = readClaims(access.token);
        const clientId = access.clientId?.toLowerCase() ?? claims.clientId;
        return { access, clientId, objectId: claims.objectId };
      } catch (error) {
        throw isImdsError(error) ? tokenErrorOf(error) : error;
      }
    },
  };
}

function identityOf(subject: HostSubject): Identity | undefined {
  if (subject.kind === 'identity') return { resourceId: subject.resourceId };
  switch (subject.by) {
    case 'nothing':
      return undefined;
    case 'client-id':
      return { clientId: subject.value };
    case 'object-id':
      return { objectId: subject.value };
    case 'resource-id':
      return { resourceId: subject.value };
  }
}
