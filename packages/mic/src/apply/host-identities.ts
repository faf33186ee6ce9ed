// The port to Azure: reads and changes a host's identities. Implemented in azure/.
import type { Host, ResourceId } from '@pod-identity/crd-types';
import type { HostChange, ReadOutcome, UpdateOutcome } from '../snapshot/facts/outcomes.ts';

export interface UpdateContext {
  readonly signal: AbortSignal;
  readonly spentUntil?: number;
  /** Whether MIC still leads; called right before each PATCH is sent. */
  readonly mayBeSent?: () => boolean;
  /** Limit of refused PATCHes to isolate bad identities of one namespace. */
  readonly attempts?: number;
  /** Whether other work for the host has precedence. */
  othersWait?(): boolean;
  /** Whether MIC attached it by an update that is not known to have succeeded: it may be detached again. */
  mayComeOff?(id: ResourceId): boolean;
  beforePatch(
    attaching: readonly ResourceId[],
    spentUntil: number,
    renewing?: readonly ResourceId[],
  ): Promise<void>;
}

export interface HostIdentities {
  read(host: Host, signal: AbortSignal): Promise<ReadOutcome>;
  /**
   * Reads the host, sends the net change (none: no PATCH), isolates rejected identities, follows the operation. Before each PATCH and
   * retry `beforePatch` is called with the ids to attach, the remaining budget of the host, and the dead entries that are removed and added
   * again: it records them durably, and throws or rejects if writing or leadership fails; nothing is sent then. `spentUntil` is the budget
   * in the host's record.
   */
  update(host: Host, change: HostChange, context: UpdateContext): Promise<UpdateOutcome>;
}
