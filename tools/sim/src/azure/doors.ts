import type { Faults } from '../http/faults.ts';
import type { Journal } from '../http/journal.ts';
import { startListener, type HttpHandler, type HttpRequest, type Listener } from '../http/server.ts';

export interface Door {
  readonly service: 'arm' | 'entra' | 'imds' | 'vault';
  /** Which machine or vault. */
  readonly name?: string;
  readonly secure?: boolean;
  /** The part of a request that the journal may keep: never a secret, token or assertion. */
  readonly journalBody?: (request: HttpRequest) => string | undefined;
}

/** The listeners of the four services, one for each machine and vault. */
export interface Doors {
  /** Opens a listener, if it is not open. */
  open(door: Door, handle: HttpHandler): Promise<void>;
  url(service: Door['service'], name?: string): string;
  close(): Promise<void>;
}

interface DoorPorts {
  readonly journal: Journal;
  readonly faults: Faults;
  readonly now?: () => number;
  readonly tls: { readonly key: string; readonly cert: string };
}

export function createDoors({ tls, ...shared }: DoorPorts): Doors {
  const opening = new Map<string, Promise<void>>();
  const listeners = new Map<string, Listener>();
  const keyOf = (service: string, name = '') => `${service} ${name}`;

  const start = async (door: Door, handle: HttpHandler): Promise<void> => {
    const listener = await startListener({
      ...shared,
      handle,
      service: door.service,
      ...(door.secure ? { tls } : {}),
      ...(door.journalBody ? { journalBody: door.journalBody } : {}),
    });
    listeners.set(keyOf(door.service, door.name), listener);
  };
  return {
    open(door, handle) {
      const key = keyOf(door.service, door.name);
      const started = opening.get(key) ?? start(door, handle);
      opening.set(key, started);
      return started;
    },
    url(service, name) {
      const listener = listeners.get(keyOf(service, name));
      if (listener === undefined)
        throw new TypeError(
          `no ${service} listener for ${name ?? 'anything'}: is it in the world, and was ready() awaited since?`,
        );
      return listener.url;
    },
    async close() {
      await Promise.all(opening.values());
      await Promise.all([...listeners.values()].map((listener) => listener.close()));
    },
  };
}
