import type { Remedy } from '@pod-identity/policy';

export type State = 'problem' | 'waiting' | 'unknown' | 'ok';

/** Who must act before a cause ends; `nobody`: it ends by itself. */
export type Actor = 'cluster administrator' | 'Azure administrator' | 'editor of the namespace' | 'nobody';

/** One cause, with all that it concerns: `shop/cart may not use vault · 2 pods · remedy`. */
export interface Cause {
  /** The same as long as the cause is: a list that is read again keeps its place. */
  readonly key: string;
  readonly state: Exclude<State, 'ok'>;
  /** One sentence, without the remedy. */
  readonly text: string;
  readonly actor: Actor;
  /** `AzureIdentity shop/vault`, as kind and key. */
  readonly objects: readonly string[];
  /** `NAMESPACE/NAME`, sorted. */
  readonly pods: readonly string[];
  readonly remedy: Remedy | undefined;
}

/** A pod that carries the label, that a binding selects, or that reaches the machine. */
export interface PodRow {
  /** `NAMESPACE/NAME`. */
  readonly pod: string;
  readonly serviceAccount: string;
  /** Keys of the AzureIdentities that it may act as, or waits for. */
  readonly identities: readonly string[];
  /** Keys of the AzureIdentityBindings that give it these. */
  readonly bindings?: readonly string[];
  /** Short name of the VM or the instance; empty: not scheduled, or not known. */
  readonly host: string;
  readonly node: string;
  readonly state: State;
  /** The text of the cause; empty where the state is ok. */
  readonly why: string;
}

export interface Service {
  readonly kind: 'mic' | 'nmi' | 'broker';
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
  readonly state: State;
  readonly text: string;
}

export interface Report {
  /** Worst first, then those that concern most pods. */
  readonly causes: readonly Cause[];
  readonly services: readonly Service[];
  /** Sorted by state, worst first, then by name. */
  readonly pods: readonly PodRow[];
  /** Checks that hold, each in a few words. */
  readonly holding: readonly string[];
  /** What may not be read, in words. */
  readonly unknown: readonly string[];
}
