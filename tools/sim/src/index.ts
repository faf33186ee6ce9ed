// The simulator: Azure and Kubernetes on loopback, for the demo and the tests. Its two halves know nothing of each other;
// only scenario.ts speaks of both. Nothing here may import the programs that are tested against it.
import { startAzure, type AzureOptions, type AzureSim } from './azure/index.ts';
import { createFaults } from './http/faults.ts';
import { createJournal } from './http/journal.ts';
import { startKube, type KubeOptions, type KubeSim } from './kube/index.ts';

export type * from './azure/index.ts';
export { startAzure } from './azure/index.ts';
export type { FaultAction, FaultHandle, FaultRule, Faults } from './http/faults.ts';
export type { Journal, JournalEntry, JournalFilter } from './http/journal.ts';
export {
  startKube,
  type Change,
  type KubeObject,
  type KubeOptions,
  type KubeSim,
  type Metadata,
  type OwnerReference,
  type Storage,
  type Stored,
} from './kube/index.ts';
export {
  createPodNetwork,
  type PodNetwork,
  type PodPath,
  type PodPathOptions,
} from './network/pod-network.ts';
export { kubeClient, KubeAnswerError, type KubeClient } from './kube-client.ts';
export * from './scenario.ts';

export interface SimOptions {
  readonly azure?: AzureOptions;
  readonly kube?: KubeOptions;
}

export interface Sim {
  readonly azure: AzureSim;
  readonly kube: KubeSim;
  /** Ends everything that was started, at once. */
  stop(): Promise<void>;
}

/** Both halves, each with a journal and faults of its own. */
export async function startSim(options: SimOptions = {}): Promise<Sim> {
  const shared = { journal: createJournal(), faults: createFaults() };
  const kube = await startKube(options.kube);
  const azure = await startAzure(options.azure ?? {}, shared).catch(async (error: unknown) => {
    await kube.stop();
    throw error;
  });
  return {
    azure,
    kube,
    stop: async () => {
      await Promise.all([azure.stop(), kube.stop()]);
    },
  };
}
