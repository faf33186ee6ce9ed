import { KubeError } from './errors.ts';
import { coreKinds } from './kinds.ts';
import { objectPath } from './object.ts';
import type { KubeTransport } from './transport.ts';

export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

/** The taints of a node, as they were when the node had this version. */
export interface NodeTaints {
  /** Of the Node object: one that is made again has another. */
  readonly uid: string;
  readonly taints: readonly Taint[];
  readonly resourceVersion: string;
}

/** One node. Both throw KubeError only. */
export interface NodeTaintDoor {
  read(): Promise<NodeTaints>;
  /** Puts these taints in the place of all others; `conflict` when the node has changed since that version. */
  replace(taints: Omit<NodeTaints, 'uid'>): Promise<void>;
}

interface NodeShape {
  readonly metadata: { readonly uid?: string; readonly resourceVersion: string };
  readonly spec?: { readonly taints?: readonly Taint[] };
}

/** Only the taints are ever written, and only to the version that was read. */
export function createNodeTaintDoor(transport: KubeTransport, node: string): NodeTaintDoor {
  const path = objectPath(coreKinds.nodes, { name: node });
  return {
    async read() {
      const { metadata, spec } = (await transport.request({ method: 'GET', path })) as NodeShape;
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

/** Others change the node at the same time: how often that is borne before the caller is told. */
const attempts = 5;

export interface TaintRemoval {
  readonly node: NodeTaintDoor;
  /** Of the taint, whatever its value and effect. */
  readonly key: string;
  /** The Node object that is meant; any when left out. */
  readonly uid?: string;
}

/** Takes the taint off, and no other; returns whether it was there. Throws KubeError only. */
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
