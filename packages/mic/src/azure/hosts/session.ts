import type { Host, ResourceId } from '@pod-identity/crd-types';
import type { UpdateContext } from '../../apply/host-identities.ts';
import type { Rejection } from '../../snapshot/facts/outcomes.ts';
import type { ArmFailure } from '../arm/arm-errors.ts';
import type { HostState } from './identity-patch.ts';

/** The state of one update of one host. */
export interface Session {
  readonly host: Host;
  readonly context: UpdateContext;
  /** The host as read, or as inferred from successful PATCHes. */
  state: HostState;
  /** Whether `state` was read from ARM, with client ids. */
  certain: boolean;
  /** Whether `state` includes the results of all PATCHes. */
  settled: boolean;
  patches: number;
  /** The used budget of the host. */
  spentUntil: number;
  /** Whether ARM has asked to wait. */
  throttled: boolean;
  /** Successful PATCHes. */
  passed: number;
  /** A PATCH whose response was lost is sent once more only. */
  resent: boolean;
  lastRejection: Extract<ArmFailure, { kind: 'rejected' }> | undefined;
  readonly rejected: Map<ResourceId, Rejection>;
  /** Dead entries to remove and add again: in this update, or when the identity exists again. */
  readonly renewing: Map<ResourceId, 'now' | 'later'>;
  /** Those of them that make ARM refuse every update. */
  readonly inTheWay: Set<ResourceId>;
  /** The ids to attach of all PATCHes that ARM certainly did not execute. */
  readonly refused: ResourceId[];
  /** The ids added by successful operations. */
  readonly applied: ResourceId[];
  /** Refused PATCHes that are not charged to a namespace yet. */
  refusals: number;
  readonly blamed: Map<string, number>;
  /** Steps of a blamed namespace with a bad one among them. */
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
    spentUntil: context.spentUntil ?? 0,
    throttled: false,
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
