// Whether an identity exists and MIC may attach it: checked before a dead entry of it is removed from a host, because it must be possible
// to add it again.
import type { ResourceId } from '@pod-identity/crd-types';
import type { Rejection } from '../../snapshot/facts/outcomes.ts';
import type { ArmClient } from '../arm/arm-client.ts';
import type { ArmFailure } from '../arm/arm-errors.ts';
import { granteeNote, roleCommand } from '../../tell/remedy.ts';
import { isAllowed, permissionsAt } from './permissions.ts';

export type Attachable =
  | { readonly kind: 'attachable' }
  /** The identity does not exist, so its entry is useless. */
  | { readonly kind: 'missing'; readonly rejection: Rejection }
  | { readonly kind: 'refused'; readonly rejection: Rejection };

const identityApiVersion = '2023-01-31';
const assign = 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action';

export async function readAttachable(
  client: ArmClient,
  id: ResourceId,
  signal: AbortSignal,
): Promise<Attachable> {
  const permissions = await permissionsAt(client, id, signal);
  if (permissions === undefined) return unknown(id, { message: "MIC's rights there could not be read" });
  if (!isAllowed(assign, permissions)) {
    const command = roleCommand({ role: 'Managed Identity Operator', scope: id, micPrincipalId: undefined });
    const message = `MIC may not perform '${assign}' at ${id}${granteeNote(undefined)}: ${command}`;
    return { kind: 'refused', rejection: { id, code: 'LinkedAuthorizationFailed', message } };
  }
  const found = await client.send({ method: 'GET', url: `${id}?api-version=${identityApiVersion}`, signal });
  return found.ok ? { kind: 'attachable' } : unread(id, found.failure);
}

/** A custom role may allow attaching but not reading: then existence is not checked. */
function unread(id: ResourceId, failure: ArmFailure): Attachable {
  switch (failure.kind) {
    case 'denied':
      return { kind: 'attachable' };
    case 'gone':
      return { kind: 'missing', rejection: { id, code: 'IdentityNotFound', message: failure.message } };
    case 'rejected':
      if (failure.code !== 'IdentityNotFound') return unknown(id, failure);
      return { kind: 'missing', rejection: { id, code: failure.code, message: failure.message } };
    case 'throttled':
    case 'busy':
    case 'unavailable':
    case 'failed':
      return unknown(id, failure);
    case 'aborted':
      return unknown(id, { message: 'stopped' });
  }
}

function unknown(id: ResourceId, { message }: { readonly message: string }): Attachable {
  const text = `its dead entry is left as it is, because it is not known whether it can be put back: ${message}`;
  return { kind: 'refused', rejection: { id, code: 'FailedIdentityOperation', message: text } };
}
