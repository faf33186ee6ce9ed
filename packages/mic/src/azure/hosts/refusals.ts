import type { ResourceId } from '@pod-identity/crd-types';
import type { HostFailure } from '../../snapshot/facts/outcomes.ts';
import type { PresentIdentity } from '../../snapshot/facts/facts.ts';
import type { ArmFailure } from '../arm/arm-errors.ts';
import { isDead, isFailed, type HostState } from './identity-patch.ts';

/** What a failure means where no identity can be blamed for it. */
export function refusalOf(failure: ArmFailure): HostFailure {
  if (failure.kind !== 'rejected') return failure;
  return { kind: 'failed', message: failure.message, code: failure.code };
}

/** A host that is being deleted, or changed by somebody else: a PATCH would only fight that. */
export function inMotion(state: HostState): HostFailure | undefined {
  switch (state.provisioningState?.toLowerCase() ?? '') {
    case 'deleting':
      return { kind: 'gone', message: 'the host is being deleted' };
    case 'creating':
    case 'migrating':
    case 'updating':
      return { kind: 'busy', message: `the host is ${state.provisioningState ?? ''}`, retryAfterMs: 0 };
    default:
      return undefined;
  }
}

interface Presence {
  readonly present: ReadonlyMap<ResourceId, PresentIdentity>;
  readonly unsettled?: true;
  readonly failed?: true;
}

/** What can be used of what the host carries. While it is in motion, an entry without ids is one on its way, not a dead one. */
export function presenceOf(state: HostState): Presence {
  if (inMotion(state) === undefined)
    return { present: state.present, ...(isFailed(state) && { failed: true }) };
  const usable = [...state.present].filter(([, entry]) => !isDead(entry));
  return { present: new Map(usable), unsettled: true };
}
