import { createHash } from 'node:crypto';
import { createBackoff } from '../core/backoff.ts';
import { createBudgets } from '../core/budgets.ts';
import { asKubeError, KubeError, type KubeErrorCode } from './errors.ts';
import {
  eventIdentity,
  eventNamespace,
  eventObject,
  eventTime,
  objectIdentity,
  type EventDraft,
} from './event-object.ts';
import { fenceWrites } from './fence.ts';
import { coreKinds } from './kinds.ts';
import { RecentMap } from '../core/recent.ts';
import { createResource } from './resource.ts';
import type { KubeRequest, KubeTransport, KubeAmbient } from './transport.ts';

export type { EventDraft };

interface EventRecorderOptions extends KubeAmbient {
  /** Shown as the event's source. */
  readonly component: string;
  /** The node, for programs that run on every node. */
  readonly host?: string;
  /** Limit of distinct waiting events (default 1000), of which one namespace may have half; further ones are dropped. */
  readonly maxQueued?: number;
}

export type EventRecorder = ReturnType<typeof createEventRecorder>;

/** Repeats of a waiting event are written once. */
interface Waiting {
  readonly identity: string;
  readonly ends: ((isWritten: boolean) => void)[];
  readonly draft: EventDraft;
  readonly firstMs: number;
  times: number;
  lastMs: number;
  /** That of the last repeat. */
  mayWrite: () => boolean;
}

/** Editors can create any number of objects: the one that had an Event longest ago is forgotten, and may have a burst again. */
const rememberedObjects = 4096;
/** Events of one object: in a burst, then one in five minutes. */
const ofObject = { burst: 25, perSecond: 1 / 300 };

/** Writes Events one after another, first in, first out. Best effort: too many or delayed events are dropped. */
export function createEventRecorder(options: EventRecorderOptions) {
  const { clock, log, maxQueued = 1000 } = options;
  const queue = createQueue(maxQueued);
  const budgets = createBudgets({ ...ofObject, kept: rememberedObjects });
  const transport = bounded(options.transport);
  const write = withPatience(createWriter({ ...options, transport }), options);
  let writing: Promise<void> | undefined;

  const writeAll = async () => {
    for (let event = queue.next(); event; event = queue.next()) {
      const isWritten = await write(event);
      for (const onEnd of event.ends) onEnd(isWritten);
    }
    writing = undefined;
  };

  return {
    /**
     * Never throws and never waits. `onEnd` gets whether the event is on the server. `mayWrite` is called right before each write: events of
     * a former leader are dropped.
     */
    record(draft: EventDraft, onEnd?: (isWritten: boolean) => void, mayWrite: () => boolean = always): void {
      const now = clock.now();
      const isWithin = budgets.take(objectIdentity(draft), now);
      if (!isWithin || !queue.add(draft, { ends: onEnd ? [onEnd] : [], mayWrite, now })) {
        const { reason, involved } = draft;
        const why = isWithin ? 'too many waiting' : 'too many for one object';
        log.debug({ reason, kind: involved.kind, name: involved.name, why }, 'event dropped');
        onEnd?.(false);
        return;
      }
      writing ??= Promise.resolve().then(writeAll);
    },
    /** Resolves when all events recorded before are written or dropped. */
    async flush(): Promise<void> {
      await writing;
    },
    /** Resolves when no request is under way. */
    settled: (): Promise<void> => transport.settled(),
  };
}

const always = () => true;

function createQueue(most: number) {
  const waiting = new Map<string, Waiting>();
  const counts = new Map<string, number>();
  const count = (namespace: string, by: number) => counts.set(namespace, (counts.get(namespace) ?? 0) + by);
  return {
    /** False if there is no place. */
    add(draft: EventDraft, { now, ...more }: Pick<Waiting, 'ends' | 'mayWrite'> & { now: number }): boolean {
      const identity = eventIdentity(draft);
      const queued = waiting.get(identity);
      if (queued) {
        queued.ends.push(...more.ends);
        Object.assign(queued, { times: queued.times + 1, lastMs: now, mayWrite: more.mayWrite });
        return true;
      }
      const namespace = eventNamespace(draft.involved);
      if (waiting.size >= most || (counts.get(namespace) ?? 0) >= most / 2) return false;
      waiting.set(identity, { identity, draft, firstMs: now, lastMs: now, times: 1, ...more });
      count(namespace, 1);
      return true;
    },
    next(): Waiting | undefined {
      const [event] = waiting.values();
      if (event) {
        waiting.delete(event.identity);
        count(eventNamespace(event.draft.involved), -1);
      } else counts.clear();
      return event;
    },
  };
}

const attempts = 3;
const passing: ReadonlySet<KubeErrorCode> = new Set(['transport', 'unavailable', 'throttled']);
const timeoutMs = 5000;

/** An event on the server. */
interface Written {
  readonly name: string;
  readonly count: number;
}

type Write = (event: Waiting) => Promise<void>;

interface EventBody {
  readonly metadata: { readonly name: string };
  readonly count?: number;
}

/** Of a hash in hexadecimal: 64 bits tell the Events of one object apart. */
const suffixLength = 16;

/**
 * Creates an event, and increases its count on repeats. The name is derived from the content, so that equal events of several components
 * exist once.
 */
function createWriter({ transport, component, host = '' }: EventRecorderOptions): Write {
  const written = new RecentMap<string, Written>(rememberedObjects);
  const patch = ({ draft, lastMs, mayWrite }: Waiting, name: string, more: { count?: number } = {}) =>
    createResource<EventBody>(fenceWrites(transport, mayWrite), coreKinds.events).patch(
      { name, namespace: eventNamespace(draft.involved) },
      { ...more, lastTimestamp: eventTime(lastMs) },
    );

  const create = async (event: Waiting): Promise<Written | undefined> => {
    const { identity, draft, times: count, mayWrite } = event;
    const suffix = createHash('sha256').update(identity).digest('hex').slice(0, suffixLength);
    const object = eventObject(draft, { ...event, component, host, suffix, count });
    const { name } = object.metadata;
    try {
      await createResource<EventBody>(fenceWrites(transport, mayWrite), coreKinds.events).create(object);
      return { name, count };
    } catch (error) {
      if (!isCoded(error, 'already-exists')) throw error;
      // Another component, or this one before a restart, wrote the same event. A policy may forbid changes of other components' events.
      const other = await unless('denied', patch(event, name));
      return other && { name, count: other.count ?? count };
    }
  };

  return async (event) => {
    const known = written.get(event.identity);
    const count = (known?.count ?? 0) + event.times;
    // The server deletes events after an hour.
    const isRepeated = known && (await unless('not-found', patch(event, known.name, { count })));
    const one = isRepeated ? { name: known.name, count } : await create(event);
    if (one) written.set(event.identity, one);
  };
}

/** Undefined after such an error. */
async function unless<T>(code: KubeErrorCode, call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isCoded(error, code)) return undefined;
    throw error;
  }
}

function isCoded(error: unknown, code: KubeErrorCode): boolean {
  return error instanceof KubeError && error.code === code;
}

/** Retries temporary failures; returns false after others. Never rejects. */
function withPatience(
  write: Write,
  { clock, log, random }: EventRecorderOptions,
): (event: Waiting) => Promise<boolean> {
  return async (event) => {
    const backoff = createBackoff({ baseMs: 500, capMs: 5000, random });
    for (let left = attempts - 1; left >= 0 && event.mayWrite(); left -= 1) {
      try {
        await write(event);
        return true;
      } catch (error) {
        if (!event.mayWrite()) return false;
        const { code, message, retryAfterMs = 0 } = asKubeError(error);
        if (!passing.has(code)) left = 0;
        if (left === 0)
          log.warn({ code, error: message, reason: event.draft.reason }, 'could not write an event');
        else await clock.sleep(Math.max(backoff.next(), retryAfterMs));
      }
    }
    return false;
  };
}

/** A hanging write must not delay others, or the end of the process, for long. Events are written one after another. */
function bounded(transport: KubeTransport) {
  let last: Promise<unknown> = Promise.resolve();
  return {
    ...transport,
    request: (request: KubeRequest) => (last = transport.request({ timeoutMs, ...request })),
    settled: () => last.then(nothing, nothing),
  };
}

const nothing = (): void => undefined;
