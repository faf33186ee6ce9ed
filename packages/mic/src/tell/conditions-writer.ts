// Writes the Ready conditions of AzureIdentities and AzureIdentityBindings when they change, ten a second at most. conditions.ts decides
// the content.
import { resources, type Condition } from '@pod-identity/crd-types';
import { createTokenBucket, type TokenBucket } from '@pod-identity/kit/core';
import {
  createResource,
  KubeError,
  type LeaderTerm,
  type ResourceClient,
  type KubeAmbient,
} from '@pod-identity/kit/kube';
import { bindingCondition, identityCondition, nextConditions, type World } from './conditions.ts';
import { namedByKey } from './events.ts';
import { referenceTo } from '../snapshot/trims.ts';
import type { BindingView, IdentityView, ObjectReference } from '../snapshot/views.ts';

export type ConditionedKind = 'AzureIdentity' | 'AzureIdentityBinding';

export interface ConditionsOptions extends Pick<KubeAmbient, 'transport' | 'clock' | 'log'> {
  readonly term: LeaderTerm;
  /** The conditions to write; undefined if they are unchanged or the object is gone. */
  judge(kind: ConditionedKind, key: string): readonly Condition[] | undefined;
  /** So that judging does not block the event loop. */
  readonly inTurn: <T>(work: () => T) => Promise<T>;
}

/** Long enough for the passes of one change to finish. */
const settleMs = 1_000;
const writesPerSecond = 10;
/** After a failed write of one object. */
const retryMs = 30_000;

interface Concern {
  readonly kind: ConditionedKind;
  readonly key: string;
}

export class ConditionsWriter {
  readonly #options: ConditionsOptions;
  readonly #clients: Record<ConditionedKind, ResourceClient<object>>;
  readonly #bucket: TokenBucket;
  /** Both have at most one entry for each object, so they need no limit. */
  readonly #waiting = new Map<string, Concern>();
  readonly #failed = new Set<string>();
  #working: Promise<void> | undefined;

  constructor(options: ConditionsOptions) {
    const { transport, clock } = options;
    this.#options = options;
    this.#bucket = createTokenBucket({
      capacity: writesPerSecond,
      refillPerMs: writesPerSecond / 1000,
      now: clock.now(),
    });
    this.#clients = {
      AzureIdentity: createResource(transport, resources.AzureIdentity),
      AzureIdentityBinding: createResource(transport, resources.AzureIdentityBinding),
    };
  }

  /** Checks these objects soon. Each is judged in its turn, so that many changes cost one write. */
  concern(kind: ConditionedKind, keys: Iterable<string>): void {
    for (const key of keys) this.#add({ kind, key });
  }

  #add(concern: Concern): void {
    this.#waiting.set(idOf(concern), concern);
    this.#working ??= this.#work();
  }

  /** Resolves when no write is under way; after the end of the term none begins. */
  async settled(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    const { clock, term, log } = this.#options;
    try {
      while (this.#waiting.size > 0 && this.#mayWrite()) {
        await clock.sleep(settleMs, term.signal);
        for (const [id, concern] of this.#waiting) {
          this.#waiting.delete(id);
          await this.#handle(concern);
        }
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

  async #handle(concern: Concern): Promise<void> {
    const { clock, term, inTurn } = this.#options;
    if (!this.#mayWrite()) return;
    const conditions = await inTurn(() => this.#options.judge(concern.kind, concern.key));
    if (!conditions) return;
    for (let ms = this.#bucket.take(clock.now()); ms > 0; ms = this.#bucket.take(clock.now()))
      await clock.sleep(ms, term.signal);
    if (this.#mayWrite()) await this.#write(concern, conditions);
  }

  async #write(concern: Concern, conditions: readonly Condition[]): Promise<void> {
    const { term, log } = this.#options;
    const { kind, key } = concern;
    const { namespace, name } = namedByKey(key);
    try {
      await this.#clients[kind].patch(
        { namespace, name },
        { status: { conditions } },
        { subresource: 'status', signal: term.signal },
      );
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (!this.#mayWrite()) return;
      // Only debug: the original's CRDs lack the subresource, so every write would fail.
      log.debug({ kind, key, why: error.message }, 'condition not written');
      // An object that is gone, or a CRD without the subresource, is tried again with its next change or resync.
      if (error.code !== 'not-found') this.#retry(concern);
    }
  }

  #retry(concern: Concern): void {
    const { clock, term } = this.#options;
    const id = idOf(concern);
    if (this.#failed.has(id)) return;
    this.#failed.add(id);
    const again = () => {
      this.#failed.delete(id);
      this.#add(concern);
    };
    clock.sleep(retryMs, term.signal).then(again, () => undefined);
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
  const { objects } = world.index;
  if (kind === 'AzureIdentity') {
    const view = objects.identity(key);
    return view && nextConditions(referenceOf(view).conditions, identityCondition(view, world), nowIso);
  }
  const view = objects.binding(key);
  return view && nextConditions(referenceOf(view).conditions, bindingCondition(view, world), nowIso);
}

function referenceOf(view: IdentityView | BindingView): ObjectReference {
  if (view.kind === 'invalid') return view.reference;
  return referenceTo('identity' in view ? view.identity : view.binding);
}
