// A network namespace for the simulated Azure, beside the nodes of a cluster of the Kubernetes kit.
import type { RunningCluster } from '@pod-identity/kit/testing';
import { runCommand } from '../../stage/run-command.ts';
import { azureAddresses } from './places-of-azure.ts';

export interface AzureNetwork {
  readonly namespace: string;
  readonly remove: () => Promise<void>;
}

export async function joinAzure({ control, nodes }: RunningCluster): Promise<AzureNetwork> {
  // With a name of the kit's own, so that `cluster down` removes it too if the test dies.
  const namespace = control.replace(/control$/, 'azure');
  const ip = (...words: readonly string[]) => runCommand('ip', words);
  await ip('netns', 'add', namespace);
  const here = ['-n', namespace];
  await ip(...here, 'link', 'set', 'lo', 'up');
  await ip(...here, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'azure', 'netns', control);
  await ip('-n', control, 'link', 'set', 'azure', 'master', 'br0', 'up');
  for (const address of Object.values(azureAddresses))
    await ip(...here, 'address', 'add', `${address}/24`, 'dev', 'eth0');
  await ip(...here, 'link', 'set', 'eth0', 'up');
  // The kit numbers its nodes' pods in the order of the nodes.
  for (const [index, node] of nodes.entries())
    await ip(...here, 'route', 'add', `10.41.${index + 1}.0/24`, 'via', node.ip);
  return {
    namespace,
    remove: async () => {
      await ip('netns', 'del', namespace);
    },
  };
}
