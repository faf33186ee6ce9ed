// Room: which process has NMI's port, from the tables of the kernel, and whose NMI's own socket is.
// It must not open or close a socket.
import type { Ambient } from '@pod-identity/kit/serve';
import { describeListeners, type Listener, type AgentSocket } from './listeners.ts';

export interface PortWatchOptions extends Pick<Ambient, 'clock' | 'log'> {
  readonly socket: () => AgentSocket;
  readonly read: (socket: AgentSocket) => Promise<readonly Listener[]>;
  /** How many there are now, and how many of them are new since the last check. */
  readonly onCounted: (foreign: number, found: number) => void;
}

/** Each look reads the table of sockets of the whole node. */
const betweenLooksMs = 10_000;

/** Finds other listeners on our port, and logs changes. */
export function createPortWatch(options: PortWatchOptions) {
  const { clock, log } = options;
  const lookAlone = createLook(options);
  let running: Promise<string | undefined> | undefined;
  let isUnlisted = false;

  const look = () => (running ??= lookAlone().finally(() => (running = undefined)));
  const lookByTimer = async () => {
    try {
      await look();
      isUnlisted = false;
    } catch (error) {
      if (!isUnlisted) log.warn({ error }, 'the listeners of this node cannot be listed');
      isUnlisted = true;
    }
  };

  return {
    /** The problem now; undefined if there is none. */
    look,
    /** Checks regularly until the signal aborts, so that metrics and log do not depend on probes. */
    async keep(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        await lookByTimer();
        await clock.sleep(betweenLooksMs, signal).catch(() => undefined);
      }
    },
  };
}

function createLook({ socket, read, onCounted, log }: PortWatchOptions) {
  let reported: string | undefined;
  let known: ReadonlySet<number> = new Set();
  return async (): Promise<string | undefined> => {
    const at = socket();
    const foreign = await read(at);
    onCounted(foreign.length, foreign.filter(({ inode }) => !known.has(inode)).length);
    known = new Set(foreign.map(({ inode }) => inode));
    const problem = foreign.length === 0 ? undefined : describeListeners(at.port, foreign);
    if (problem !== reported) {
      if (problem === undefined) log.info({ port: at.port }, 'no other program listens on the port any more');
      else
        log.error({ port: at.port, listeners: foreign.map(({ uid, inode }) => ({ uid, inode })) }, problem);
    }
    reported = problem;
    return problem;
  };
}
