// What a replica writes into the ConfigMap of all replicas: its own entry, without those of pods that are gone.
import type { Clock } from '@pod-identity/kit/core';
import { coreKinds, createResource, KubeError, type KubeTransport } from '@pod-identity/kit/kube';
import { mostEntries, readEntries, rosterName } from './entry.ts';
import { nextData, type RosterData } from './next-data.ts';

/** A pod that is killed costs each NMI a failed connection until then. */
const pruneMs = 60_000;

interface ConfigMap {
  readonly metadata?: object;
  readonly data?: RosterData;
}

export interface WriterOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  /** Of this replica. */
  readonly pod: { readonly namespace: string; readonly name: string };
}

export type Writer = ReturnType<typeof createWriter>;

export function createWriter({ transport, clock, pod: { namespace, name } }: WriterOptions) {
  const maps = createResource<ConfigMap>(transport, coreKinds.configMaps);
  const isGone = createPodCheck(transport, namespace);
  let pruneAt = -Infinity;

  const findGone = async (data: RosterData, signal: AbortSignal): Promise<ReadonlySet<string>> => {
    if (clock.elapsed() < pruneAt) return new Set();
    pruneAt = clock.elapsed() + pruneMs;
    const entries = readEntries(data);
    const names = Object.keys(data).slice(0, mostEntries);
    const checked = names.map(async (other) =>
      (await isGone(other, entries.get(other)?.uid, signal)) ? other : '',
    );
    return new Set(await Promise.all(checked));
  };

  return {
    /** Writes the own entry (undefined: removes it) and removes those of pods that are gone. Whether that was needed. */
    async write(value: string | undefined, signal: AbortSignal): Promise<boolean> {
      const map = await maps.get({ namespace, name: rosterName }, { signal });
      const { data = {} } = map;
      const gone = await findGone(data, signal);
      const next = nextData(data, { name, value }, gone);
      if (!next) return false;
      await maps.replace({ ...map, data: next }, { signal });
      return true;
    },
  };
}

interface Pod {
  readonly metadata: { readonly uid: string; readonly deletionTimestamp?: string };
  readonly status: { readonly phase?: string };
}

/** A pod that was evicted, or whose node is lost, removes no entry, and its object stays; its address may be that of another pod. */
const ended: ReadonlySet<string | undefined> = new Set(['Succeeded', 'Failed']);

function createPodCheck(transport: KubeTransport, namespace: string) {
  const pods = createResource<Pod>(transport, coreKinds.pods);
  return async (name: string, uid: string | undefined, signal: AbortSignal): Promise<boolean> => {
    try {
      const { metadata, status } = await pods.get({ namespace, name }, { signal });
      const isEnding = metadata.deletionTimestamp !== undefined || ended.has(status.phase);
      return isEnding || (uid !== undefined && metadata.uid !== uid);
    } catch (error) {
      return error instanceof KubeError && error.code === 'not-found';
    }
  };
}
