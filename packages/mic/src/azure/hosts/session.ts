import type { Host, ResourceId } from '@pod-identity/crd-types';
import type { UpdateContext } from '../../apply/host-identities.ts';
import type { Rejection } from '../../snapshot/facts/outcomes.ts';
import type { ArmFailure } from '../arm/arm-errors.ts';
import type { HostState } from './identity-patch.ts';

/** One update of one host, as it goes along. */
export interface Session {
  readonly host: Host;
  readonly context: UpdateContext;
  /** The host as far as is known: as read, or as a PATCH that passed must have made it. */
  state: HostState;
  /** Whether `state` is from ARM itself, client ids and all. */
  certain: boolean;
  /** Whether `state` tells what became of every PATCH so far. */
  settled: boolean;
  patches: number;
  /** PATCHes that ARM carried out. */
  passed: number;
  /** A PATCH whose answer was lost goes out once more, not for ever. */
  resent: boolean;
  lastRejection: Extract<ArmFailure, { kind: 'rejected' }> | undefined;
  readonly rejected: Map<ResourceId, Rejection>;
  /** Dead entries that are taken off in order to be put back: in this update, or once there is such an identity again. */
  readonly renewing: Map<ResourceId, 'now' | 'later'>;
  /** Of those: the ones that ARM refuses every update for, as long as they are on the host. */
  readonly inTheWay: Set<ResourceId>;
  /** For each PATCH that ARM certainly did not take: the ids that it was to attach. */
  readonly refused: ResourceId[];
  /** What PATCHes added whose operations succeeded. */
  readonly applied: ResourceId[];
  /** Refused PATCHes that are not put down to anybody yet. */
  refusals: number;
  readonly blamed: Map<string, number>;
  /** Steps of a blamed namespace among which a bad one is. */
  readonly leftBehind: Set<ResourceId>;
}

export function startSession(host: Host, context: UpdateContext, state: HostState): Session {
  return {
    host,
    context,
    state,
    certain: true,
    settled: true,
    patches: 0,
    passed: 0,
    resent: false,
    lastRejection: undefined,
    rejected: new Map(),
    renewing: new Map(),
    inTheWay: new Set(),
    refused: [],
    applied: [],
    refusals: 0,
    blamed: new Map(),
    leftBehind: new Set(),
  };
}
