import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { startSim, type Sim, type SimOptions } from './index.ts';
import { cluster, type ClusterSpec } from './scenario.ts';

/** What a configuration file may say; JSON. */
interface Configuration {
  readonly azure?: Omit<NonNullable<SimOptions['azure']>, 'now'>;
  readonly kube?: Pick<
    NonNullable<SimOptions['kube']>,
    'podTermination' | 'namespaces' | 'bookmarkMs' | 'historyLimit'
  >;
  readonly cluster?: ClusterSpec;
}

async function readConfiguration(file: string | undefined): Promise<Configuration> {
  // Whoever writes the file for a demo answers for its shape.
  return file === undefined ? {} : (JSON.parse(await readFile(file, 'utf8')) as Configuration);
}

function describe({ azure, kube }: Sim): object {
  const machines = azure.world.machines().map(({ name }) => [name, azure.imdsUrl(name)]);
  const vaults = azure.world.vaults().map(({ name }) => [name, azure.vaultUrl(name)]);
  return {
    ...{ kube: kube.url, arm: azure.armUrl, entra: azure.entraUrl, caFile: azure.caFile },
    ...{ imds: Object.fromEntries(machines) as object, vaults: Object.fromEntries(vaults) as object },
  };
}

const { values } = parseArgs({ options: { config: { type: 'string' }, kubeconfig: { type: 'boolean' } } });
const configuration = await readConfiguration(values.config);
const sim = await startSim(configuration);
if (configuration.cluster) await cluster(sim, configuration.cluster);
if (values.kubeconfig) console.error(sim.kube.kubeconfig());
console.log(JSON.stringify(describe(sim)));

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    // Nothing else keeps the process.
    void sim.stop();
  });
}
