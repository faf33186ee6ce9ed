// Writes the Ready conditions of AzureIdentities and AzureIdentityBindings when they change, at a limited rate. Namespaces take
// turns, and failed writes are retried. conditions.ts decides the content.
import { resources, type Condition } from '@pod-identity/crd-types';
import { createTokenBucket, Turns, type Clock, type Timer, type TokenBucket } from '@pod-identity/kit/core';
import {
  createResource,
  KubeError,
  type LeaderTerm,
  type ResourceClient,
  type KubeAmbient,
} from '@pod-identity/kit/kube';
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

export interface ConditionsOptions extends Pick<KubeAmbient, 'transport' | 'clock' | 'log'> {
  readonly term: LeaderTerm;
  /** The conditions to write; undefined if they are unchanged or the object is gone. */
  judge(kind: ConditionedKind, key: string): readonly Condition[] | undefined;
  readonly perSecond: number;
  /** So that judging does not block the event loop. */
  readonly slices: TimeSlices;
}

/** Long enough for the passes of one change to finish. */
const settleMs = 1_000;

interface Concern {
  readonly kind: ConditionedKind;
  readonly key: string;
}

export class ConditionsWriter {
  readonly #options: ConditionsOptions;
  readonly #clients: Record<ConditionedKind, ResourceClient<object>>;
  readonly #bucket: TokenBucket;
  /** At most one entry for each object, so it needs no limit. */
  readonly #turns = new Turns<Concern, 'object'>({ object: {} });
  readonly #waiting = new Map<string, Concern>();
  readonly #retries: Retries;
  #working: Promise<void> | undefined;

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

  /** Checks these objects soon. Each is judged in its turn, so that many changes cost one write. */
  concern(kind: ConditionedKind, keys: Iterable<string>): void {
    for (const key of keys) this.#add({ kind, key });
  }

  #add(concern: Concern): void {
    const id = idOf(concern);
    if (this.#waiting.has(id)) return;
    this.#waiting.set(id, concern);
    this.#turns.add('object', { namespace: namespaceOf(concern.key), pod: '' }, concern);
    this.#working ??= this.#work();
  }

  /** Resolves when no write is under way; after the end of the term none begins. */
  async settled(): Promise<void> {
    await this.#working;
  }

  #next(): Concern | undefined {
    const concern = this.#turns.next()?.item;
    if (concern) this.#waiting.delete(idOf(concern));
    return concern;
  }

  async #work(): Promise<void> {
    const { clock, term, log } = this.#options;
    try {
      while (this.#waiting.size > 0 && this.#mayWrite()) {
        await clock.sleep(settleMs, term.signal);
        await this.#drain();
      }
    } catch (error) {
      if (!term.signal.aborted) log.error({ error }, 'conditions could not be written');
    }
    this.#working = undefined;
  }

  #mayWrite(): boolean {
    const { term } = this.#options;
    return term.holds() && !term.signal.aborted;
  }

  async #drain(): Promise<void> {
    const { clock, term, slices } = this.#options;
    while (this.#mayWrite()) {
      const concern = this.#next();
      if (!concern) return;
      // Judged now, so that many changes cost one write.
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
    if (!this.#mayWrite()) return;
    try {
      await this.#clients[kind].patch(
        { namespace, name },
        { status: { conditions } },
        { subresource: 'status', signal: term.signal },
      );
      this.#retries.forget(idOf(concern));
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (!this.#mayWrite()) return;
      const againInMs = this.#retries.later(concern, error);
      // Only debug: the original's CRDs lack the subresource, so every write would fail.
      log.debug({ kind, key, why: error.message, againInMs }, 'condition not written');
    }
  }
}

/** First and longest pause after a failed write of one object. */
const firstRetryMs = 5_000;
const longestRetryMs = 5 * 60_000;
/** The object is gone, or its CRD has no status: both last. */
const notFoundRetryMs = 3_600_000;

/** Retries of failed writes. A change of the object meanwhile does not wait for them. */
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

  /** Returns the milliseconds until the retry. */
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

/** The current conditions of an object; undefined if they are unchanged or the object is gone. */
export function conditionsOf(
  { kind, key }: { readonly kind: ConditionedKind; readonly key: string },
  world: World,
  nowIso: string,
): readonly Condition[] | undefined {
  const { index } = world;
  const isKnown = kind === 'AzureIdentity' ? index.objects.identity(key) : index.objects.binding(key);
  if (!isKnown && index.leftOutBy.has(kind, key))
    return nextConditions(undefined, leftOutCondition(kind), nowIso);
  if (kind === 'AzureIdentity') {
    const view = index.objects.identity(key);
    return view && nextConditions(referenceOf(view).conditions, identityCondition(view, world), nowIso);
  }
  const view = index.objects.binding(key);
  return view && nextConditions(referenceOf(view).conditions, bindingCondition(view, world), nowIso);
}

function referenceOf(view: IdentityView | BindingView): ObjectReference {
  if (view.kind === 'invalid') return view.reference;
  return referenceTo('identity' in view ? view.identity : view.binding);
}
