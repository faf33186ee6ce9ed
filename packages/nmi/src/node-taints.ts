import type { KubeTransport } from '@pod-identity/kit/kube';
import type { NodeTaintDoor, Taint } from './startup-taint.ts';

interface NodeShape {
  readonly metadata: { readonly resourceVersion: string };
  readonly spec?: { readonly taints?: readonly Taint[] };
}

/** The Node object of this machine. Only the taints are ever written, and only to the version that was read. */
export function createNodeTaintDoor(transport: KubeTransport, node: string): NodeTaintDoor {
  const path = `/api/v1/nodes/${encodeURIComponent(node)}`;
  return {
    async read() {
      const { metadata, spec } = (await transport.request({ method: 'GET', path })) as NodeShape;
      return { taints: spec?.taints ?? [], resourceVersion: metadata.resourceVersion };
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
