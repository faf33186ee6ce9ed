import { refusedBy, exemptionName, type MissingRight, type Needed } from './missing-right.ts';
import { replacesRefusal, reviewedFor } from './refusal.ts';
import type { Decision, Refused } from './types.ts';

export interface Decided {
  /** While nothing was refused. */
  readonly first: Decision;
  readonly decision: Decision;
  /** What counts as not bound, since the ServiceAccount may not use it. */
  readonly refused: Refused;
  /** The outcome, since a right that decides is missing or not known. */
  readonly lack?: MissingRight;
}

/** Yields each right to be reviewed, and is given what its lack would mean; undefined: it is there. */
type Deciding = Generator<Needed, Decided | undefined, MissingRight | undefined>;

/**
 * Decides with the rights that the decision needs. What the ServiceAccount may not use counts as not bound: it is decided again without
 * it, and if nothing is left, the first refusal is the outcome. The agent and `explain` both decide by this. Undefined: `decide`
 * found that the pod is gone.
 */
export function* decideWithRights(decide: (refused: Refused) => Decision | undefined): Deciding {
  const refused = new Set<string>();
  /** The first refusal for lack of a right. */
  let lacking: MissingRight | undefined;
  let first: Decision | undefined;
  for (;;) {
    const decision = decide(refused);
    if (!decision) return undefined;
    first ??= decision;
    const decided = { first, decision, refused };
    if (lacking && !replacesRefusal(decision)) return { ...decided, lack: lacking };
    const lack = yield* firstLack(decision);
    if (!lack) return decided;
    const name = refusedBy(lack);
    if (name === undefined || refused.has(name)) return { ...decided, lack };
    lacking = meantFirst(lacking, lack);
    refused.add(name);
  }
}

/** By object id, each identity is reviewed when its token is requested. */
function* firstLack(
  decision: Decision,
): Generator<Needed, MissingRight | undefined, MissingRight | undefined> {
  for (const needed of reviewedFor(decision)) {
    const lack = yield needed;
    if (lack) return lack;
  }
  return undefined;
}

function meantFirst(before: MissingRight | undefined, lack: MissingRight): MissingRight {
  return !before || refusedBy(before) === exemptionName ? lack : before;
}
