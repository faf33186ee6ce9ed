// The base of a stage: simulated Azure, a simulated or real API server, addresses for pods, and a folder for files.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import {
  createPodNetwork,
  loopbackHasOneAddress,
  startSim,
  type PodNetwork,
  type Sim,
  type SimOptions,
} from '@pod-identity/sim';
import { azureConfiguration, seed } from './azure.ts';
import type { Cleanup } from './cleanup.ts';
import * as names from './names.ts';

export interface WorldOptions {
  /** A real API server instead of the simulated one. */
  readonly kubeconfig?: string;
  /** Where MIC and NMI reach it. Default: where the kubeconfig says. */
  readonly serverOfServices?: string;
  readonly azure?: NonNullable<SimOptions['azure']>;
}

export interface StageWorld {
  readonly isReal: boolean;
  readonly sim: Sim;
  readonly kube: KubeTransport;
  readonly kubeconfig: string;
  readonly serverOfServices: string | undefined;
  readonly azureJson: string;
  readonly network: PodNetwork;
  readonly folder: string;
  readonly nodes: number;
  readonly cleanup: Cleanup;
}

export async function openWorld(
  options: WorldOptions,
  { folder, nodes, cleanup }: Pick<StageWorld, 'folder' | 'nodes' | 'cleanup'>,
): Promise<StageWorld> {
  const isReal = options.kubeconfig !== undefined;
  const sim = await startSim({
    azure: { tenantId: names.tenant, ...options.azure, seed: (world) => seed(world, nodes) },
  });
  cleanup.add(() => sim.stop());

  const kubeconfig = options.kubeconfig ?? join(folder, 'kubeconfig');
  if (!isReal) await writeFile(kubeconfig, sim.kube.kubeconfig());
  const kube = await connectKube({ kubeconfig, userAgent: 'pod-identity-stage' });
  cleanup.add(() => kube.close());

  const azureJson = join(folder, 'azure.json');
  await writeFile(azureJson, JSON.stringify(azureConfiguration(sim)));
  const network = createPodNetwork({ hasOneAddress: await loopbackHasOneAddress() });
  cleanup.add(() => network.close());
  const { serverOfServices } = options;
  return { isReal, sim, kube, kubeconfig, serverOfServices, azureJson, network, folder, nodes, cleanup };
}
