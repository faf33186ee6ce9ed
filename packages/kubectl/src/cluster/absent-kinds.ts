import type { Clock } from '@pod-identity/kit/core';
import { KubeError, type KubeTransport } from '@pod-identity/kit/kube';
import { emptyList } from './lists.ts';

export interface AbsentKinds {
  readonly transport: KubeTransport;
  /** In words. */
  readonly unknown: () => readonly string[];
}

/** When a kind that the cluster does not have is looked for again: its definition may be installed at any time. */
const againMs = 30_000;

/** Lists of kinds that the cluster does not have are empty, so that the rest can be shown. */
export function emptyAbsentKinds(kube: KubeTransport, clock: Clock): AbsentKinds {
  const absent = new Set<string>();
  return {
    transport: {
      ...kube,
      async request(request) {
        try {
          const response = await kube.request(request);
          absent.delete(request.path);
          return response;
        } catch (error) {
          if (!(error instanceof KubeError && error.code === 'not-found')) throw error;
          absent.add(request.path);
          return emptyList;
        }
      },
      async *watch(request) {
        if (!absent.has(request.path)) {
          yield* kube.watch(request);
          return;
        }
        request.onOpen?.();
        await clock.sleep(againMs, request.signal).catch(() => undefined);
        throw new KubeError('gone', 'it is listed again');
      },
    },
    unknown: () => [...absent].map((path) => `the cluster has no ${path.split('/').at(-1) ?? ''}`),
  };
}
