// Whether an identity exists and MIC may attach it: checked before a dead entry of it is removed from a host, because it must be possible
// to add it again.
import type { ResourceId } from '@pod-identity/crd-types';
import { listAt, memberOf, stringAt } from '../../snapshot/raw-object.ts';
import type { Rejection } from '../../snapshot/facts/outcomes.ts';
import type { ArmClient } from '../arm/arm-client.ts';
import type { ArmFailure } from '../arm/arm-errors.ts';
import { granteeNote, roleCommand } from '../../tell/remedy.ts';

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

/** One entry of ARM's permissions response: the actions of one role assignment. */
interface Permission {
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
}

const permissionsApiVersion = '2022-04-01';

/** MIC's permissions at a scope; empty if ARM refuses to return them; undefined if ARM could not be reached. */
async function permissionsAt(
  client: ArmClient,
  scope: ResourceId,
  signal: AbortSignal,
): Promise<readonly Permission[] | undefined> {
  const permissions: Permission[] = [];
  let url: string | undefined =
    `${scope}/providers/Microsoft.Authorization/permissions?api-version=${permissionsApiVersion}`;
  while (url !== undefined) {
    const response = await client.send({ method: 'GET', url, signal });
    if (!response.ok) return response.failure.kind === 'denied' ? [] : undefined;
    const value = memberOf(response.value.body, 'value');
    if (!Array.isArray(value)) return undefined;
    permissions.push(...value.map(readPermission));
    url = stringAt(response.value.body, 'nextLink') || undefined;
  }
  return permissions;
}

function readPermission(entry: unknown): Permission {
  return { actions: textsAt(entry, 'actions'), notActions: textsAt(entry, 'notActions') };
}

function textsAt(entry: unknown, key: string): readonly string[] {
  return listAt(entry, key).filter((entry) => typeof entry === 'string');
}

/** Whether an assignment allows the action. Exclusions (notActions) apply to their own assignment only. */
export function isAllowed(action: string, permissions: readonly Permission[]): boolean {
  const isCovered = (patterns: readonly string[]) => patterns.some((pattern) => covers(pattern, action));
  return permissions.some(({ actions, notActions }) => isCovered(actions) && !isCovered(notActions));
}

/** Azure's patterns: `*` matches any part of an action, also none between two slashes; without case. */
function covers(pattern: string, action: string): boolean {
  const literal = (text: string) => text.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`);
  const betweenSlashes = pattern.split('/*/').map((part) => part.split('*').map(literal).join('.*'));
  return new RegExp(`^${betweenSlashes.join('/(.+/)?')}$`, 'i').test(action);
}
