// No pod has a token that it may not have, and no answer says something else than its token.
import type { Ask, Disturbance, History, Violation } from './history.ts';
import { createTruth, type Span } from './truth.ts';

/** How old NMI's knowledge of labels, bindings and identities may be while nothing is wrong. */
const rightsMs = 5_000;
/** How long after a disturbance has ended it may still be as old as the disturbance: 6 s are promised. */
const recoveryMs = 8_000;
/** A half-open watch is noticed within 30 seconds of its last word; on a busy machine a little later. */
const halfOpenMs = 35_000;

export function judgeTokens(history: History): Violation[] {
  const truth = createTruth(history.changes);
  return history.asks.flatMap((ask) => {
    if (ask.token === undefined) return [];
    const violation = (what: string): Violation => ({ at: ask.at, rule: 'token', what });
    if (ask.clientId !== ask.token.clientId)
      return violation(
        `the answer to ${ask.address} says client id ${ask.clientId ?? ''}, its token ${ask.token.clientId}`,
      );
    const wearers = wearersOf(ask, history);
    const span = rightsSpan(ask, history.disturbances);
    const { resourceId } = ask.token;
    const isPermitted = wearers.some((pod) => {
      const permitted = truth.permitted(pod, span);
      return permitted === 'all' || permitted.has(resourceId.toLowerCase());
    });
    if (isPermitted) return [];
    const who = wearers.length === 0 ? 'nobody' : wearers.join(' or ');
    return violation(
      `${ask.address} on ${ask.node}, which is ${who}, got a token of ${resourceId} ` +
        `that it might not have at any moment of the ${span.to - span.from} ms before the answer`,
    );
  });
}

/** Pods that had the address while the call was under way. No memory excuses an older one. */
function wearersOf({ address, at, endedAt }: Ask, { addresses }: History): string[] {
  const own = addresses.filter((change) => change.address === address);
  return own
    .filter((change, position) => change.at <= endedAt && (own[position + 1]?.at ?? Infinity) >= at)
    .flatMap(({ pod }) => pod ?? []);
}

/** The time whose rights may be what NMI knows: longer while, and shortly after, news was kept from it. */
function rightsSpan({ at, endedAt }: Ask, disturbances: readonly Disturbance[]): Span {
  return { from: keptFrom(at, disturbances) - rightsMs, to: endedAt };
}

/** Since when news may have been kept from NMI. Disturbances that begin before it had to be over earlier ones count as one. */
function keptFrom(at: number, disturbances: readonly Disturbance[]): number {
  const begun = disturbances.filter((one) => one.startedAt < at && at <= endOf(one));
  return begun.length === 0
    ? at
    : keptFrom(Math.min(...begun.map(({ startedAt }) => startedAt)), disturbances);
}

function endOf({ kind, startedAt, endedAt }: Disturbance): number {
  return kind === 'watches-half-open' ? startedAt + halfOpenMs : endedAt + recoveryMs;
}
