import type { Log } from '@pod-identity/kit/serve';
import { describeListeners, type Listener, type Place } from './listeners.ts';

export interface PortWatchOptions {
  readonly place: () => Place;
  readonly read: (place: Place) => Promise<readonly Listener[]>;
  /** How many there are now, and how many of them were not there at the look before. */
  readonly onCounted: (foreign: number, found: number) => void;
  readonly log: Log;
}

/** Looks who else listens on our port. Answers what is wrong, and says it in the log when it is news. */
export function createPortWatch({ place, read, onCounted, log }: PortWatchOptions) {
  let told: string | undefined;
  let known: ReadonlySet<number> = new Set();
  return async (): Promise<string | undefined> => {
    const at = place();
    const foreign = await read(at);
    onCounted(foreign.length, foreign.filter(({ inode }) => !known.has(inode)).length);
    known = new Set(foreign.map(({ inode }) => inode));
    const problem = foreign.length === 0 ? undefined : describeListeners(at.port, foreign);
    if (problem !== told) {
      if (problem === undefined) log.info({ port: at.port }, 'no other program listens on the port any more');
      else
        log.error({ port: at.port, listeners: foreign.map(({ uid, inode }) => ({ uid, inode })) }, problem);
    }
    told = problem;
    return problem;
  };
}
