import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fromSources } from '../../stage/places.ts';
import { cluster, startSim, type Sim } from '../src/index.ts';

describe('a scenario', () => {
  let sim: Sim;

  beforeEach(async () => {
    sim = await startSim();
  });
  afterEach(() => sim.stop());

  test('has hosts in Azure and the nodes of these hosts in Kubernetes', async () => {
    const { nodes } = await cluster(sim, {
      nodes: 1,
      scaleSets: [
        { name: 'pool', instances: 2 },
        { name: 'flex', instances: 1, flexible: true },
      ],
    });
    expect(nodes.map(({ name, machine, address }) => [name, machine, address])).toEqual([
      ['node1', 'node1', '127.0.1.1'],
      ['pool-0', 'pool_0', '127.0.2.1'],
      ['pool-1', 'pool_1', '127.0.3.1'],
      ['flex-0', 'flex_0', '127.0.4.1'],
    ]);
    for (const { name, machine, hostId, providerId } of nodes) {
      expect(sim.azure.world.host(hostId).machines).toContain(machine);
      expect(sim.azure.imdsUrl(machine)).toMatch(/^http:\/\/127\./);
      expect(sim.kube.get('nodes', name)).toMatchObject({ spec: { providerID: providerId } });
    }
    expect(nodes[1]?.providerId).toMatch(
      /^azure:\/\/\/subscriptions\/.*\/virtualMachineScaleSets\/pool\/virtualMachines\/0$/,
    );
    expect(nodes[3]?.providerId).toMatch(/^azure:\/\/\/subscriptions\/.*\/virtualMachines\/flex_0$/);
  });

  test('creates pods, identities, bindings, exceptions and vaults in both halves', async () => {
    const stage = await cluster(sim, { nodes: 2, namespaces: ['team'] });
    const pod = await stage.pod({ namespace: 'team', name: 'a', label: 'reader', node: 'node2' });
    expect(pod).toMatchObject({
      metadata: { labels: { aadpodidbinding: 'reader' } },
      spec: { nodeName: 'node2' },
      status: { phase: 'Running', podIP: '127.0.2.10', hostIP: '127.0.2.1' },
    });
    const identity = await stage.identity({ namespace: 'team', name: 'reader' });
    await stage.binding({ namespace: 'team', name: 'reader', identity: 'reader', selector: 'reader' });
    await stage.exception({ namespace: 'team', name: 'free', podLabels: { app: 'free' } });
    expect(sim.azure.world.identity(identity.resourceId)).toEqual(identity);
    expect(sim.kube.get('azureidentities', 'reader', 'team')).toMatchObject({
      spec: { type: 0, resourceID: identity.resourceId, clientID: identity.clientId },
    });
    expect(sim.kube.list('azureidentitybindings', 'team')).toHaveLength(1);
    expect(sim.kube.list('azurepodidentityexceptions', 'team')).toHaveLength(1);
    const url = await stage.vault({ name: 'safe', secrets: { password: 'x' }, readers: [identity] });
    expect(url).toBe(sim.azure.vaultUrl('safe'));
    expect(sim.azure.world.vault('safe')?.readers.has(identity.principalId)).toBe(true);
    await expect(stage.pod({ name: 'b', node: 'none' })).rejects.toThrow('no node none');
  });
});

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

test('the command prints the addresses of the simulator in one line, and ends on SIGTERM', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sim-'));
  const config = join(folder, 'config.json');
  await writeFile(config, JSON.stringify({ cluster: { nodes: 1 } }));
  const child = spawn(process.execPath, [...fromSources, main, '--config', config], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const { kube, imds, kubeconfig } = JSON.parse(line) as {
    kube: string;
    imds: Record<string, string>;
    kubeconfig: string;
  };
  expect(imds['node1']).toMatch(/^http:/);
  expect(existsSync(kubeconfig)).toBe(true);
  const nodes = (await (await fetch(`${kube}/api/v1/nodes`)).json()) as { items: unknown[] };
  expect(nodes.items).toHaveLength(1);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(existsSync(kubeconfig)).toBe(false);
  await rm(folder, { recursive: true });
});
