import type { Finding } from '@pod-identity/policy';

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
