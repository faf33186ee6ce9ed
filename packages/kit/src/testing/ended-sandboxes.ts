// The kubelet of Kubernetes 1.20.0 to 1.20.2 deletes the object of a pod only after the pod's sandbox, and often leaves the sandbox to a collection that
// runs once a minute (kubernetes/kubernetes#97288, reverted in 1.20.3). Until then the scheduler counts the pod's host ports as taken: an update of MIC
// took up to a minute a node. Here the sandboxes are removed at once, so that pods go as they do with later kubelets.
import { setTimeout as pause } from 'node:timers/promises';
import { connectRuntime, type ContainerRuntime } from './container-runtime.ts';

/** The kubelet looks at its containers once a second, and again for what it has missed after ten. */
const intervalMs = 100;

export interface SandboxRemoval {
  stop(): Promise<void>;
}

/**
 * Removes ended sandboxes of a node until it is stopped; resolves when the first look has succeeded.
 * @param findSocket The path of the runtime's socket; another one after a restart of the node.
 */
export async function removeEndedSandboxes(findSocket: () => Promise<string>): Promise<SandboxRemoval> {
  const controller = new AbortController();
  const { signal } = controller;
  let runtime: ContainerRuntime | undefined;
  const look = async () => {
    runtime ??= connectRuntime(await findSocket());
    await removeUnused(runtime);
  };
  try {
    await look();
  } catch (error) {
    runtime?.close();
    throw error;
  }
  const run = async () => {
    while (!signal.aborted) {
      await pause(intervalMs, undefined, { signal }).catch(() => undefined);
      await look().catch(() => {
        // The node restarts.
        runtime?.close();
        runtime = undefined;
      });
    }
  };
  const running = run().finally(() => runtime?.close());
  return {
    stop: async () => {
      controller.abort();
      await running;
    },
  };
}

/** A sandbox with containers belongs to a pod that is on its way, or to one that has completed. */
export async function removeUnused(
  runtime: Pick<ContainerRuntime, 'endedSandboxes' | 'sandboxesInUse' | 'removeSandbox'>,
): Promise<void> {
  const ended = await runtime.endedSandboxes();
  if (ended.length === 0) return;
  const inUse = await runtime.sandboxesInUse();
  for (const id of ended.filter((each) => !inUse.has(each))) await runtime.removeSandbox(id);
}
