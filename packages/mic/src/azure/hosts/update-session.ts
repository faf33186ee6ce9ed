import type { ResourceId } from '@pod-identity/crd-types';
import type { HostFailure, UpdateOutcome } from '../../snapshot/facts/outcomes.ts';
import { unavailableDefaultMs, type ArmFailure } from '../arm/arm-errors.ts';
import type { HostCalls } from './host-calls.ts';
import {
  identityPatch,
  isDead,
  isDone,
  isFailed,
  type HostState,
  type IdentityStep,
} from './identity-patch.ts';
import {
  blockedBy,
  forgetDone,
  onlyNamespace,
  passed,
  refused,
  type Search,
  type SearchResult,
} from './isolate.ts';
import { inMotion, presenceOf, refusalOf } from './refusals.ts';
import { prepareRenewals } from './renewal.ts';
import type { Session } from './session.ts';

/** The next state of the search, or the failure of the whole host. */
export interface Next {
  readonly search: Search;
  readonly refusal?: HostFailure;
}

interface Batch {
  readonly search: Search;
  readonly batch: readonly IdentityStep[];
}

/** Sends one PATCH, charged to the host's budget and recorded before, and returns the next state of the search. */
export async function sendBatch(calls: HostCalls, session: Session, sent: Batch): Promise<Next> {
  const { host, context, state } = session;
  const { search, batch } = sent;
  const paid = calls.spend(session.spentUntil);
  if (!paid.ok) return { search, refusal: refusalOf(paid.failure) };
  session.spentUntil = paid.value;
  const unwritten = await writeDown(session, batch, paid.value);
  if (unwritten !== undefined) return { search, refusal: unwritten };
  const patch = identityPatch(state, batch);
  const { signal, mayBeSent } = context;
  const result = await calls.patch(host, { from: state, patch, mayBeSent }, signal);
  session.patches += 1;
  if (!result.ok) {
    session.throttled = result.failure.kind === 'throttled';
    if (result.refused) session.refused.push(...batch.filter(isAddition).map(({ id }) => id));
    // An earlier PATCH whose response was lost may have been executed meanwhile: a 409 can be its effect.
    session.settled = false;
    if (!result.refused) session.certain = false;
    return afterFailure(calls, session, { ...sent, failure: result.failure, begun: result.begun });
  }
  if (hasSucceeded(result.value)) session.applied.push(...batch.filter(isAddition).map(({ id }) => id));
  session.certain = result.value !== undefined;
  session.settled = session.certain;
  session.state = result.value ?? patch.after;
  return afterPassed(session, sent);
}

function afterPassed(session: Session, { search, batch }: Batch): Next {
  session.passed += 1;
  for (const step of batch) if (!isAddition(step)) session.inTheWay.delete(step.id);
  return convict(session, passed(within(session, search), batch));
}

/** Without a response the operation was followed to its successful end; an immediate response contains the result. */
function hasSucceeded(response: HostState | undefined): boolean {
  return response === undefined || (inMotion(response) === undefined && !isFailed(response));
}

/** A single namespace is searched further, within its budget of refusals and while no other work waits. */
function within(session: Session, search: Search): Search {
  const { context } = session;
  const { attempts = Infinity } = context;
  const namespace = onlyNamespace(search);
  const spent = session.refusals + (session.blamed.get(namespace ?? '') ?? 0);
  return {
    ...search,
    isWithin: namespace !== undefined && spent < attempts && context.othersWait?.() !== true,
  };
}

/** Records the intent; also the fence: without the lease this throws, and nothing is sent. */
async function writeDown(
  { context, renewing }: Session,
  batch: readonly IdentityStep[],
  spentUntil: number,
): Promise<HostFailure | undefined> {
  const attaching = batch.filter(isAddition).map(({ id }) => id);
  const taken = batch.filter((step) => !isAddition(step) && renewing.has(step.id)).map(({ id }) => id);
  try {
    await context.beforePatch(attaching, spentUntil, taken);
  } catch (error) {
    if (context.signal.aborted) return { kind: 'aborted' };
    const why = error instanceof Error ? error.message : String(error);
    return {
      kind: 'unavailable',
      message: `could not write down what is to be attached: ${why}`,
      retryAfterMs: unavailableDefaultMs,
    };
  }
  return context.signal.aborted ? { kind: 'aborted' } : undefined;
}

function isAddition({ kind }: IdentityStep): boolean {
  return kind === 'add';
}

interface FailedBatch extends Batch {
  readonly failure: ArmFailure;
  /** Whether ARM had accepted the PATCH: only ARM has its result. */
  readonly begun: boolean;
}

async function afterFailure(calls: HostCalls, session: Session, failed: FailedBatch): Promise<Next> {
  const { search, failure, begun } = failed;
  const late = begun && { late: true as const };
  switch (failure.kind) {
    case 'rejected':
      return afterRejection(calls, session, { ...failed, failure });
    case 'unavailable':
      return afterLostResponse(calls, session, { ...failed, failure });
    case 'failed':
      return { search, refusal: { ...failure, ...late } };
    case 'busy':
    case 'throttled':
    case 'gone':
    case 'denied':
    case 'aborted':
      return { search, refusal: refusalOf(failure) };
  }
}

type Rejected = Extract<ArmFailure, { kind: 'rejected' }>;

async function afterRejection(
  calls: HostCalls,
  session: Session,
  failed: FailedBatch & { readonly failure: Rejected },
): Promise<Next> {
  const { batch, failure, begun } = failed;
  session.lastRejection = failure;
  session.refusals += 1;
  let { search } = failed;
  // Identities attached in this session have no ids yet, and must not count as dead.
  if (begun || (!session.certain && failure.named.length > 0)) {
    const refusal = await lookAgain(calls, session);
    if (refusal !== undefined) return { search, refusal };
    search = forgetDone(search, (step) => isDone(session.state, step));
  }
  const blockers = failure.named.filter((id) => isDead(session.state.present.get(id)));
  // Entries with their own step are not added again.
  const ids = blockers.filter((id) => !search.pending.some((step) => step.id === id));
  const stuck = await prepareRenewals(calls, session, { ids, isInTheWay: true });
  if (stuck !== undefined) return { search, refusal: stuck };
  const blocked = blockedBy(search, batch, blockers);
  if (blocked !== undefined) return blocked;
  if (begun) return afterLateRejection(session, { search, batch, failure });
  return isHostsOwn(session, batch, failure)
    ? { search, refusal: refusalOf(failure) }
    : afterRefusal(session, { search, batch, failure });
}

function afterRefusal(session: Session, failed: Batch & { readonly failure: Rejected }): Next {
  const { search, batch, failure } = failed;
  const open = within(session, search);
  const verdict = refused(open, batch, failure.named);
  const namespace = open.isWithin === true ? onlyNamespace(search) : undefined;
  return convict(session, namespace === undefined ? verdict : { ...verdict, blamed: [namespace] });
}

/** Whether a right is missing on an identity that the host already has: none of the PATCH's identities is the cause. */
function isHostsOwn({ state }: Session, batch: readonly IdentityStep[], { code, named }: Rejected): boolean {
  const isCarried = (id: ResourceId) => state.present.has(id) && !batch.some((step) => step.id === id);
  return code === 'LinkedAuthorizationFailed' && named.length > 0 && named.every(isCarried);
}

/**
 * The host lists all identities of the failed operation, and every later update would fail again: those that ARM names are removed with
 * the next PATCH. If none of them may be removed, no part of the list is more suspect than another. The others have waited, so they come
 * first now.
 */
function afterLateRejection(
  session: Session,
  { search, batch, failure }: Batch & { readonly failure: Rejected },
): Next {
  const { named, code, message } = failure;
  const isListed = (id: ResourceId) => session.state.present.has(id);
  const offending = named.filter((id) => isListed(id) && session.context.mayComeOff?.(id) === true);
  const isOver = (step: IdentityStep) => named.includes(step.id);
  if (offending.length === 0 && !batch.some(isOver))
    return { search, refusal: { kind: 'failed', message, code, late: true } };
  for (const id of offending) session.rejected.set(id, { id, code, message });
  const next = batch.some(isOver) ? convict(session, refused(search, batch, named)) : { search };
  return blockedBy(next.search, batch, offending) ?? next;
}

/** The response was lost, but the PATCH may have been executed: the host is read before anything is sent again. */
async function afterLostResponse(
  calls: HostCalls,
  session: Session,
  failed: FailedBatch & { readonly failure: Extract<ArmFailure, { kind: 'unavailable' }> },
): Promise<Next> {
  const { search, batch, failure, begun } = failed;
  const refusal = (await lookAgain(calls, session)) ?? inMotion(session.state);
  if (refusal !== undefined) return { search, refusal };
  if (batch.every((step) => isDone(session.state, step))) return afterPassed(session, failed);
  // A failed operation is reported as such, not as the throttle that prevents the retry.
  const isHeld = begun && calls.budget(session.spentUntil, 1) !== undefined;
  if (session.resent || isHeld) return { search, refusal: { ...failure, ...(begun && { late: true }) } };
  session.resent = true;
  return { search };
}

async function lookAgain(calls: HostCalls, session: Session): Promise<HostFailure | undefined> {
  const reading = await calls.read(session.host, session.context.signal);
  session.certain = reading.ok;
  session.settled = reading.ok;
  if (!reading.ok) return refusalOf(reading.failure);
  session.state = reading.value;
  return undefined;
}

function convict(session: Session, verdict: SearchResult): Next {
  const { code, message } = session.lastRejection ?? { code: 'Unknown', message: 'rejected' };
  const { culprits, blamed, leftBehind } = verdict;
  for (const { id } of culprits) session.rejected.set(id, { id, code, message });
  for (const { id } of leftBehind) session.leftBehind.add(id);
  for (const namespace of blamed) {
    session.blamed.set(namespace, (session.blamed.get(namespace) ?? 0) + session.refusals);
    session.refusals = 0;
  }
  return { search: verdict.search };
}

/** The outcome for the caller; the host is read once more if its state is only inferred. */
export async function finish(
  calls: HostCalls,
  session: Session,
  stopped: HostFailure | undefined,
): Promise<UpdateOutcome> {
  if (isOutdated(session, stopped) && mayLook(session, stopped)) await lookAgain(calls, session);
  const { rejected, refusal, blamed } = judge(session, stopped);
  return {
    ...(session.certain && presenceOf(session.state)),
    ...(session.certain && !session.settled && { unsettled: true }),
    ...(session.refused.length > 0 && { refused: session.refused }),
    ...(session.applied.length > 0 && { applied: session.applied }),
    rejected,
    ...(refusal !== undefined && { refusal }),
    patches: session.patches,
    ...(blamed.size > 0 && { blamed }),
  };
}

/** A host that others are updating has changed since the read. */
function isOutdated({ certain, settled }: Session, stopped: HostFailure | undefined): boolean {
  return !certain || (!settled && stopped?.kind === 'busy');
}

function mayLook({ context, throttled }: Session, stopped: HostFailure | undefined): boolean {
  const isOver = stopped?.kind === 'aborted' || stopped?.kind === 'gone';
  return !context.signal.aborted && !throttled && !isOver;
}

/**
 * An unexplained refusal counts against an identity only if the host accepts others, else against the host. If only one namespace was
 * tried, its attempts do not count against the host and delay no others.
 */
function judge(session: Session, stopped: HostFailure | undefined) {
  const { rejected, blamed, lastRejection, passed: donePatches } = session;
  const all = [...rejected.values()];
  const isUnexplained = donePatches === 0 && lastRejection?.code === 'Unknown' && blamed.size !== 1;
  if (!isUnexplained) return { rejected: all, refusal: stopped, blamed };
  const { message } = lastRejection;
  const explained = all.filter((rejection) => rejection.code !== 'Unknown');
  const isHosts = explained.length < all.length || blamed.size > 0;
  const refusal: HostFailure | undefined = isHosts ? { kind: 'failed', message, code: 'Unknown' } : undefined;
  return { rejected: explained, refusal: stopped ?? refusal, blamed: new Map() };
}
