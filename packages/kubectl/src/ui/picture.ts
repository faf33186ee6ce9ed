// Room: `ui`: the picture of who may be whom, for a page on loopback that follows the cluster.
// It must not write to the cluster, decide what `status` and `explain` decide, or answer anyone without the token.
import type { Finding } from '@pod-identity/policy';

/** Of a thing; `unused`: there is nothing to say about it; `unknown`: it is not judged yet, or what decides may not be read. */
export type State = 'ready' | 'waiting' | 'refused' | 'unknown' | 'unused';
export type Column = 'serviceAccount' | 'pod' | 'binding' | 'identity' | 'host';

export interface Thing {
  /** Stable and unique: `pod:shop/web-0`. */
  readonly id: string;
  readonly column: Column;
  /** Undefined for hosts. */
  readonly namespace: string | undefined;
  readonly name: string;
  readonly state: State;
  /** One sentence: what it waits for, or why it is refused or unknown; empty if it is ready. */
  readonly about: string;
  /** Of identities. */
  readonly type?: 'managed' | 'service principal' | 'certificate' | 'federated';
  /** Pods that fold together have the same: namespace, ServiceAccount, owner, bindings and state. */
  readonly group?: string;
}

/** Between ids of neighbouring columns: ServiceAccount, pod, binding, identity, host. */
export interface Line {
  readonly from: string;
  readonly to: string;
  readonly state: State;
}

export interface Picture {
  /** Grows with each change. */
  readonly number: number;
  /** ISO 8601 */
  readonly takenAt: string;
  /** The API server's address. */
  readonly server: string;
  /** Undefined: all of them. */
  readonly namespace: string | undefined;
  readonly things: readonly Thing[];
  readonly lines: readonly Line[];
  /** Where commands that the page shows go, if not to this cluster. */
  readonly clusterNote?: string | undefined;
  /** What the user may not see, in words. */
  readonly unknown: readonly string[];
  /** How many pods are still to be judged, or judged again. */
  readonly pending: number;
}

/** From one picture to the next: new and changed things and lines, and those that are gone. */
export interface Change {
  readonly number: number;
  readonly takenAt: string;
  readonly things: readonly Thing[];
  readonly lines: readonly Line[];
  readonly goneThings: readonly string[];
  readonly goneLines: readonly Pick<Line, 'from' | 'to'>[];
  readonly unknown: readonly string[];
  readonly pending: number;
}

export interface PodStory {
  /** `namespace/name` */
  readonly pod: string;
  /** The first is the result. */
  readonly findings: readonly Finding[];
  readonly events: readonly {
    readonly time: string;
    readonly reason: string;
    readonly message: string;
    readonly count: number;
  }[];
  /** What NMI wrote about the pod last. */
  readonly tokens: readonly { readonly time: string; readonly text: string }[];
  readonly unknown: readonly string[];
}

/** What `doctor` finds. */
export interface ClusterChecks {
  readonly findings: readonly {
    /** An id of `doctor --check`. */
    readonly check: string;
    /** `Kind/namespace/name` */
    readonly object: string;
    readonly finding: Finding;
  }[];
  readonly unknown: readonly string[];
}
