// Room: which pod sent a request: by its address, in memory and as the API server confirms it.
// It must not know identities, bindings or tokens.
import { awaitChange, type Changes, type Patience } from '../waiting/await-change.ts';
import type { CallerConnection } from './caller-connection.ts';
import { isTold, type CallerAnswer } from './answers.ts';
import { createHolderQuestion, type HolderOptions } from './ask-holder.ts';
import { createFindings, holdersOf, type Findings, type Found, type Look } from './findings.ts';
import { identifyPod, type Identification } from './identify-pod.ts';
import { stillHasAddress, unconfirmed } from './judge-caller.ts';
import { differs } from './neighbour.ts';
import type { NeighbourTable } from './neighbour-table.ts';
import { createSharedSearches, type Search } from './shared-searches.ts';

export interface CallerFinderOptions extends HolderOptions {
  readonly pods: HolderOptions['pods'] & { readonly changes: Changes };
  readonly neighbours: NeighbourTable;
  /** How long a caller whose pod nobody knows is held. */
  readonly holdMs: number;
  /** Told when the kernel says something else of the address of a connection than before. */
  readonly onChanged?: () => void;
}

/** What was found out of a connection stays with it: nobody but its pod is answered over it. */
export interface CallerFinder {
  find(
    address: string,
    connection: CallerConnection,
    patience: Patience,
  ): CallerAnswer | Promise<CallerAnswer>;
}

/**
 * The pod behind an address: at once where that is certain. Otherwise the API server is asked, once for all callers from
 * that address, whether the pod that memory names still has the address: the watch may lag, and the address be another
 * pod's by now. The answer may also come from the watch meanwhile: a pod can call before its address was reported.
 */
export function createCallerFinder(options: CallerFinderOptions): CallerFinder {
  const { neighbours, onChanged } = options;
  const findings = createFindings({ ...options, memory: options.pods });
  const searches = createSharedSearches(createSearch(options, findings), options.clock);
  const settle = createSettlement(options, findings);

  /** Callers wait for an assignment longer than anybody should for an API server that takes calls and answers none. */
  const bounded = ({ deadline, caller }: Patience): Patience => {
    const end = options.clock.now() + options.patienceMs + options.holdMs;
    return { deadline: Math.min(deadline, end), caller };
  };

  const search = async (look: Look, waiting: Patience): Promise<Found> => {
    const patience = bounded(waiting);
    for (;;) {
      const running = searches.running(look.address);
      const refusal = running ? undefined : findings.refuseToAsk(look);
      if (refusal) return refusal;
      const found = await searches.join(look, patience);
      if (found === 'impatient') return findings.noteSilence(look, { why: 'crowded' });
      if (found !== 'abandoned' && (!running || isAbout(found, look))) return found;
      const known = findings.recall(look) ?? recallSilentPod(findings, look);
      if (known) return known;
    }
  };

  return {
    find(address, connection, patience) {
      const neighbour = neighbours.of(address);
      if (differs(connection.neighbour, neighbour) && !connection.isLast) {
        connection.isLast = true;
        onChanged?.();
      }
      const look = { address, openedAt: connection.openedAt, neighbour };
      const known = findings.recall(look) ?? recallSilentPod(findings, look);
      return known
        ? settle(known, look, connection)
        : search(look, patience).then((found) => settle(found, look, connection));
    },
  };
}

/** A search that began before may be about a pod that had the address before. */
function isAbout({ begunAt, neighbour }: Found, look: Look): boolean {
  return begunAt >= look.openedAt && !differs(neighbour, look.neighbour);
}

/** A caller whom memory does not know is held before it is told so. */
function recallSilentPod(findings: Findings, look: Look): Found | undefined {
  const found = findings.recallSilence(look);
  return found?.answer.kind === 'none' ? undefined : found;
}

/** Ties an answer to the connection that it is for. */
function createSettlement({ neighbours, pods }: CallerFinderOptions, findings: Findings) {
  const refuse = (answer: CallerAnswer, connection: CallerConnection): CallerAnswer => {
    connection.isLast = true;
    const pod = connection.owner ?? (answer.kind === 'pod' ? answer.pod : undefined);
    return pod && answer.kind === 'pod' ? unconfirmed(pod) : answer;
  };

  const bind = ({ answer, neighbour }: Found, connection: CallerConnection): CallerAnswer => {
    const { owner } = connection;
    if (answer.kind !== 'pod') return owner ? refuse(answer, connection) : answer;
    if (owner && owner.uid !== answer.pod.uid) return refuse(answer, connection);
    connection.owner ??= answer.pod;
    connection.neighbour ??= neighbour;
    return answer;
  };

  /** The kernel is asked after the connection was opened, for each connection. */
  const checkEnding = async (found: Found, look: Look, connection: CallerConnection) => {
    const { address, openedAt } = look;
    const { answer } = found;
    if (answer.kind !== 'pod') return bind(found, connection);
    const { uid } = answer.pod;
    const neighbour = await neighbours.since(address, openedAt);
    const tie = findings.ties.of(address, uid);
    const othersAwait = (found.othersAwait ?? false) || pods.othersAwait(uid);
    if (!stillHasAddress({ address, tie, neighbour, othersAwait })) return refuse(answer, connection);
    findings.ties.set(address, uid, tie ?? neighbour);
    return bind({ ...found, neighbour }, connection);
  };

  return (found: Found, look: Look, connection: CallerConnection) =>
    isDoubtful(found, look, connection) ? checkEnding(found, look, connection) : bind(found, connection);
}

/** Whether it was not while the pod was certain to have its address that the connection was found to be the pod's. */
function isDoubtful(
  { answer, isConfirmed, begunAt }: Found,
  { openedAt }: Look,
  connection: CallerConnection,
) {
  if (answer.kind !== 'pod' || !answer.pod.isEnding) return false;
  const isOwn = connection.owner?.uid === answer.pod.uid || (isConfirmed && begunAt >= openedAt);
  return !isOwn || connection.isLast;
}

function createSearch(options: CallerFinderOptions, findings: Findings): Search {
  const { pods, clock, check, holdMs, neighbours } = options;
  const ask = createHolderQuestion(options);
  const remembered = (address: string) => identifyPod(pods.filedUnder(address), clock.now());

  /** Whether memory comes to name a pod that it did not name before. */
  const hasArrived = async (address: string, before: Identification, patience: Patience) => {
    const look = () => {
      const known = remembered(address);
      return (known.kind !== 'none' && holdersOf(known) !== holdersOf(before)) || undefined;
    };
    return awaitChange(look, patience, { clock, changes: pods.changes });
  };

  const askOnce = async (look: Look, known: Identification, gone: AbortSignal): Promise<Found> => {
    const silent = findings.recallSilence(look);
    if (silent) return silent;
    // Before the question: what was handed over since then is another entry than the one that is tied to the answer.
    const neighbour = neighbours.of(look.address);
    const reply = await ask(look.address, known, gone);
    if (!isTold(reply)) return findings.noteSilence(look, reply);
    return findings.note(look.address, { ...reply, known, neighbour });
  };

  return async (look, gone) => {
    const patience = { deadline: clock.now() + holdMs, caller: { gone } };
    for (;;) {
      const known = remembered(look.address);
      // Without checks memory's word is good enough; it is new, for otherwise nobody would search.
      const isEnough = check.mode === 'off' && known.kind === 'pod' && pods.isCurrent();
      const recalled = isEnough ? findings.recall(look) : undefined;
      const found = recalled ?? (await askOnce(look, known, gone));
      if (found.answer.kind !== 'none' || !(await hasArrived(look.address, known, patience))) return found;
    }
  };
}
