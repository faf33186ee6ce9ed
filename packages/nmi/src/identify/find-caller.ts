// Room: which pod sent a request: by its address, in memory and as the API server confirms it.
// It must not know identities, bindings or tokens.
import { awaitChange, type Changes, type Patience } from '../waiting/await-change.ts';
import type { CallerConnection } from './caller-connection.ts';
import { isHolderResult, type CallerResult } from './results.ts';
import { createHolderLookup, type HolderOptions } from './holder-lookup.ts';
import {
  createHolderMemory,
  holdersOf,
  type HolderMemory,
  type Found,
  type Lookup,
} from './holder-memory.ts';
import { identifyPod, type Identification } from './identify-pod.ts';
import { mayHaveLeft, unconfirmed } from './judge-caller.ts';
import { differs } from './neighbour.ts';
import type { NeighbourTable } from './neighbour-table.ts';
import { createSharedSearches, type Search } from './shared-searches.ts';

export interface CallerFinderOptions extends HolderOptions {
  readonly pods: HolderOptions['pods'] & { readonly changes: Changes };
  readonly neighbours: NeighbourTable;
  /** How long a request waits if its pod is not known. */
  readonly holdMs: number;
  /** Called when the kernel's entry for the address of a connection has changed. */
  readonly onChanged?: () => void;
}

export type CallerFinder = ReturnType<typeof createCallerFinder>;

/**
 * Finds the pod that has an address: from memory if that is certain, otherwise by asking the API server, once for all callers
 * from the address. The watch may lag: the address may belong to another pod by now, or a pod may call before its
 * address was reported; then the watch can answer first.
 */
export function createCallerFinder(options: CallerFinderOptions) {
  const { neighbours, onChanged } = options;
  const holders = createHolderMemory({ ...options, memory: options.pods });
  const searches = createSharedSearches(createSearch(options, holders), options.clock);
  const settle = createSettlement(options);

  /** The deadline for an assignment is too long for an API server that accepts requests and does not respond. */
  const bounded = ({ deadline, caller }: Patience): Patience => {
    const end = options.clock.elapsed() + options.patienceMs + options.holdMs;
    return { deadline: Math.min(deadline, end), caller };
  };

  const search = async (lookup: Lookup, waiting: Patience): Promise<Found> => {
    const patience = bounded(waiting);
    for (;;) {
      const running = searches.running(lookup.address);
      const refusal = running ? undefined : holders.refuseRequest(lookup);
      if (refusal) return refusal;
      const found = await searches.join(lookup, patience);
      if (found === 'impatient') return holders.noteUnanswered(lookup, { why: 'crowded' });
      if (found !== 'abandoned' && (!running || isAbout(found, lookup))) return found;
      const known = holders.recall(lookup) ?? recallUnansweredPod(holders, lookup);
      if (known) return known;
    }
  };

  return {
    /** Binds the connection to the pod that is found: later requests over it are answered for no other pod. */
    find(
      address: string,
      connection: CallerConnection,
      patience: Patience,
    ): CallerResult | Promise<CallerResult> {
      const neighbour = neighbours.of(address);
      if (differs(connection.neighbour, neighbour) && !connection.isLast) {
        connection.endAfterResponse();
        onChanged?.();
      }
      const lookup = { address, openedAt: connection.openedAt, neighbour };
      const known = holders.recall(lookup) ?? recallUnansweredPod(holders, lookup);
      return known
        ? settle(known, connection)
        : search(lookup, patience).then((found) => settle(found, connection));
    },
  };
}

/** A search that began earlier may have found the previous pod of the address. */
function isAbout({ begunAt, neighbour }: Found, lookup: Lookup): boolean {
  return begunAt >= lookup.openedAt && !differs(neighbour, lookup.neighbour);
}

/** Not for an unknown caller: it is held first. */
function recallUnansweredPod(holders: HolderMemory, lookup: Lookup): Found | undefined {
  const found = holders.recallUnanswered(lookup);
  return found?.result.kind === 'none' ? undefined : found;
}

/** Binds connections to the pods that were found for them. */
function createSettlement({ containers }: CallerFinderOptions) {
  const refuse = (result: CallerResult, connection: CallerConnection): CallerResult => {
    connection.endAfterResponse();
    return result.kind === 'pod' ? unconfirmed(connection.owner ?? result.pod) : result;
  };

  return (found: Found, connection: CallerConnection): CallerResult => {
    const { result, neighbour } = found;
    const { owner, isLast } = connection;
    if (result.kind !== 'pod') return owner ? refuse(result, connection) : result;
    if (owner && owner.uid !== result.pod.uid) return refuse(result, connection);
    const isNew = !owner || isLast;
    if (isNew && mayHaveLeft(result.pod, found, containers)) return refuse(result, connection);
    connection.bind(result.pod, neighbour);
    return result;
  };
}

function createSearch(options: CallerFinderOptions, holders: HolderMemory): Search {
  const { pods, clock, holdMs, neighbours } = options;
  const findHolder = createHolderLookup(options, (address, known) =>
    holders.hasMoved(address, known, neighbours.of(address)),
  );
  const remembered = (address: string) => identifyPod(pods.filedUnder(address), clock.now());

  /** Waits until memory has a pod for the address that it did not have before; true if one came. */
  const hasArrived = async (address: string, before: Identification, patience: Patience) => {
    const lookup = () => {
      const known = remembered(address);
      return (known.kind !== 'none' && holdersOf(known) !== holdersOf(before)) || undefined;
    };
    return awaitChange(lookup, patience, { clock, changes: pods.changes });
  };

  const findOnce = async (lookup: Lookup, known: Identification, gone: AbortSignal): Promise<Found> => {
    const silent = holders.recallUnanswered(lookup);
    if (silent) return silent;
    // Read before the request: if the address changes hands meanwhile, the entry differs from the one kept with the answer.
    const neighbour = neighbours.of(lookup.address);
    const reply = await findHolder(lookup.address, known, gone);
    if (!isHolderResult(reply)) return holders.noteUnanswered(lookup, reply);
    return holders.note(lookup.address, { ...reply, known, neighbour });
  };

  return async (lookup, gone) => {
    const patience = { deadline: clock.elapsed() + holdMs, caller: { gone } };
    for (;;) {
      const known = remembered(lookup.address);
      const found = await findOnce(lookup, known, gone);
      if (found.result.kind !== 'none' || !(await hasArrived(lookup.address, known, patience))) return found;
    }
  };
}
