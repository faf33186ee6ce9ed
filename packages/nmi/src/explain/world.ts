import type { AzureIdentity } from '@pod-identity/crd-types';
import type { Finding } from '@pod-identity/policy';
import type { AccessResult } from '../access/judge.ts';
import type { AuthorizeRules, ClusterView } from '../authorize/types.ts';
import type { PodView } from '../identify/pod-view.ts';

/** Results of the reviews of the rights that an identity needs, by its name (`namespace/name`). */
export type ReviewedAccesses = ReadonlyMap<string, AccessResult>;

export interface InvalidObject {
  readonly kind: 'AzureIdentityBinding' | 'AzurePodIdentityException';
  readonly namespace: string;
  readonly name: string;
  /** What is wrong with it. */
  readonly fault: string;
}

/** All that an explanation rests on. */
export interface ExplainWorld {
  readonly pod: PodView;
  /** Of the same node, the pod itself among them. */
  readonly neighbours: readonly PodView[];
  readonly view: ClusterView;
  readonly rules: AuthorizeRules;
  /** Bindings and exceptions of the pod's namespace that are not valid. */
  readonly invalid?: readonly InvalidObject[];
  /** Of the bindings of the pod's namespace. */
  readonly selectors?: readonly string[];
  /** Empty in mode `namespace`. */
  readonly reviewed: ReviewedAccesses;
  /** Whether the identity can be used now, as far as MIC's objects and Secrets tell. */
  readonly attached: (identity: AzureIdentity) => readonly Finding[];
  /** How the agent responds to what is not assigned yet: after how long, and with which status. */
  readonly holdMs: number;
  readonly bindingGraceMs: number;
  readonly notAssignedStatus: 503 | 404;
  /** Milliseconds since the epoch. */
  readonly now: number;
}
