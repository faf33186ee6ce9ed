import type { ResourceId } from '@pod-identity/crd-types';
import type { ArmClient } from '../arm/arm-client.ts';
import type { Permission } from './missing-roles.ts';

const permissionsApiVersion = '2022-04-01';

/** What MIC may do at a scope; nothing at all where ARM will not even say so; undefined if it could not be asked. */
export async function permissionsAt(
  client: ArmClient,
  scope: ResourceId,
  signal: AbortSignal,
): Promise<readonly Permission[] | undefined> {
  const permissions: Permission[] = [];
  let url: string | undefined =
    `${scope}/providers/Microsoft.Authorization/permissions?api-version=${permissionsApiVersion}`;
  while (url !== undefined) {
    const answer = await client.send({ method: 'GET', url, signal });
    if (!answer.ok) return answer.failure.kind === 'denied' ? [] : undefined;
    const { value, nextLink } = record(answer.value.body);
    if (!Array.isArray(value)) return undefined;
    permissions.push(...value.map(readPermission));
    url = typeof nextLink === 'string' ? nextLink : undefined;
  }
  return permissions;
}

function readPermission(entry: unknown): Permission {
  const { actions, notActions } = record(entry);
  return { actions: texts(actions), notActions: texts(notActions) };
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : [];
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
