import { awaitDecision, type AwaitOptions } from './await-decision.ts';
import { awaitRight, mayBeGranted } from './await-right.ts';
import { exemptionName } from '../authorize/authorize.ts';
import { longestForMissingMs } from '../authorize/grace.ts';
import { replacesRefusal, reviewedFor } from '../authorize/refusal.ts';
import type { Decision, Refused } from '../authorize/types.ts';
import { failureOf } from '../respond/failure-of.ts';
import type { Outcome } from '../respond/outcome.ts';
import { createHangUps, type HangUps } from '../waiting/hang-ups.ts';
import { eitherOf, pacedChanges } from '../waiting/paced-changes.ts';
import { barredBy, refusedIn, withTimeForReviews } from './access-barrier.ts';
import { isOfAnother, serveByObjectId } from './by-object-id.ts';
import { followPod, type LatestPod } from './follow-pod.ts';
import { obtain, type ObtainOptions } from './obtain.ts';
import { recallAny } from './recall.ts';
import {
  machinePermit,
  permitFor,
  permitsOf,
  tenantOf,
  type GrantQuestion,
  type ReviewedQuestion,
} from './permit.ts';
import { goneOf, type WaitingQuestion } from './release.ts';
import { serveIdentity } from './serve-identity.ts';

export interface GranterOptions extends AwaitOptions, ObtainOptions {
  readonly latest: LatestPod;
}

interface InPlaceOptions extends GranterOptions {
  readonly hangUps: HangUps;
}

export interface Granter {
  /** Returns a promise only if the request has to wait. */
  grant(question: GrantQuestion): Outcome | Promise<Outcome>;
}
/** The second half of every token request: the pod is known; decides, waits if necessary, and gets the token. */
export function createGranter(options: GranterOptions): Granter {
  const { clock, tokens } = options;
  const changes = pacedChanges(eitherOf(options.changes, tokens.changes), clock);
  const inPlace: InPlaceOptions = { ...options, changes, hangUps: createHangUps(clock) };
  return {
    grant(question) {
      const decision = options.authorizer.decide(question.pod, question.request.selector);
      return recallAny(options, question, decision) ?? serveInPlace(inPlace, question, decision);
    },
  };
}

const nothingRefused: Refused = new Set();
/** How often a request begins again when a token was not released since the decision is another one by then. */
const mostRestarts = 2;

/** Serves a request that may have to wait. */
async function serveInPlace(
  options: InPlaceOptions,
  question: GrantQuestion,
  decision: Decision,
): Promise<Outcome> {
  const { clock, hangUps, limits } = options;
  const { pod, patience } = question;
  const place = limits.enter(tenantOf(pod), patience.caller);
  if (!place) return { kind: 'overloaded', pod: pod.key };
  const startedAt = clock.elapsed();
  const { receivedAt = startedAt } = patience.caller;
  try {
    const deadline = Math.min(patience.deadline, receivedAt + hangUps.longestWaitMs(pod.uid));
    const waiting: WaitingQuestion = {
      ...withTimeForReviews({ ...question, patience: { deadline, caller: { gone: place.ended } } }, clock),
      missingUntil: startedAt + longestForMissingMs,
      current: followPod(pod, options.latest),
      refused: nothingRefused,
    };
    const outcome = await serveLatest(options, waiting, decision);
    return place.isLost && outcome.kind !== 'token' ? { kind: 'overloaded', pod: pod.key } : outcome;
  } finally {
    place.leave();
    if (patience.caller.gone.aborted) hangUps.note(pod.uid, clock.elapsed() - receivedAt);
  }
}

/** A request whose token did not leave is served by the decision of now. None is requested beyond its deadline. */
async function serveLatest(
  options: GranterOptions,
  question: WaitingQuestion,
  first: Decision,
): Promise<Outcome> {
  let outcome = await serveAllowed(options, question, first);
  for (let restarts = 0; outcome.kind === 'rights-changed' && restarts < mostRestarts; restarts += 1) {
    const pod = question.current();
    if (!pod) return goneOf(question);
    const decision = options.authorizer.decide(pod, question.request.selector);
    if (permitsOf(decision).length > 0 && options.clock.elapsed() >= question.patience.deadline)
      return outcome;
    outcome = await serveAllowed(options, withTimeForReviews({ ...question, pod }, options.clock), decision);
  }
  return outcome;
}

/** A fresh pod for which nothing but a right is missing waits for it as for a binding. */
async function serveAllowed(
  options: GranterOptions,
  question: WaitingQuestion,
  first: Decision,
): Promise<Outcome> {
  let [waiting, decision] = [question, first];
  for (;;) {
    const { outcome, refused } = await serveUnrefused(options, waiting, decision);
    if (refused === undefined || !mayBeGranted(options, waiting, outcome)) return outcome;
    const hasWaited = await awaitRight(options, waiting, refused);
    if (!hasWaited) return { ...outcome, kind: 'not-assigned', seen: 'unbound' };
    const pod = waiting.current();
    if (!pod) return goneOf(waiting);
    waiting = { ...withTimeForReviews(waiting, options.clock), pod };
    decision = options.authorizer.decide(pod, waiting.request.selector);
  }
}

interface Served {
  readonly outcome: Outcome;
  /** What counts as not bound, if nothing else is left. */
  readonly refused?: Refused;
}

/**
 * What the ServiceAccount may not use counts as not bound: the decision is made again without it. When nothing is left, the denial
 * of the identity that was meant first is told.
 */
async function serveUnrefused(
  options: GranterOptions,
  question: WaitingQuestion,
  first: Decision,
): Promise<Served> {
  const refused = new Set<string>();
  let decision = first;
  let told: Outcome | undefined;
  for (;;) {
    const { outcome, isOfAll } = await serve(options, { ...question, refused: new Set(refused) }, decision);
    if (isOfAll) return { outcome: toldOfAll(outcome, told), refused: nothingRefused };
    const name = refusedIn(outcome);
    if (name === undefined || refused.has(name)) return { outcome };
    if (told === undefined || refusedIn(told) === exemptionName) told = outcome;
    refused.add(name);
    const pod = question.current();
    if (!pod) return { outcome: goneOf(question) };
    decision = options.authorizer.decide(pod, question.request.selector, refused);
    if (!replacesRefusal(decision)) return { outcome: told, refused };
  }
}

/** None of the identities that are left has the object id: one that was refused may have it. */
function toldOfAll(outcome: Outcome, told: Outcome | undefined): Outcome {
  const isRefused = told !== undefined && refusedIn(told) !== exemptionName;
  return isRefused && isOfAnother(outcome) ? told : outcome;
}

interface ServedOnce {
  readonly outcome: Outcome;
  /** By object id: it is the outcome of all identities that the decision was about, not of one of them. */
  readonly isOfAll: boolean;
}

/** A missing object is waited for first, unless the ServiceAccount may not use what the request can mean. */
async function serve(
  options: GranterOptions,
  question: WaitingQuestion,
  first: Decision,
): Promise<ServedOnce> {
  const barred = first.kind === 'allow' ? undefined : await firstBarred(options, question, first);
  if (barred) return { outcome: barred, isOfAll: false };
  const startedAt = options.clock.elapsed();
  const judged = await awaitDecision(options, question, first);
  if (!judged) return { outcome: goneOf(question), isOfAll: false };
  const { isSettled, decision } = judged;
  const hasWaited = options.clock.elapsed() > startedAt;
  const waited = hasWaited ? withTimeForReviews(question, options.clock) : question;
  const outcome: Outcome = isSettled
    ? await serveSettled(options, waited, decision)
    : { kind: 'not-assigned', pod: question.pod.key, seen: 'unbound', denial: decision.denial };
  return { outcome, isOfAll: decision.kind === 'allow-by-object-id' };
}

/** What is told if the ServiceAccount may not use one of the identities that the decision is about. */
async function firstBarred(
  options: GranterOptions,
  question: ReviewedQuestion,
  decision: Decision,
): Promise<Outcome | undefined> {
  for (const identity of reviewedFor(decision)) {
    const barred = await barredBy(options, question, permitFor(identity));
    if (barred) return barred;
  }
  return undefined;
}

async function serveSettled(
  options: GranterOptions,
  question: WaitingQuestion,
  decision: Decision,
): Promise<Outcome> {
  switch (decision.kind) {
    case 'allow':
      return serveIdentity(options, question, decision);
    case 'allow-by-object-id':
      return serveByObjectId(options, question, decision);
    case 'pass-through':
      return obtain(options, question, machinePermit(decision));
    case 'deny':
      return (await firstBarred(options, question, decision)) ?? failureOf(decision, question.pod.key);
    case 'unusable':
      return failureOf(decision, question.pod.key);
  }
}
