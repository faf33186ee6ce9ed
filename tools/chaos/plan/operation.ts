// The kinds of operations.
import type { Team } from './scene.ts';

export interface Named {
  readonly namespace: Team;
  readonly name: string;
}

export type Operation =
  | (Named & {
      readonly kind: 'create-pod';
      readonly node: string;
      readonly label: string;
      readonly exempt: boolean;
    })
  | (Named & { readonly kind: 'delete-pod' })
  | (Named & { readonly kind: 'delete-identity' | 'delete-binding' | 'delete-exception' })
  | (Named & { readonly kind: 'relabel-pod'; readonly label: string })
  /** Deleted, and created again under its name on this node, as by a StatefulSet. */
  | (Named & { readonly kind: 'move-pod'; readonly node: string; readonly label: string })
  /**
   * The pod `name` ends, and `next` gets its address; its status says so only after `lagMs`. `finishes`: the pod is finished, not deleted,
   * and its status keeps the address.
   */
  | (Named & {
      readonly kind: 'reuse-address';
      readonly next: Named;
      readonly label: string;
      readonly lagMs: number;
      readonly finishes: boolean;
    })
  | (Named & { readonly kind: 'put-identity'; readonly azure: string; readonly client: ClientKind })
  | (Named & { readonly kind: 'put-binding'; readonly identity: string; readonly selector: string })
  | (Named & { readonly kind: 'put-exception' })
  /** Deleted, and created again after a while with other ids; then every AzureIdentity of it is updated. */
  | { readonly kind: 'recreate-in-azure'; readonly azure: string; readonly awayMs: number }
  | {
      readonly kind: 'attach-foreign' | 'detach-foreign' | 'drift';
      readonly host: string;
      readonly azure: string;
    }
  /** In mode `rbac`: the pods of the team may use the identity, or not. */
  | { readonly kind: 'grant-right' | 'withdraw-right'; readonly namespace: Team; readonly azure: string }
  | { readonly kind: 'replace-host'; readonly host: string }
  | { readonly kind: 'scale'; readonly instances: 2 | 3 };

/** The `spec.clientID` of an AzureIdentity: that of its identity, of another one, or none. */
export type ClientKind = 'right' | 'wrong' | 'none';

export interface Step {
  /** Milliseconds after the start. */
  readonly at: number;
  readonly operation: Operation;
}
