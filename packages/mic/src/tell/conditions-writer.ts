// Writes the Ready conditions of AzureIdentities and AzureIdentityBindings when they change, at a limited rate. Namespaces take
// turns, and a failed write is retried. conditions.ts decides what conditions say.
import { resources, type Condition } from '@pod-identity/crd-types';
import {
  createFairQueue,
  createTokenBucket,
  type Clock,
  type Timer,
  type TokenBucket,
} from '@pod-identity/kit/core';
import {
  createResource,
  KubeError,
  type KubeTransport,
  type LeaderTerm,
  type ResourceClient,
} from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';
import {
  bindingCondition,
  identityCondition,
  leftOutCondition,
  nextConditions,
  type World,
} from './conditions.ts';
import { namedByKey } from './events.ts';
import type { TimeSlices } from '../apply/time-slices.ts';
import { namespaceOf } from '../snapshot/keys.ts';
import { referenceTo } from '../snapshot/trims.ts';
import type { BindingView, IdentityView, ObjectReference } from '../snapshot/views.ts';

export type ConditionedKind = 'AzureIdentity' | 'AzureIdentityBinding';

export interface ConditionsWriter {
  /** Look at these objects soon. Each is judged when its turn comes, so that a storm costs one write. */
  concern(kind: ConditionedKind, keys: Iterable<string>): void;
}

export interface ConditionsOptions {
  readonly transport: KubeTransport;
  readonly term: LeaderTerm;
  readonly clock: Clock;
  /** What the conditions of an object are to be; undefined when there is nothing to write, or the object is gone. */
  judge(kind: ConditionedKind, key: string): readonly Condition[] | undefined;
  readonly log: Log;
  readonly perSecond: number;
  /** Judging leaves the event loop to others. */
  readonly slices: TimeSlices;
}

/** Long enough for the passes that one change causes to be over before it is judged. */
const settleMs = 1_000;

export function createConditionsWriter(options: ConditionsOptions): ConditionsWriter {
  return new Writer(options);
}

interface Concern {
  readonly kind: ConditionedKind;
  readonly key: string;
}

class Writer implements ConditionsWriter {
  readonly #options: ConditionsOptions;
  readonly #clients: Record<ConditionedKind, ResourceClient<object>>;
  readonly #bucket: TokenBucket;
  /** One entry for each object there is, so its length needs no bound of its own. */
  readonly #turns = createFairQueue<Concern>({ total: Infinity, perNamespace: Infinity, perPod: Infinity });
  readonly #waiting = new Map<string, Concern>();
  readonly #retries: Retries;
  #isWorking = false;

  constructor(options: ConditionsOptions) {
    const { transport, clock, perSecond, term } = options;
    this.#options = options;
    this.#clients = {
      AzureIdentity: createResource(transport, resources.AzureIdentity),
      AzureIdentityBinding: createResource(transport, resources.AzureIdentityBinding),
    };
    this.#bucket = createTokenBucket({
      capacity: perSecond,
      refillPerMs: perSecond / 1000,
      now: clock.now(),
    });
    this.#retries = new Retries({ clock, signal: term.signal }, (concern) => this.#add(concern));
  }

  concern(kind: ConditionedKind, keys: Iterable<string>): void {
    for (const key of keys) this.#add({ kind, key });
  }

  #add(concern: Concern): void {
    const id = idOf(concern);
    if (this.#waiting.has(id)) return;
    this.#waiting.set(id, concern);
    this.#turns.add({ namespace: namespaceOf(concern.key), pod: '' }, concern);
    if (!this.#isWorking) void this.#work();
  }

  #next(): Concern | undefined {
    const concern = this.#turns.next();
    if (concern) this.#waiting.delete(idOf(concern));
    return concern;
  }

  async #work(): Promise<void> {
    const { clock, term, log } = this.#options;
    this.#isWorking = true;
    try {
      while (this.#waiting.size > 0 && term.holds()) {
        await clock.sleep(settleMs, term.signal);
        await this.#drain();
      }
    } catch (error) {
      if (!term.signal.aborted) log.error({ error }, 'conditions could not be written');
    }
    this.#isWorking = false;
  }

  async #drain(): Promise<void> {
    const { clock, term, slices } = this.#options;
    while (term.holds()) {
      const concern = this.#next();
      if (!concern) return;
      // Judged now and not when it was noted: a storm of changes costs one write.
      const conditions = await slices.run(() => this.#options.judge(concern.kind, concern.key));
      if (!conditions) {
        this.#retries.forget(idOf(concern));
        continue;
      }
      for (let ms = this.#bucket.take(clock.now()); ms > 0; ms = this.#bucket.take(clock.now())) {
        await clock.sleep(ms, term.signal);
      }
      await this.#write(concern, conditions);
    }
  }

  async #write(concern: Concern, conditions: readonly Condition[]): Promise<void> {
    const { term, log } = this.#options;
    const { kind, key } = concern;
    const { namespace, name } = namedByKey(key);
    if (!term.holds()) return;
    try {
      await this.#clients[kind].patch(
        { namespace, name },
        { status: { conditions } },
        // The whole object would come back.
        { subresource: 'status', signal: term.signal, fields: { members: {} } },
      );
      this.#retries.forget(idOf(concern));
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (!term.holds() || term.signal.aborted) return;
      const againInMs = this.#retries.later(concern, error);
      // Not worth more than this: the CRDs of the original have no such subresource, and every write would say so.
      log.debug({ kind, key, why: error.message, againInMs }, 'condition not written');
    }
  }
}

const firstRetryMs = 5_000;
const longestRetryMs = 5 * 60_000;
/** The object is gone, or its CRD has no status: neither is over soon. */
const notFoundRetryMs = 3_600_000;

/** Writes that failed, each repeated in its own time. A change of the object meanwhile doesn't wait for that. */
class Retries {
  readonly #at: { readonly clock: Clock; readonly signal: AbortSignal };
  readonly #again: (concern: Concern) => void;
  readonly #failed = new Map<string, { readonly failures: number; readonly timer: Timer }>();

  constructor(at: { readonly clock: Clock; readonly signal: AbortSignal }, again: (one: Concern) => void) {
    this.#at = at;
    this.#again = again;
    const stop = () => this.#failed.forEach(({ timer }) => timer.cancel());
    at.signal.addEventListener('abort', stop, { once: true });
  }

  /** Returns in how many milliseconds it is tried again. */
  later(concern: Concern, { code, retryAfterMs = 0 }: KubeError): number {
    const id = idOf(concern);
    const failures = (this.#failed.get(id)?.failures ?? 0) + 1;
    this.#failed.get(id)?.timer.cancel();
    const pause = Math.min(longestRetryMs, firstRetryMs * 2 ** (failures - 1));
    const ms = code === 'not-found' ? notFoundRetryMs : Math.max(pause, retryAfterMs);
    const timer = this.#at.clock.after(ms, () => this.#again(concern));
    this.#failed.set(id, { failures, timer });
    return ms;
  }

  forget(id: string): void {
    this.#failed.get(id)?.timer.cancel();
    this.#failed.delete(id);
  }
}

function idOf({ kind, key }: Concern): string {
  return `${kind} ${key}`;
}

/** What the conditions of an object are to be by now; undefined when they are so already, or the object is gone. */
export function conditionsOf(
  { kind, key }: { readonly kind: ConditionedKind; readonly key: string },
  world: World,
  nowIso: string,
): readonly Condition[] | undefined {
  const { index } = world;
  const isKnown = kind === 'AzureIdentity' ? index.identity(key) : index.binding(key);
  if (!isKnown && index.isLeftOut(kind, key))
    return nextConditions(undefined, leftOutCondition(kind), nowIso);
  if (kind === 'AzureIdentity') {
    const view = index.identity(key);
    return view && nextConditions(referenceOf(view).conditions, identityCondition(view, world), nowIso);
  }
  const view = index.binding(key);
  return view && nextConditions(referenceOf(view).conditions, bindingCondition(view, world), nowIso);
}

function referenceOf(view: IdentityView | BindingView): ObjectReference {
  if (view.kind === 'invalid') return view.reference;
  return referenceTo('identity' in view ? view.identity : view.binding);
}
