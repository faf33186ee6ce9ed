import { createBackoff } from '@pod-identity/kit/core';
import { KubeError, type LeaderTerm } from '@pod-identity/kit/kube';
import type { Ambient } from '@pod-identity/kit/serve';
import type { AssignmentsApplier } from '../apply/apply-assignments.ts';
import { createAssignedIdentityReader } from '../apply/assigned-identity-reader.ts';
import { Mirror } from '../apply/mirror.ts';
import { planRemoval } from '../plan/plan.ts';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { AssignedView } from '../snapshot/views.ts';
import { createAssignments } from './appliers.ts';
import type { TermParts } from './parts.ts';

export interface Mirrored extends MirrorLoop {
  readonly mirror: Mirror;
  readonly assignments: AssignmentsApplier;
}

/** To be called at the start of a term. */
export function startMirror(parts: TermParts): Mirrored {
  const { transport, index } = parts;
  const mirror = new Mirror(index, createAssignedIdentityReader(transport));
  const assignments = createAssignments(parts, mirror);
  return { mirror, assignments, ...keepMirror({ ...parts, mirror, assignments }) };
}

export interface MirrorLoopOptions extends Ambient {
  readonly mirror: Pick<Mirror, 'walk'>;
  readonly assignments: Pick<AssignmentsApplier, 'apply'>;
  readonly index: ClusterIndex;
  readonly term: Pick<LeaderTerm, 'signal'>;
}

/** After the start of a term, for late writes of the last leader. */
export const soonMs = 10_000;
/** A list of 10,000 objects costs the API server 200 small pages. */
export const walkMs = 10 * 60_000;
/** The longest delay of a term's first decision: an object that MIC does not know yet is read when it would be written. */
export const mostDelayMs = 10_000;

const failed = 'not all AzureAssignedIdentities could be read';

export interface MirrorLoop {
  /** Resolves when the objects have been listed once, or after `mostDelayMs`. */
  readonly ready: Promise<void>;
  /** Resolves when the term is over. */
  readonly ended: Promise<void>;
}

/**
 * Loop: lists the AzureAssignedIdentities, has those written again that others deleted or edited, and removes what nobody needs, not in the
 * first list.
 */
export function keepMirror(options: MirrorLoopOptions): MirrorLoop {
  const { clock, term } = options;
  const listed = Promise.withResolvers<undefined>();
  const delay = clock.after(mostDelayMs, () => listed.resolve(undefined));
  const onEnd = () => {
    delay.cancel();
    listed.resolve(undefined);
  };
  term.signal.addEventListener('abort', onEnd, { once: true });
  return { ready: listed.promise, ended: walkOnAndOn(options, onEnd) };
}

async function walkOnAndOn(options: MirrorLoopOptions, onListed: () => void): Promise<void> {
  const { mirror, assignments, index, clock, random, log } = options;
  const { signal } = options.term;
  const isOver = () => signal.aborted;
  const backoff = createBackoff({ baseMs: 1_000, capMs: 2 * 60_000, random });
  // What fails is left to the next list.
  const remove = (views: readonly AssignedView[]) =>
    assignments.apply(planRemoval(index, views), undefined, new Map());
  for (let isFirst = true; !isOver(); isFirst = false) {
    let pauseMs = soonMs;
    try {
      await mirror.walk(signal, isFirst ? undefined : remove);
      if (!isFirst) pauseMs = walkMs * (0.9 + 0.2 * random());
      backoff.reset();
      onListed();
    } catch (error) {
      if (isOver()) return;
      pauseMs = backoff.next();
      if (error instanceof KubeError) log.warn({ why: error.message, againInMs: pauseMs }, failed);
      else log.error({ error, againInMs: pauseMs }, failed);
    }
    await clock.sleep(pauseMs, signal).catch(() => undefined);
  }
}
