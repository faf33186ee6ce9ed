import { canonicalResourceId, type ResourceId } from '@pod-identity/crd-types';
import type { HostChange } from '../../snapshot/facts/outcomes.ts';
import type { PresentIdentity } from '../../snapshot/facts/facts.ts';
import { memberOf, stringAt } from '../../snapshot/raw-object.ts';

/** The identities of a VM or scale set. */
export interface HostState {
  readonly present: ReadonlyMap<ResourceId, PresentIdentity>;
  readonly systemAssigned: boolean;
  readonly provisioningState?: string;
  /** Missing in older api-versions. */
  readonly etag?: string;
}

type IdentityType = 'None' | 'SystemAssigned' | 'UserAssigned' | 'SystemAssigned, UserAssigned';

export interface IdentityStep {
  readonly id: ResourceId;
  readonly kind: 'add' | 'remove';
  /** To which a refused add is charged. */
  readonly namespace?: string | undefined;
}

export interface IdentityPatch {
  readonly body: {
    readonly identity: {
      readonly type: IdentityType;
      readonly userAssignedIdentities?: Readonly<Record<string, Readonly<Record<string, never>> | null>>;
    };
  };
  /** The host after the PATCH. Client ids of added identities are not known yet. */
  readonly after: HostState;
}

/** ARM's limit for one request. */
export const patchLimit = 150;

/** Reads `identity`, `etag` and `properties.provisioningState` of a VM or scale set; ids in any case. */
export function readHostState(resource: unknown): HostState {
  const identity = memberOf(resource, 'identity');
  const provisioningState = stringAt(memberOf(resource, 'properties'), 'provisioningState');
  const etag = stringAt(resource, 'etag');
  const entries = Object.entries(memberOf(identity, 'userAssignedIdentities') ?? {});
  return {
    present: new Map(entries.map(([id, entry]) => [canonicalResourceId(id), readEntry(entry)])),
    systemAssigned: /systemassigned/i.test(stringAt(identity, 'type')),
    ...(provisioningState !== '' && { provisioningState }),
    ...(etag !== '' && { etag }),
  };
}

function readEntry(entry: unknown): PresentIdentity {
  const clientId = stringAt(entry, 'clientId');
  const principalId = stringAt(entry, 'principalId');
  return { ...(clientId !== '' && { clientId }), ...(principalId !== '' && { principalId }) };
}

/** The entry of a deleted identity stays on the host, without ids. */
export function isDead(entry: PresentIdentity | undefined): boolean {
  return entry !== undefined && entry.clientId === undefined && entry.principalId === undefined;
}

/** Whether the last update failed: its identities are listed, but not on the machines. */
export function isFailed({ provisioningState = '' }: HostState): boolean {
  return /^(failed|cancell?ed)$/i.test(provisioningState);
}

/**
 * The net change without renewals, adds before removes. An id to be attached or renewed is not detached (C24). Identities of a failed
 * update are sent again while the host is Failed.
 */
export function stepsToChange(state: HostState, change: HostChange): readonly IdentityStep[] {
  const again = new Set(change.again?.map(canonicalResourceId));
  const attach = new Set([...change.attach.map(canonicalResourceId), ...again]);
  const kept = new Set([...attach, ...change.renew.map(canonicalResourceId)]);
  const leaving = [...change.detach, ...(change.withdraw ?? [])];
  const detach = new Set(leaving.map(canonicalResourceId).filter((id) => !kept.has(id)));
  const add = [...attach]
    .filter((id) => !state.present.has(id) || (again.has(id) && isFailed(state)))
    .map((id): IdentityStep => ({ id, kind: 'add', namespace: change.namespaces?.get(id) }));
  const remove = [...detach]
    .filter((id) => state.present.has(id))
    .map((id): IdentityStep => ({ id, kind: 'remove' }));
  return [...add, ...remove];
}

/** The currently dead ones of the entries to renew: only those may be removed and added again. */
export function deadOf(state: HostState, ids: readonly ResourceId[]): readonly ResourceId[] {
  return [...new Set(ids.map(canonicalResourceId))].filter((id) => isDead(state.present.get(id)));
}

/** The second half of a renewal: adds the removed entries. */
export function stepsToRestore(state: HostState, renewing: Iterable<ResourceId>): readonly IdentityStep[] {
  return stepsToChange(state, { attach: [...renewing], renew: [], detach: [] });
}

/** Whether the host already has the result of the step. Identities of a Failed host may be on no machine. */
export function isDone(state: HostState, step: IdentityStep): boolean {
  const isListed = state.present.has(step.id);
  return step.kind === 'add' ? isListed && !isFailed(state) : !isListed;
}

/** The request for at most `patchLimit` pending steps; ARM merges it, so other ids stay. */
export function identityPatch(state: HostState, steps: readonly IdentityStep[]): IdentityPatch {
  const present = new Map(state.present);
  for (const { id, kind } of steps) {
    if (kind === 'add') present.set(id, {});
    else present.delete(id);
  }
  const type = identityType(state.systemAssigned, present.size > 0);
  const entries = steps.map(({ id, kind }) => [id, kind === 'add' ? {} : null] as const);
  return {
    // Removing the last one needs only the type: ARM accepts no list with None or SystemAssigned.
    body: {
      identity: { type, ...(present.size > 0 && { userAssignedIdentities: Object.fromEntries(entries) }) },
    },
    after: { present, systemAssigned: state.systemAssigned },
  };
}

/** C28 and E13: MIC never removes the system-assigned identity. */
export function identityType(systemAssigned: boolean, userAssigned: boolean): IdentityType {
  if (systemAssigned) return userAssigned ? 'SystemAssigned, UserAssigned' : 'SystemAssigned';
  return userAssigned ? 'UserAssigned' : 'None';
}

/** Whether the PATCH removes all identities: the only kind that could overwrite changes of others. */
export function dropsWholeList(patch: IdentityPatch): boolean {
  return patch.body.identity.userAssignedIdentities === undefined;
}
