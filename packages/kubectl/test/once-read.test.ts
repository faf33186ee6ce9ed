// Commands that read the cluster once, where a list or a watch fails.
import { KubeError, type KubeTransport } from '@pod-identity/kit/kube';
import { systemClock } from '@pod-identity/kit/serve';
import { cluster } from '@pod-identity/sim';
import { expect, test } from 'vitest';
import { access } from '../src/access/access.ts';
import type { PlugInCommand } from '../src/cli/command.ts';
import { openSim, plugIn, type Ran } from './fixture.ts';

async function runWith(command: PlugInCommand, kubeOf: (kube: KubeTransport) => KubeTransport): Promise<Ran> {
  const { sim, kubeconfig } = await openSim();
  const town = await cluster(sim, { nodes: 1, namespaces: ['pay'] });
  await town.identity({ namespace: 'pay', name: 'vault' });
  await town.binding({ namespace: 'pay', name: 'vault', identity: 'vault', selector: 'vault' });
  await town.pod({ namespace: 'pay', name: 'web-0', label: 'vault' });
  const changed: PlugInCommand = {
    ...command,
    run: (session, given) => command.run({ ...session, kube: kubeOf(session.kube) }, given),
  };
  const options = { commands: [changed], clock: systemClock };
  return plugIn([command.name, '-A', '--kubeconfig', kubeconfig], options);
}

/** Of a user who may list and not watch. Pods are listed after the watch of records has failed. */
function withoutWatch(kube: KubeTransport): KubeTransport {
  const recordsRefused = Promise.withResolvers<undefined>();
  return {
    ...kube,
    async request(request) {
      if (request.path.endsWith('/pods')) await recordsRefused.promise;
      return kube.request(request);
    },
    watch({ path }) {
      if (path.includes('azureassignedidentities')) recordsRefused.resolve(undefined);
      throw new KubeError('denied', 'you may not watch');
    },
  };
}

test.each([access])('$name works for a user who may list and not watch', async (command) => {
  const { out, err } = await runWith(command, withoutWatch);
  expect(out).toContain('web-0');
  expect(err).not.toContain('may not watch');
});

/** The first list of each kind fails as it does on a busy API server. */
function withOneFailure(kube: KubeTransport): KubeTransport {
  const failed = new Set<string>();
  return {
    ...kube,
    request(request) {
      const plural = request.path.split('/').at(-1) ?? '';
      const isListed = ['pods', 'nodes', 'azureidentities', 'azureassignedidentities'].includes(plural);
      if (!isListed || failed.has(plural)) return kube.request(request);
      failed.add(plural);
      throw new KubeError('throttled', 'too many requests', { status: 429 });
    },
  };
}

test.each([access])('$name reads a list again that failed once', async (command) => {
  const { out, err } = await runWith(command, withOneFailure);
  expect(out).toContain('web-0');
  expect(err).not.toContain('too many requests');
});
