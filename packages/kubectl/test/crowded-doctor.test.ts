import { customResourceDefinitions } from '@pod-identity/crd-types';
import { cluster, type KubeObject } from '@pod-identity/sim';
import { expect, test } from 'vitest';
import type { PlugInCommand } from '../src/cli/command.ts';
import { readFacts } from '../src/doctor/read-facts.ts';
import type { DoctorFacts } from '../src/doctor/facts.ts';
import { openSim, plugIn, workload } from './fixture.ts';

test('attack: of pods that may be thousands with a hundred bindings each, doctor keeps only what its checks look for', async () => {
  const { sim, kubeconfig } = await openSim();
  const town = await cluster(sim, { scaleSets: [{ name: 'vmss', instances: 1 }], namespaces: ['pay'] });
  sim.kube.seed([
    workload('DaemonSet', { namespace: 'aad-pod-identity', name: 'nmi', args: ['--node=x'] }),
    ...(customResourceDefinitions() as unknown as readonly KubeObject[]),
  ]);
  for (const name of ['vault', 'other']) await town.identity({ namespace: 'pay', name });
  for (const identity of ['vault', 'other', 'gone'])
    await town.binding({ namespace: 'pay', name: identity, identity, selector: 'vault' });
  await town.pod({ namespace: 'pay', name: 'web-0', label: 'vault' });
  const read = Promise.withResolvers<DoctorFacts>();
  const command: PlugInCommand = {
    name: 'look',
    summary: 'reads',
    examples: [],
    run: async (session) => {
      read.resolve(await readFacts(session, new Set()));
      return 0;
    },
  };
  await plugIn(['look', '-A', '--kubeconfig', kubeconfig], { commands: [command] });
  const { explained } = await read.promise;
  const findings = 'value' in explained ? explained.value.flatMap((one) => one.findings) : [];
  expect(findings.map(({ topic, verdict }) => `${topic} ${verdict}`)).toEqual([
    'binding ok',
    'binding ok',
    'identity problem',
  ]);
});
