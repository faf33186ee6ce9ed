import { createHash } from 'node:crypto';
import { createBackoff } from '../core/backoff.ts';
import { createBudgets } from '../core/budgets.ts';
import { Turns } from '../core/turns.ts';
import { asKubeError, KubeError, type KubeErrorCode } from './errors.ts';
import {
  eventIdentity,
  eventNamespace,
  eventObject,
  eventTime,
  objectIdentity,
  type EventDraft,
  type EventOccasion,
} from './event-object.ts';
import { fenceWrites } from './fence.ts';
import { coreKinds } from './kinds.ts';
import { RecentMap } from '../core/recent.ts';
import { createResource, type ResourceClient } from './resource.ts';
import type { KubeRequest, KubeTransport, KubeAmbient } from './transport.ts';

export type { EventDraft };

interface EventRecorderOptions extends KubeAmbient {
  /** Shown as the event's source. */
  readonly component: string;
  /** The node, for programs that run on every node. */
  readonly host?: string;
  /** Limit of distinct waiting events (default 1000); further ones are dropped. */
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

/**
 * Writes Events one after another; namespaces take turns, and within them objects. Best effort: too many or delayed events are
 * dropped.
 */
export function createEventRecorder(options: EventRecorderOptions) {
  const { clock, log, maxQueued = 1000 } = options;
  const queue = createEventQueue(maxQueued);
  const budgets = createBudgets({ ...ofObject, kept: rememberedObjects });
  const transport = bounded(options.transport);
  const write = withPatience(createWriter({ ...options, transport }), options);
  let writing: Promise<void> | undefined;

  const end = ({ ends }: Pick<Waiting, 'ends'>, isWritten: boolean) => {
    for (const onEnd of ends) onEnd(isWritten);
  };
  const drop = ({ draft, ends }: Pick<Waiting, 'draft' | 'ends'>, why: string) => {
    const { reason, involved } = draft;
    log.debug({ reason, kind: involved.kind, name: involved.name, why }, 'event dropped');
    end({ ends }, false);
  };
  const writeAll = async () => {
    for (let event = queue.next(); event; event = queue.next()) end(event, await write(event));
    writing = undefined;
  };

  return {
    /**
     * Never throws and never waits. `onEnd` gets whether the event is on the server. `mayWrite` is called right before each write: events of
     * a former leader are dropped.
     */
    record(draft: EventDraft, onEnd?: (isWritten: boolean) => void, mayWrite: () => boolean = always): void {
      const ends = onEnd ? [onEnd] : [];
      if (!budgets.take(objectIdentity(draft), clock.now())) {
        drop({ draft, ends }, 'too many for one object');
        return;
      }
      const dropped = queue.add(draft, { ends, mayWrite, now: clock.now() });
      if (dropped) drop(dropped, 'too many waiting');
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

function createEventQueue(maxQueued: number) {
  const limits = { total: maxQueued, perNamespace: maxQueued, perPod: maxQueued };
  const turns = new Turns<Waiting, 'event'>({ event: { limits } });
  const byIdentity = new Map<string, Waiting>();
  return {
    /** Returns the event that is dropped, if any; it may be this one. */
    add(
      draft: EventDraft,
      ending: Pick<Waiting, 'ends' | 'mayWrite'> & { now: number },
    ): Waiting | undefined {
      const { ends, mayWrite, now } = ending;
      const identity = eventIdentity(draft);
      const queued = byIdentity.get(identity);
      if (queued) {
        queued.times += 1;
        queued.lastMs = now;
        queued.mayWrite = mayWrite;
        queued.ends.push(...ends);
        return undefined;
      }
      const event: Waiting = { identity, draft, ends, mayWrite, firstMs: now, lastMs: now, times: 1 };
      const tenant = { namespace: eventNamespace(draft.involved), pod: objectIdentity(draft) };
      const added = turns.add('event', tenant, event);
      if (added.kind === 'full') return event;
      byIdentity.set(identity, event);
      if (added.displaced) byIdentity.delete(added.displaced.identity);
      return added.displaced;
    },
    next(): Waiting | undefined {
      const event = turns.next()?.item;
      if (event) byIdentity.delete(event.identity);
      return event;
    },
  };
}

/** Editors can create any number of objects: the one that had an Event longest ago is forgotten, and may have a burst again. */
const rememberedObjects = 4096;
/** Events of one object: in a burst, then one in five minutes. */
const ofObject = { burst: 25, perSecond: 1 / 300 };
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

/** Creates an event, and increases its count on repeats. */
function createWriter({ transport, component, host = '' }: EventRecorderOptions): Write {
  const eventsFor = ({ mayWrite }: Waiting) =>
    createResource<EventBody>(fenceWrites(transport, mayWrite), coreKinds.events);
  const written = new RecentMap<string, Written>(rememberedObjects);
  const create = createCreator(eventsFor, { component, host });

  const repeat = async ({ name, count: before }: Written, event: Waiting): Promise<Written> => {
    const { draft, times, lastMs } = event;
    const count = before + times;
    const key = { name, namespace: eventNamespace(draft.involved) };
    await eventsFor(event).patch(key, { count, lastTimestamp: eventTime(lastMs) });
    return { name, count };
  };

  const createAndKeep = async (event: Waiting) => {
    const one = await create(event);
    if (one) written.set(event.identity, one);
  };

  return async (event) => {
    const known = written.get(event.identity);
    if (!known) return createAndKeep(event);
    try {
      written.set(event.identity, await repeat(known, event));
    } catch (error) {
      // The server deletes events after an hour.
      if (!isCoded(error, 'not-found')) throw error;
      await createAndKeep(event);
    }
  };
}

/** Of a hash in hexadecimal: 64 bits tell the Events of one object apart. */
const suffixLength = 16;

/**
 * The name is derived from the content, so that equal events of several components exist once. Undefined: another component wrote
 * it.
 */
function createCreator(
  eventsFor: (event: Waiting) => ResourceClient<EventBody>,
  by: Pick<EventOccasion, 'component' | 'host'>,
) {
  /** Another component, or this one before a restart, wrote the same event. */
  const refresh = async (name: string, event: Waiting): Promise<Written | undefined> => {
    const { draft, times, lastMs } = event;
    const key = { name, namespace: eventNamespace(draft.involved) };
    const last = { lastTimestamp: eventTime(lastMs) };
    try {
      const { count = times } = await eventsFor(event).patch(key, last);
      return { name, count };
    } catch (error) {
      // A policy may forbid changes of other components' events.
      if (isCoded(error, 'denied')) return undefined;
      throw error;
    }
  };

  return async (event: Waiting): Promise<Written | undefined> => {
    const { identity, draft, times: count, firstMs, lastMs } = event;
    const suffix = createHash('sha256').update(identity).digest('hex').slice(0, suffixLength);
    const object = eventObject(draft, { ...by, suffix, count, firstMs, lastMs });
    const { name } = object.metadata;
    try {
      await eventsFor(event).create(object);
      return { name, count };
    } catch (error) {
      if (isCoded(error, 'already-exists')) return refresh(name, event);
      throw error;
    }
  };
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
