// `bootstrap.mjs e2e --kubeconfig FILE` as a program, against a cluster that another installation has left.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import * as names from '../../../stage/names.ts';
import { inDeploy } from '../../../stage/places.ts';
import { createPrintedLines } from '../../../stage/printed-lines.ts';
import { within } from '../../../stage/within.ts';
import type { ClusterStage } from '../stage.ts';

const main = fileURLToPath(new URL('../../any-cluster/main.ts', import.meta.url));
const given = 'registry.test/pod-identity';
const kinds =
  'namespaces,crds,clusterroles,clusterrolebindings,roles,rolebindings,deployments,daemonsets,serviceaccounts';

export function describeAnyCluster(open: () => ClusterStage): void {
  describe('bootstrap.mjs e2e --kubeconfig', () => {
    let stage: ClusterStage;
    beforeAll(() => {
      stage = open();
    });
    afterAll(() => renameImages(stage, given, 'your-registry.invalid/aad-pod-identity'));

    const ours = async () =>
      (await stage.kubectl('get', kinds, '--all-namespaces', '--output=name'))
        .split('\n')
        .filter((name) => /pod-?identity|aad-pod|\/(nmi|mic)/.test(name));
    const start = (...args: readonly string[]) => startCommand(stage.cluster.kubeconfig, args);

    test('it refuses a cluster with an installation, and leaves that as it is', async () => {
      const before = await ours();
      expect(before).toContain(`namespace/${names.systemNamespace}`);
      const { code, said } = await start().ended();
      expect(said).toContain('Not begun: This cluster has an installation');
      expect(code).toBe(1);
      expect(await ours()).toEqual(before);
    });

    test('it says which image a node cannot pull, exits with 1, and removes what it created', async () => {
      await stage.kubectl('delete', 'pods', '--all', '--grace-period=0', '--force');
      await stage.kubectl('delete', '--ignore-not-found', '-f', inDeploy('infra/deployment-rbac.yaml'));
      await stage.kubectl(
        'delete',
        '--ignore-not-found',
        '-f',
        inDeploy('components/startup-taint/rbac.yaml'),
      );
      expect(await ours()).toEqual([]);
      const { code, said } = await start().ended();
      expect(said).toMatch(/node1 cannot pull the image registry\.test\/pod-identity\/nmi:0\.1\.0 \(Err/);
      expect(code).toBe(1);
      expect(await ours()).toEqual([]);
    });

    test('it passes, with the images of the registry it was given, and leaves the cluster as it was', async () => {
      await renameImages(stage, 'your-registry.invalid/aad-pod-identity', given);
      const before = await stage.azure.ask('attached');
      expect(before).not.toContain(names.secondIdentity.id.toLowerCase());
      const identities = [names.firstIdentity, names.secondIdentity];
      const options = identities.flatMap(({ id, clientId }) => ['--identity', `${id},${clientId}`]);
      const { code, said } = await start(...options).ended();
      expect(said).toContain('5 passed, 0 failed, 0 skipped');
      expect(code, said).toBe(0);
      await expectClean();
      // MIC detaches what it attached; the first identity is still attached for the installation before.
      expect(await stage.azure.ask('attached')).toEqual(before);
    });

    test('Ctrl-C in the middle of it removes everything, too', async () => {
      const command = start();
      await command.line('Installed');
      command.interrupt();
      const { code, said } = await command.ended();
      expect(said).toContain('Everything is removed.');
      expect(code).toBe(130);
      await expectClean();
    });

    async function expectClean() {
      expect(await ours()).toEqual([]);
      const [node] = stage.nodes;
      expect(await node.in('nft', 'list', 'tables')).not.toContain('aad');
      expect(await node.in('ip', 'rule')).not.toContain('prohibit');
    }
  });
}

const patienceMs = 300_000;

function startCommand(kubeconfig: string, args: readonly string[]) {
  // Its tests are counted by themselves.
  const env = { ...process.env, POD_IDENTITY_TEST_COUNT: '' };
  const child = spawn(process.execPath, [main, '--kubeconfig', kubeconfig, '--images', given, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines = createPrintedLines('the command');
  for (const output of [child.stdout, child.stderr])
    createInterface({ input: output }).on('line', (line) => lines.add(line));
  const closed = once(child, 'close') as Promise<[number | null]>;
  const said = () => lines.all.join('\n');
  const ended = () => within(patienceMs, () => `the end of the command; it said:\n${said()}`, closed);
  // A test that failed before the end of the command: what follows needs the cluster without what the command has created.
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGINT');
    await ended().finally(() => child.kill('SIGKILL'));
  }, patienceMs + 5_000);
  return {
    line: (text: string) => lines.first((line) => line.includes(text), patienceMs),
    interrupt: () => child.kill('SIGINT'),
    ended: async () => {
      const [code] = await ended();
      return { code, said: said() };
    },
  };
}

/** As an administrator's cluster that pulls from a registry of its own. */
async function renameImages({ nodes }: ClusterStage, from: string, to: string): Promise<void> {
  const ctr = ['ctr', '--namespace', 'k8s.io', 'images'];
  for (const node of nodes) {
    const found = await node.on(...ctr, 'list', '--quiet');
    for (const name of ['mic', 'nmi']) {
      const image = `${from}/${name}:0.1.0`;
      if (!found.split('\n').includes(image)) continue;
      await node.on(...ctr, 'tag', image, `${to}/${name}:0.1.0`);
      await node.on(...ctr, 'remove', image);
    }
  }
}
