import { startAzure, type AzureOptions, type AzureSim } from './azure/index.ts';
import { createFaults } from './http/faults.ts';
import { createJournal } from './http/journal.ts';
import { startKube, type KubeOptions, type KubeSim } from './kube/index.ts';

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
