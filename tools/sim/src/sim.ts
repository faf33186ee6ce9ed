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
  /** Stops everything that was started. */
  stop(): Promise<void>;
}

/** Both halves, each with its own journal and faults. */
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
