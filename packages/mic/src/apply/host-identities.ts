// What applying a plan needs from Azure: read a host's identities and change them. Implemented in azure/. Types only.
import type { Host, ResourceId } from '@pod-identity/crd-types';
import type { HostChange, ReadOutcome, UpdateOutcome } from '../snapshot/facts/outcomes.ts';

export interface UpdateContext {
  readonly signal: AbortSignal;
  readonly spentUntil?: number;
  /** Whether MIC still leads, asked right before each PATCH is sent. */
  readonly mayBeSent?: () => boolean;
  /** So many refused PATCHes may be spent on sorting out what one namespace asked for. */
  readonly attempts?: number;
  /** Whether something else of the host's has come up meanwhile: then that goes first. */
  othersWait?(): boolean;
  /** MIC's own, and on the host by an update that is not known to have succeeded: it may come off again. */
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
   * Reads the host, sends the net change (none: no PATCH), isolates rejected identities, follows the operation.
   * `beforePatch` is called with the ids that this PATCH will newly attach, with what it leaves of the host's budget, and
   * with the dead entries that it takes off in order to put them back; and again before every retry: it writes them down
   * durably and throws or rejects when writing or leadership fails, in which case nothing is sent. `spentUntil` is the
   * budget as the host's record has it.
   */
  update(host: Host, change: HostChange, context: UpdateContext): Promise<UpdateOutcome>;
}
