// No pod gets a token of an identity that it may not use, or of another one than it asked for, and each response has the client id of its
// token.
import type { Ask, Disturbance, History, Violation } from './history.ts';
import { createTruth, type Span } from './truth.ts';

/** How old NMI's view of labels, bindings and identities may be without faults. */
const rightsMs = 5_000;
/** A verdict on a right counts for 5 s (`--access-max-age`); a little more on a busy machine. */
const verdictMs = 7_000;
/** The default of `--access-grace`: so long a right counts while the API server does not respond. */
const graceMs = 600_000;
/** How long after the end of a disturbance the view may still be that old: 6 s are promised. */
const recoveryMs = 8_000;
/** A half-open watch is noticed within 90 seconds of its last byte; on a busy machine a little later. */
const halfOpenMs = 95_000;

export function judgeTokens(history: History): Violation[] {
  const truth = createTruth(history.changes);
  return history.asks.flatMap((ask) => {
    if (ask.token === undefined) return [];
    const violation = (what: string): Violation => ({ at: ask.at, rule: 'token', what });
    if (ask.clientId !== ask.token.clientId)
      return violation(
        `the answer to ${ask.address} says client id ${ask.clientId ?? ''}, its token ${ask.token.clientId}`,
      );
    const another = mistaken(ask);
    if (another !== undefined) return violation(another);
    const holders = holdersOf(ask, history);
    const rights = { from: rightsFrom(ask, history) - verdictMs, to: ask.endedAt };
    const span = rightsSpan(ask, history.disturbances);
    const { resourceId } = ask.token;
    const isPermitted = holders.some((pod) => {
      const permitted = truth.permitted(pod, span, rights);
      return permitted === 'all' || permitted.has(resourceId.toLowerCase());
    });
    if (isPermitted) return [];
    const who = holders.length === 0 ? 'nobody' : holders.join(' or ');
    return violation(
      `${ask.address} on ${ask.node}, which is ${who}, got a token of ${resourceId} ` +
        `that it was not allowed to have at any time in the ${span.to - span.from} ms before the answer`,
    );
  });
}

function mistaken({ asked, token, address }: Ask): string | undefined {
  if (asked === undefined || token === undefined) return undefined;
  const [wanted, given] =
    'clientId' in asked ? [asked.clientId, token.clientId] : [asked.resourceId, token.resourceId];
  if (wanted.toLowerCase() === given.toLowerCase()) return undefined;
  return `${address} asked for ${wanted} and got a token of ${given}`;
}

/** Pods that had the address during the call; earlier ones do not count. */
function holdersOf({ address, at, endedAt }: Ask, { addresses }: History): string[] {
  const own = addresses.filter((change) => change.address === address);
  return own
    .filter((change, position) => change.at <= endedAt && (own[position + 1]?.at ?? Infinity) >= at)
    .flatMap(({ pod }) => pod ?? []);
}

/** The span whose rights NMI may apply: longer during and shortly after a time without updates. */
function rightsSpan({ at, endedAt }: Ask, disturbances: readonly Disturbance[]): Span {
  return { from: keptFrom(at, disturbances) - rightsMs, to: endedAt };
}

/** Since when NMI may have had no response about a right. A half-open watch does not keep it from asking. */
function rightsFrom({ at }: Ask, { disturbances }: History): number {
  const silent = disturbances.filter(({ kind }) => kind !== 'watches-half-open');
  return Math.max(keptFrom(at, silent), at - graceMs);
}

/** Since when NMI may have had no updates. A disturbance that begins before an earlier one had to be over counts as part of it. */
function keptFrom(at: number, disturbances: readonly Disturbance[]): number {
  const begun = disturbances.filter((one) => one.startedAt < at && at <= endOf(one));
  return begun.length === 0
    ? at
    : keptFrom(Math.min(...begun.map(({ startedAt }) => startedAt)), disturbances);
}

function endOf({ kind, startedAt, endedAt }: Disturbance): number {
  return kind === 'watches-half-open' ? startedAt + halfOpenMs : endedAt + recoveryMs;
}
