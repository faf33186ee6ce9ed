// Dead entries are removed from a host and added again, so that Azure resolves them. They may be of others: an entry is removed only if
// it can be added again, and is recorded before. plan/host-changes.ts decides which (`renew`), and adds again what is not there any more.
import type { ResourceId } from '@pod-identity/crd-types';
import type { HostFailure } from '../../snapshot/facts/outcomes.ts';
import type { Attachable } from './attachable.ts';
import type { HostCalls } from './host-calls.ts';
import { deadOf, patchLimit, stepsToRestore, type IdentityStep } from './identity-patch.ts';
import { refusalOf } from './refusals.ts';
import type { Session } from './session.ts';

export interface StepRunner {
  carryOut(session: Session, steps: readonly IdentityStep[]): Promise<HostFailure | undefined>;
}

interface Renewals {
  readonly ids: readonly ResourceId[];
  readonly runner: StepRunner;
}

/** Remove and add. */
const halves = 2;

/** At most `patchLimit` at a time. Blocking entries of earlier PATCHes of the session are added again as well. */
export async function renewEntries(
  calls: HostCalls,
  session: Session,
  { ids, runner }: Renewals,
): Promise<HostFailure | undefined> {
  for (let left = deadOf(session.state, ids); ; left = left.slice(patchLimit)) {
    const wanted = left.slice(0, patchLimit);
    const refusal =
      (await prepareRenewals(calls, session, { ids: wanted, isInTheWay: false })) ??
      (await runner.carryOut(session, removals(session, wanted))) ??
      (await runner.carryOut(session, restorals(session)));
    if (refusal !== undefined || left.length <= patchLimit) return refusal;
  }
}

function removals({ renewing }: Session, ids: readonly ResourceId[]): readonly IdentityStep[] {
  return ids.filter((id) => renewing.has(id)).map((id): IdentityStep => ({ id, kind: 'remove' }));
}

function restorals({ state, renewing, rejected }: Session): readonly IdentityStep[] {
  const due = [...renewing].flatMap(([id, when]) => (when === 'now' && !rejected.has(id) ? id : []));
  return stepsToRestore(state, due);
}

interface Prepared {
  readonly ids: readonly ResourceId[];
  /** Whether ARM refuses every update while these are on the host. */
  readonly isInTheWay: boolean;
}

/**
 * Checks before dead entries are removed that each can be added again, and that the budget covers both halves. Others stay and count as
 * rejected. A blocking entry of a missing identity is removed nevertheless, and added again if the identity is recreated; without the
 * right to add it, the host refuses as a whole.
 */
export async function prepareRenewals(
  calls: HostCalls,
  session: Session,
  { ids, isInTheWay }: Prepared,
): Promise<HostFailure | undefined> {
  const results = new Map<ResourceId, Attachable>();
  for (const id of ids) results.set(id, await calls.attachable(id, session.context.signal));
  if (session.context.signal.aborted) return { kind: 'aborted' };
  const hindrance = (isInTheWay ? admit : reject)(session, results);
  if (hindrance !== undefined) return hindrance;
  const begun = [...results].filter(([, { kind }]) => kind === 'attachable' || isInTheWay);
  const lacking = begun.length > 0 ? calls.budget(session.spentUntil, halves) : undefined;
  if (lacking !== undefined) return refusalOf(lacking);
  for (const [id, { kind }] of begun) session.renewing.set(id, kind === 'attachable' ? 'now' : 'later');
  return undefined;
}

type AttachableResults = ReadonlyMap<ResourceId, Attachable>;

function admit({ inTheWay }: Session, results: AttachableResults): HostFailure | undefined {
  const refused = [...results.values()].find((response) => response.kind === 'refused');
  if (refused === undefined) for (const id of results.keys()) inTheWay.add(id);
  return refused && { kind: 'failed', message: refused.rejection.message, code: refused.rejection.code };
}

function reject({ rejected }: Session, results: AttachableResults): undefined {
  for (const [id, response] of results) {
    if (response.kind !== 'attachable') rejected.set(id, response.rejection);
  }
}
