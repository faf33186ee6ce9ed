import { canonicalResourceId, type ResourceId } from '@pod-identity/crd-types';
import type { HostChange } from '../../snapshot/facts/outcomes.ts';
import type { PresentIdentity } from '../../snapshot/facts/facts.ts';
import { memberOf, stringAt } from '../../snapshot/raw-object.ts';

/** A VM or scale set as far as its identities go. */
export interface HostState {
  readonly present: ReadonlyMap<ResourceId, PresentIdentity>;
  readonly systemAssigned: boolean;
  readonly provisioningState?: string;
  /** Compute's version mark of the resource; older api-versions have none. */
  readonly etag?: string;
}

type IdentityType = 'None' | 'SystemAssigned' | 'UserAssigned' | 'SystemAssigned, UserAssigned';

/** One step: an identity put on the host, or taken off it. */
export interface IdentityStep {
  readonly id: ResourceId;
  readonly kind: 'add' | 'remove';
  /** Who answers for an add. */
  readonly namespace?: string | undefined;
}

export interface IdentityPatch {
  readonly body: {
    readonly identity: {
      readonly type: IdentityType;
      readonly userAssignedIdentities?: Readonly<Record<string, Readonly<Record<string, never>> | null>>;
    };
  };
  /** The host when ARM has done it. Client ids of what was added are not known yet. */
  readonly after: HostState;
}

/** ARM refuses longer lists in one request. */
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

/** An entry whose identity was deleted keeps its place on the host, with neither id. */
export function isDead(entry: PresentIdentity | undefined): boolean {
  return entry !== undefined && entry.clientId === undefined && entry.principalId === undefined;
}

/** Its last update has failed: what that one added is listed, and not on the machines. */
export function isFailed({ provisioningState = '' }: HostState): boolean {
  return /^(failed|cancell?ed)$/i.test(provisioningState);
}

/**
 * The net change but for renewals, adds before removes. An id that is to be attached or renewed is not detached (C24). What a
 * failed update has added is named once more while the host is Failed.
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

/** What is dead at this moment, of what is to be renewed: only that is ever taken off in order to be put back. */
export function deadOf(state: HostState, ids: readonly ResourceId[]): readonly ResourceId[] {
  return [...new Set(ids.map(canonicalResourceId))].filter((id) => isDead(state.present.get(id)));
}

/** The second half of a renewal: those that are off go back on. */
export function stepsToRestore(state: HostState, renewing: Iterable<ResourceId>): readonly IdentityStep[] {
  return stepsToChange(state, { attach: [...renewing], renew: [], detach: [] });
}

/** Whether the host already is as the step wants it. What a Failed host lists may be on no machine. */
export function isDone(state: HostState, step: IdentityStep): boolean {
  const isListed = state.present.has(step.id);
  return step.kind === 'add' ? isListed && !isFailed(state) : !isListed;
}

/** The request for some steps that are not done yet, at most `patchLimit`; it merges, so unnamed ids stay. */
export function identityPatch(state: HostState, steps: readonly IdentityStep[]): IdentityPatch {
  const present = new Map(state.present);
  for (const { id, kind } of steps) {
    if (kind === 'add') present.set(id, {});
    else present.delete(id);
  }
  const type = identityType(state.systemAssigned, present.size > 0);
  const entries = steps.map(({ id, kind }) => [id, kind === 'add' ? {} : null] as const);
  return {
    // With the last one gone the type alone says so: ARM accepts no list beside None or SystemAssigned.
    body: {
      identity: { type, ...(present.size > 0 && { userAssignedIdentities: Object.fromEntries(entries) }) },
    },
    after: { present, systemAssigned: state.systemAssigned },
  };
}

/** C28 and E13: the system-assigned part is never ours to drop. */
export function identityType(systemAssigned: boolean, userAssigned: boolean): IdentityType {
  if (systemAssigned) return userAssigned ? 'SystemAssigned, UserAssigned' : 'SystemAssigned';
  return userAssigned ? 'UserAssigned' : 'None';
}

/** Names everything the host carries as gone: the only request that others' changes could be lost in. */
export function dropsWholeList(patch: IdentityPatch): boolean {
  return patch.body.identity.userAssignedIdentities === undefined;
}
