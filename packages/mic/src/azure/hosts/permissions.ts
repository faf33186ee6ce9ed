import type { ResourceId } from '@pod-identity/crd-types';
import { listAt, memberOf, stringAt } from '../../snapshot/raw-object.ts';
import type { ArmClient } from '../arm/arm-client.ts';

/** One entry of ARM's permissions response: the actions of one role assignment. */
interface Permission {
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
}

const permissionsApiVersion = '2022-04-01';

/** MIC's permissions at a scope; empty if ARM refuses to return them; undefined if ARM could not be reached. */
export async function permissionsAt(
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
