import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startSim, type Sim, type SimOptions } from './sim.ts';
import { cluster, type ClusterSpec } from './scenario.ts';

/** The configuration file, in JSON. */
interface Configuration {
  readonly azure?: Omit<NonNullable<SimOptions['azure']>, 'now' | 'seed'>;
  readonly kube?: Pick<
    NonNullable<SimOptions['kube']>,
    'podTermination' | 'namespaces' | 'bookmarkMs' | 'historyLimit'
  >;
  readonly cluster?: ClusterSpec;
}

async function readConfiguration(file: string | undefined): Promise<Configuration> {
  // The file is for demos, and is not validated.
  return file === undefined ? {} : (JSON.parse(await readFile(file, 'utf8')) as Configuration);
}

function describe({ azure, kube }: Sim, kubeconfig: string): object {
  const machines = azure.world.machines().map(({ name }) => [name, azure.imdsUrl(name)] as const);
  const vaults = azure.world.vaults().map(({ name }) => [name, azure.vaultUrl(name)] as const);
  return {
    kube: kube.url,
    kubeconfig,
    arm: azure.armUrl,
    entra: azure.entraUrl,
    caFile: azure.caFile,
    imds: Object.fromEntries(machines),
    vaults: Object.fromEntries(vaults),
  };
}

const { values } = parseArgs({ options: { config: { type: 'string' } } });
const configuration = await readConfiguration(values.config);
const sim = await startSim(configuration);
if (configuration.cluster) await cluster(sim, configuration.cluster);
const folder = await mkdtemp(join(tmpdir(), 'pod-identity-sim-'));
const kubeconfig = join(folder, 'kubeconfig');
await writeFile(kubeconfig, sim.kube.kubeconfig());
console.log(JSON.stringify(describe(sim, kubeconfig)));

async function stop(): Promise<void> {
  await sim.stop();
  await rm(folder, { recursive: true, force: true });
}
// The listeners keep the process alive.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());
