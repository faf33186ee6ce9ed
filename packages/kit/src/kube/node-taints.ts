import { KubeError } from './errors.ts';
import { coreKinds } from './kinds.ts';
import { objectPath } from './object.ts';
import type { KubeTransport } from './transport.ts';

export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

/** The taints of a node at a version. */
export interface NodeTaints {
  /** Of the Node object. */
  readonly uid: string;
  readonly taints: readonly Taint[];
  readonly resourceVersion: string;
}

/** Both throw KubeError only. */
export interface NodeTaintDoor {
  read(): Promise<NodeTaints>;
  /** Replaces all taints; `conflict` if the node has changed since that version. */
  replace(taints: Omit<NodeTaints, 'uid'>): Promise<void>;
}

interface NodeShape {
  readonly metadata: { readonly uid?: string; readonly resourceVersion: string };
  readonly spec?: { readonly taints?: readonly Taint[] };
}

/** Writes only taints, and only to the version that was read. */
export function createNodeTaintDoor(transport: KubeTransport, node: string): NodeTaintDoor {
  const path = objectPath(coreKinds.nodes, { name: node });
  return {
    async read() {
      const { metadata, spec } = (await transport.request({
        method: 'GET',
        path,
      })) as NodeShape;
      const { uid = '', resourceVersion } = metadata;
      return { uid, taints: spec?.taints ?? [], resourceVersion };
    },
    async replace({ taints, resourceVersion }) {
      await transport.request({
        method: 'PATCH',
        path,
        contentType: 'application/merge-patch+json',
        body: { metadata: { resourceVersion }, spec: { taints } },
      });
    },
  };
}

/** Conflicts before the caller gets the error. */
const attempts = 5;

export interface TaintRemoval {
  readonly node: NodeTaintDoor;
  /** Of the taint, with any value and effect. */
  readonly key: string;
  /** Of the Node object; any if undefined. */
  readonly uid?: string;
}

/** Removes the taint; returns whether the node had it. Throws KubeError only. */
export async function removeTaint({ node, key, uid }: TaintRemoval): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    const { uid: found, taints, resourceVersion } = await node.read();
    const others = taints.filter((taint) => taint.key !== key);
    if (others.length === taints.length || (uid !== undefined && uid !== found)) return false;
    try {
      await node.replace({ taints: others, resourceVersion });
      return true;
    } catch (error) {
      if (attempt === attempts || !(error instanceof KubeError && error.code === 'conflict')) throw error;
    }
  }
}
