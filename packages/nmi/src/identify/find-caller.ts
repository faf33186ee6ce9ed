import { awaitChange, type Changes } from '../await-change.ts';
import { createHolderQuestion, type HolderOptions } from './ask-holder.ts';
import { createFindings, holdersOf, type CallerAnswer } from './findings.ts';
import { identifyPod, type Identification } from './identify-pod.ts';

export interface CallerFinderOptions extends HolderOptions {
  readonly pods: HolderOptions['pods'] & { readonly changes: Changes };
  /** How long a caller whose pod nobody knows is held. */
  readonly holdMs: number;
}

/** @param connectedAt When the caller's connection was opened: what was found out since then is true of it to its end. */
export type CallerFinder = (address: string, connectedAt: number) => CallerAnswer | Promise<CallerAnswer>;

/** An answer, and until when a connection must have been opened for it to be true of it beyond doubt. */
interface Found {
  readonly answer: CallerAnswer;
  readonly begunAt: number;
}

/**
 * The pod behind an address: at once where that is certain. Otherwise the API server is asked, once for all callers from
 * that address, whether the pod that memory names still has the address: the watch may lag, and the address be another
 * pod's by now. The answer may also come from the watch meanwhile: a pod can call before its address was reported.
 */
export function createCallerFinder(options: CallerFinderOptions): CallerFinder {
  const findings = createFindings({ ...options, memory: options.pods });
  const search = createSearch(options, (address, finding) => findings.note(address, finding));
  const searches = new Map<string, Promise<Found>>();

  const start = (address: string): Promise<Found> => {
    const started = search(address).finally(() => searches.delete(address));
    searches.set(address, started);
    return started;
  };

  const find = async (address: string, connectedAt: number): Promise<CallerAnswer> => {
    for (;;) {
      const running = searches.get(address);
      const { answer, begunAt } = await (running ?? start(address));
      if (!running || begunAt >= connectedAt) return answer;
      // That search began before this connection: it may be about a pod that had the address before.
      const known = findings.recall(address, connectedAt);
      if (known) return known;
    }
  };

  return (address, connectedAt) => findings.recall(address, connectedAt) ?? find(address, connectedAt);
}

type Note = ReturnType<typeof createFindings>['note'];

function createSearch(options: CallerFinderOptions, note: Note): (address: string) => Promise<Found> {
  const { pods, clock, check, holdMs } = options;
  const ask = createHolderQuestion(options);
  const remembered = (address: string) => identifyPod(pods.filedUnder(address), clock.now());

  /** Whether memory comes to name a pod that it did not name before. */
  const hasArrived = async (address: string, before: Identification, deadline: number) => {
    const look = () => {
      const known = remembered(address);
      return (known.kind !== 'none' && holdersOf(known) !== holdersOf(before)) || undefined;
    };
    return awaitChange(look, { deadline, caller: nobody }, { clock, changes: pods.changes });
  };

  return async (address) => {
    const deadline = clock.now() + holdMs;
    for (;;) {
      const known = remembered(address);
      // Without checks memory's word is good enough; it is new, for otherwise nobody would search.
      if (check.mode === 'off' && known.kind === 'pod' && pods.isCurrent())
        return { answer: known, begunAt: Infinity };
      const { answer, begunAt = Infinity } = await ask(address, known);
      if (begunAt < Infinity) note(address, { answer, begunAt, known });
      if (answer.kind !== 'none' || !(await hasArrived(address, known, deadline))) return { answer, begunAt };
    }
  };
}

/** A search is for all callers from an address: that one of them hangs up does not end it. */
const nobody = { gone: new AbortController().signal };
