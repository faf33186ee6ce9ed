// Writes the Ready conditions of AzureIdentities and AzureIdentityBindings: only when they change, a few at a time, and
// never faster than the API server should be asked to. What they say is decided in plan/conditions.
import { resources, type Condition } from '@pod-identity/crd-types';
import { createTokenBucket, type Clock, type TokenBucket } from '@pod-identity/kit/core';
import {
  createResource,
  KubeError,
  type KubeTransport,
  type LeaderTerm,
  type ResourceClient,
} from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';
import { bindingCondition, identityCondition, nextConditions, type World } from '../plan/conditions.ts';
import { referenceTo, type BindingView, type IdentityView, type ObjectReference } from '../snapshot/views.ts';

export type ConditionedKind = 'AzureIdentity' | 'AzureIdentityBinding';

/** One object and what its conditions are to be; undefined when there is nothing to write, or the object is gone. */
export type JudgeCondition = (kind: ConditionedKind, key: string) => readonly Condition[] | undefined;

export interface ConditionsWriter {
  /** Look at these objects soon. Each is judged when its turn comes, so that a storm costs one write. */
  concern(kind: ConditionedKind, keys: Iterable<string>): void;
}

export interface ConditionsOptions {
  readonly transport: KubeTransport;
  readonly term: LeaderTerm;
  readonly clock: Clock;
  readonly judge: JudgeCondition;
  readonly log: Log;
  readonly perSecond: number;
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
  /** In order; one entry for each object. */
  readonly #waiting = new Map<string, Concern>();
  #isWorking = false;

  constructor(options: ConditionsOptions) {
    const { transport, clock, perSecond } = options;
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
  }

  concern(kind: ConditionedKind, keys: Iterable<string>): void {
    for (const key of keys) this.#waiting.set(`${kind} ${key}`, { kind, key });
    if (!this.#isWorking && this.#waiting.size > 0) void this.#work();
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
    const { clock, term, judge } = this.#options;
    for (const [id, concern] of this.#waiting) {
      if (!term.holds()) return;
      this.#waiting.delete(id);
      // Judged now and not when it was noted: a storm of changes costs one write.
      const conditions = judge(concern.kind, concern.key);
      if (!conditions) continue;
      for (let ms = this.#bucket.take(clock.now()); ms > 0; ms = this.#bucket.take(clock.now())) {
        await clock.sleep(ms, term.signal);
      }
      await this.#write(concern, conditions);
    }
  }

  async #write({ kind, key }: Concern, conditions: readonly Condition[]): Promise<void> {
    const { term, log } = this.#options;
    const [namespace = '', name = ''] = key.split('/');
    if (!term.holds()) return;
    try {
      await this.#clients[kind].patch(
        { namespace, name },
        { status: { conditions } },
        // The whole object would come back.
        { type: 'merge', subresource: 'status', signal: term.signal, fields: { members: {} } },
      );
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      // Not worth more than this: the CRDs of the original have no such subresource, and every write would say so.
      log.debug({ kind, key, why: error.message }, 'condition not written');
    }
  }
}

/** What the conditions of an object are to be by now; undefined when they are so already, or the object is gone. */
export function conditionsOf(
  { kind, key }: { readonly kind: ConditionedKind; readonly key: string },
  world: World,
  nowIso: string,
): readonly Condition[] | undefined {
  if (kind === 'AzureIdentity') {
    const view = world.index.identity(key);
    return view && nextConditions(referenceOf(view).conditions, identityCondition(view, world), nowIso);
  }
  const view = world.index.binding(key);
  return view && nextConditions(referenceOf(view).conditions, bindingCondition(view, world), nowIso);
}

function referenceOf(view: IdentityView | BindingView): ObjectReference {
  if (view.kind === 'invalid') return view.reference;
  return referenceTo('identity' in view ? view.identity : view.binding);
}
