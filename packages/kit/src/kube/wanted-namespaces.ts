import { createBackoff } from '../core/backoff.ts';
import type { Ambient } from '../serve/ambient.ts';
import type { Log } from '../serve/log.ts';

interface WantedOptions extends Pick<Ambient, 'clock' | 'random'> {
  /** Lists one namespace into the store. Objects for which `isTouched` returns true are to be left as they are. */
  readonly fill: (namespace: string, fill: Fill) => Promise<void>;
  readonly kind: { readonly kind: string };
  readonly log?: Log;
}

export interface Fill {
  readonly signal: AbortSignal;
  readonly isTouched: (key: string) => boolean;
}

interface Wanted {
  readonly held: PromiseWithResolvers<undefined>;
  isHeld: boolean;
  filling: { readonly stop: AbortController; readonly touched: Set<string> } | undefined;
}

/** Between attempts to list a namespace. */
const pauses = { baseMs: 800, capMs: 5_000 };

/**
 * Which namespaces are wanted, and which of them the store holds. One list and one watch serve all namespaces; for one that is wanted later,
 * a list of that namespace alone is added, from the database and so not older than the store.
 */
export function createWantedNamespaces(options: WantedOptions) {
  const all = new Map<string, Wanted>();
  /** Undefined while a complete list is due or running, which contains all namespaces that are wanted at its start. */
  let running: AbortSignal | undefined;

  return {
    has: (namespace: string) => all.has(namespace),
    /** Resolves when all objects of the namespace are in the store; never if it is given up before. */
    add(namespace: string): Promise<void> {
      const wanted = all.get(namespace) ?? newcomer();
      all.set(namespace, wanted);
      if (running) start(namespace, wanted, { options, signal: running });
      return wanted.held.promise;
    },
    remove(namespace: string): void {
      all.get(namespace)?.filling?.stop.abort();
      all.delete(namespace);
    },
    /** The watch has reported this object: its state in a response that was requested earlier does not count any more. */
    touched(namespace: string, key: string): void {
      all.get(namespace)?.filling?.touched.add(key);
    },
    /** A complete list begins. The returned function is to be called when its objects are in the store; it returns the namespaces given up meanwhile. */
    listBegins(): () => readonly string[] {
      running = undefined;
      // The list contains them too. What they read earlier must not replace it.
      for (const wanted of all.values()) {
        wanted.filling?.stop.abort();
        wanted.filling = undefined;
      }
      const listed = [...all];
      return () => {
        for (const [namespace, wanted] of listed) if (all.get(namespace) === wanted) settle(wanted);
        return listed.map(([namespace]) => namespace).filter((namespace) => !all.has(namespace));
      };
    },
    /** The store can be completed by lists of single namespaces: it has been listed, and the watch begins. */
    canFill(signal: AbortSignal): void {
      running = signal;
      for (const [namespace, wanted] of all) start(namespace, wanted, { options, signal });
    },
  };
}

function newcomer(): Wanted {
  return { held: Promise.withResolvers<undefined>(), isHeld: false, filling: undefined };
}

function settle(wanted: Wanted): void {
  wanted.isHeld = true;
  wanted.filling = undefined;
  wanted.held.resolve(undefined);
}

function start(
  namespace: string,
  wanted: Wanted,
  { options, signal }: { readonly options: WantedOptions; readonly signal: AbortSignal },
): void {
  if (wanted.isHeld || wanted.filling) return;
  const [stop, touched] = [new AbortController(), new Set<string>()];
  wanted.filling = { stop, touched };
  const filling = { signal: AbortSignal.any([signal, stop.signal]), touched };
  void fillUntilDone(namespace, filling, options).then((isDone) => {
    if (isDone && wanted.filling?.stop === stop) settle(wanted);
  });
}

interface Filling {
  readonly signal: AbortSignal;
  readonly touched: Set<string>;
}

/** False: it was stopped. */
async function fillUntilDone(
  namespace: string,
  { signal, touched }: Filling,
  { fill, kind, log, clock, random }: WantedOptions,
): Promise<boolean> {
  const backoff = createBackoff({ ...pauses, random });
  while (!signal.aborted) {
    touched.clear();
    try {
      await fill(namespace, { signal, isTouched: (key) => signal.aborted || touched.has(key) });
      return !isStopped(signal);
    } catch (error) {
      if (isStopped(signal)) return false;
      log?.warn(
        { kind: kind.kind, namespace, error: String(error) },
        'a namespace could not be listed, trying again',
      );
      await clock.sleep(backoff.next(), signal).catch(() => undefined);
    }
  }
  return false;
}

const isStopped = (signal: AbortSignal) => signal.aborted;
