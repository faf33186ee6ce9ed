// What a stage runs on: simulated Azure, a simulated or real API server, addresses for pods, and a folder for files.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import { createPodNetwork, startSim, type PodNetwork, type Sim, type SimOptions } from '@pod-identity/sim';
import { azureConfiguration, seed } from './azure.ts';
import * as names from './names.ts';

export interface WorldOptions {
  /** A real API server instead of the simulated one. */
  readonly kubeconfig?: string;
  readonly azure?: NonNullable<SimOptions['azure']>;
}

export interface StageWorld {
  readonly isReal: boolean;
  readonly sim: Sim;
  readonly kube: KubeTransport;
  readonly kubeconfig: string;
  readonly azureJson: string;
  readonly network: PodNetwork;
  readonly folder: string;
  readonly nodes: number;
  /** What ends the stage, in the reverse order. */
  readonly undo: (() => Promise<void>)[];
}

export async function openWorld(
  options: WorldOptions,
  { folder, nodes, undo }: Pick<StageWorld, 'folder' | 'nodes' | 'undo'>,
): Promise<StageWorld> {
  const isReal = options.kubeconfig !== undefined;
  const sim = await startSim({
    azure: { tenantId: names.tenant, ...options.azure, seed: (world) => seed(world, nodes) },
  });
  undo.push(() => sim.stop());

  const kubeconfig = options.kubeconfig ?? join(folder, 'kubeconfig');
  if (!isReal) await writeFile(kubeconfig, sim.kube.kubeconfig());
  const kube = await connectKube({ kubeconfig, userAgent: 'pod-identity-stage' });
  undo.push(() => kube.close());

  const azureJson = join(folder, 'azure.json');
  await writeFile(azureJson, JSON.stringify(azureConfiguration(sim)));
  const network = createPodNetwork();
  undo.push(() => network.close());
  return { isReal, sim, kube, kubeconfig, azureJson, network, folder, nodes, undo };
}
