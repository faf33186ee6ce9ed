import type { HostFailure, HostReading } from '../../snapshot/facts/outcomes.ts';
import type { ArmFailure } from '../arm/arm-errors.ts';
import { isDead, isFailed, type HostState } from './identity-patch.ts';

/** The failure of the host if no identity is the cause. */
export function refusalOf(failure: ArmFailure): HostFailure {
  if (failure.kind !== 'rejected') return failure;
  return { kind: 'failed', message: failure.message, code: failure.code };
}

/** The failure of a host that is being deleted or updated by others, when no PATCH is sent; else undefined. */
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

/** The usable identities of the host. While it is being updated, an entry without ids is being attached, not dead. */
export function presenceOf(state: HostState): Omit<HostReading, 'kind' | 'provisioningState'> {
  if (inMotion(state) === undefined)
    return { present: state.present, ...(isFailed(state) && { failed: true }) };
  const usable = [...state.present].filter(([, entry]) => !isDead(entry));
  return { present: new Map(usable), unsettled: true };
}
