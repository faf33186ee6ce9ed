import { cluster } from '@pod-identity/sim';
import { expect, test } from 'vitest';
import { agentOn, editorOf, openSim, plugIn, workload } from './fixture.ts';

/** A pod that is to be `reader`; NMI is not ready on the second node. */
async function open() {
  const { sim, kubeconfig } = await openSim();
  const town = await cluster(sim, { scaleSets: [{ name: 'vmss', instances: 2 }], namespaces: ['shop'] });
  const [namespace, image] = ['kube-system', 'r.test/mic:0.1.0'];
  sim.kube.seed([
    workload('Deployment', { namespace, name: 'mic', args: [], image }),
    workload('DaemonSet', { namespace, name: 'nmi', args: ['--node=x'] }),
    ...town.nodes.map(({ name }, at) => agentOn(name, at === 0)),
  ]);
  await town.identity({ namespace: 'shop', name: 'reader' });
  await town.binding({ namespace: 'shop', name: 'reader', identity: 'reader', selector: 'reader' });
  await town.pod({ namespace: 'shop', name: 'reader-0', label: 'reader' });
  return { sim, kubeconfig, town };
}

test('causes first, worst first, each with its pods, who must act and the remedy', async () => {
  const { kubeconfig, town } = await open();
  await town.binding({ namespace: 'shop', name: 'lost', identity: 'raeder', selector: 'lost' });
  await town.pod({ namespace: 'shop', name: 'typo-0', label: 'raeder' });
  const { code, out } = await plugIn(['status', '-n', 'shop', '--kubeconfig', kubeconfig]);
  expect(code).toBe(1);
  expect(out).toMatch(/^namespace shop; -A for all$/m);
  expect(out).toMatch(
    /^problem: no AzureIdentityBinding has the selector 'raeder'.*\n {4}shop\) · pod shop\/typo-0 · editor of the namespace$/m,
  );
  expect(out).toContain("'reader' is probably meant");
  expect(out).toMatch(
    /^problem: AzureIdentityBinding shop\/lost names AzureIdentity shop\/raeder, which does not/m,
  );
  expect(out).toMatch(/^mic kube-system\/mic: ok, 1 of 1 ready/m);
  expect(out.lastIndexOf('\nproblem: ')).toBeLessThan(out.indexOf('\nmic kube-system/mic: '));
  expect(out).toMatch(/NMI on node \S+ is not ready/);
  const lines = out.split('\n').filter((line) => !line.startsWith('  $ '));
  expect(lines.filter(({ length }) => length > 120)).toEqual([]);
});

test('where bindings may not be listed it says so, and not that there are none', async () => {
  const { sim, kubeconfig } = await open();
  sim.kube.faults.add({
    match: { path: /azureidentitybindings/ },
    then: { status: 403, body: { kind: 'Status', code: 403, reason: 'Forbidden' } },
  });
  const { code, out, err } = await plugIn(['status', '-n', 'shop', '--kubeconfig', kubeconfig]);
  expect(out).toMatch(
    /^unknown: which bindings select pods is not known: you may not list [^:]* pod\s+shop\/reader-0 /m,
  );
  expect(out).toMatch(/^1 pod: 1 unknown$/m);
  expect(out).not.toContain('no AzureIdentityBinding');
  expect(err).toContain('not known: you may not list azureidentitybindings');
  expect(code).toBe(1);
});

test('ids are shown by their last part, and whole with -o wide', async () => {
  const { sim, kubeconfig } = await open();
  const id = '/subscriptions/s/resourceGroups/g/providers/x/y/vault';
  const ready = { type: 'Ready', status: 'False', reason: 'Rejected', message: `Azure refused ${id}` };
  const identity = sim.kube.get('azureidentities', 'reader', 'shop')!;
  sim.kube.seed([{ ...identity, status: { conditions: [ready] } }]);
  const status = async (...words: string[]) =>
    (await plugIn(['status', '-n', 'shop', ...words, '--kubeconfig', kubeconfig])).out;
  expect(await status()).toMatch(/Azure refused vault /);
  expect(await status('-o', 'wide')).toContain(`Azure refused ${id} `);
});

test('who may not look for NMI is not told by the exit code that all is well', async () => {
  const { sim, town } = await open();
  const nodename = town.nodes[0]?.name ?? '';
  const metadata = { name: 'reader-0-shop-reader', namespace: 'shop', labels: { nodename } };
  const [azureIdentityRef, azureBindingRef] = ['azureidentities', 'azureidentitybindings'].map((kind) =>
    sim.kube.get(kind, 'reader', 'shop'),
  );
  const spec = { pod: 'reader-0', podNamespace: 'shop', nodename, azureIdentityRef, azureBindingRef };
  const apiVersion = 'aadpodidentity.k8s.io/v1';
  sim.kube.seed([
    { apiVersion, kind: 'AzureAssignedIdentity', metadata, spec, status: { status: 'Assigned' } },
  ]);
  const kubeconfig = await editorOf(sim, 'shop');
  const { code, out, err } = await plugIn(['status', '-n', 'shop', '--kubeconfig', kubeconfig]);
  expect(out).toContain('1 pod: 1 ok');
  expect(err).toContain('not known: you may not list daemonsets.apps');
  expect(code).toBe(2);
});
