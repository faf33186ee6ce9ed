import { resources } from '@pod-identity/crd-types';
import { createResource, KubeError, listPages, type KubeTransport } from '@pod-identity/kit/kube';
import { namespaceOf } from '../snapshot/keys.ts';
import { createTrims } from '../snapshot/trims.ts';
import type { AssignedView } from '../snapshot/views.ts';

export type AssignedIdentityReader = ReturnType<typeof createAssignedIdentityReader>;

/** Small, since the API server builds a whole page before it sends a byte: 75 MB of the largest objects. */
const pageSize = 50;

/** Reads of AzureAssignedIdentities. They throw KubeError. */
export function createAssignedIdentityReader(transport: KubeTransport) {
  const kind = resources.AzureAssignedIdentity;
  const resource = createResource<unknown>(transport, kind);
  const trims = createTrims();
  const trim = (raw: unknown) => trims.assigned(raw);
  return {
    /** All, a page at a time. */
    pages: (signal: AbortSignal): AsyncIterable<readonly AssignedView[]> =>
      listPages({ transport, kind, pageSize, signal }, trim),
    /** One, by `namespace/name`. `unreadable`: its pod is unknown. */
    async get(key: string, signal: AbortSignal): Promise<AssignedView | 'unreadable' | undefined> {
      const namespace = namespaceOf(key);
      const name = key.slice(namespace.length + 1);
      try {
        return trim(await resource.get({ namespace, name }, { signal })) ?? 'unreadable';
      } catch (error) {
        if (error instanceof KubeError && error.code === 'not-found') return undefined;
        throw error;
      }
    },
  };
}
