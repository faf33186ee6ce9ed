// The commands that the plug-in prints, in a shell: whatever editors have written into their objects, they are words of the printed programs,
// and nothing that a shell interprets.
import { spawnSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { cluster, type KubeObject } from '@pod-identity/sim';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { folderFor, openSim, plugIn, workload } from './fixture.ts';

/** What a shell interprets. `touch` would leave a file, and is not there either. */
const parts = ['<id>', '> f', '>>f', '$(touch f)', '`touch f`', '; touch f', '|touch f', '& touch f'];
const hostile = fc
  .array(fc.constantFrom(...parts, "'", '"', '\\', '\n', '#', ' ', 'a', 'EOF', '<<EOF'), { maxLength: 5 })
  .map((some) => some.join(''));
const aCluster = fc.record({
  selector: hostile,
  group: hostile,
  clientID: hostile,
  tenantID: hostile,
  label: hostile,
  taint: hostile,
  type: fc.constantFrom(0, 3),
  isWhole: fc.boolean(),
});
type Cluster = typeof aCluster extends fc.Arbitrary<infer T> ? T : never;
/** With valid fields, so that each run has commands that need these. */
const valid = {
  selector: 'vault',
  group: 'a(b)',
  clientID: 'x',
  tenantID: 'y',
  label: '<id>',
  taint: 'k',
  isWhole: true,
};
const examples: readonly Cluster[] = [
  { ...valid, type: 0 },
  { ...valid, type: 3 },
];

const [namespace, name] = ['pay', 'vault'];
const ids = {
  tenantID: '00000000-0000-0000-0000-00000000ad00',
  clientID: '00000000-0000-0000-0000-00000000c11d',
};

function objectsOf({
  selector,
  group,
  label,
  taint,
  type,
  isWhole,
  ...stated
}: Cluster): readonly KubeObject[] {
  const [apiVersion, metadata] = ['aadpodidentity.k8s.io/v1', { namespace, name, generation: 1 }];
  const of = { reason: 'CredentialMissing', type: 'Warning', lastTimestamp: new Date().toISOString() };
  const spec = { type, resourceID: resourceIdIn(group), ...(isWhole ? ids : stated) };
  const condition = { type: 'Ready', status: 'False', reason: 'ClientIDMismatch', observedGeneration: 1 };
  return [
    { apiVersion, kind: 'AzureIdentity', metadata, spec, status: { conditions: [condition] } },
    { apiVersion, kind: 'AzureIdentityBinding', metadata, spec: { azureIdentity: name, selector } },
    {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace, name: 'missed' },
      involvedObject: { kind: 'Pod', namespace, name: 'web-0' },
      ...of,
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace, name: 'typo-0', labels: { aadpodidbindng: label } },
      spec: { nodeName: 'vmss_0', containers: [] },
      status: { phase: 'Running' },
    },
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'tainted' },
      spec: { taints: [{ key: taint, effect: 'NoSchedule' }] },
    },
  ];
}

async function open(): Promise<{
  readonly kubeconfig: string;
  readonly seed: (objects: readonly KubeObject[]) => void;
}> {
  const { sim, kubeconfig } = await openSim();
  const town = await cluster(sim, { scaleSets: [{ name: 'vmss', instances: 1 }], namespaces: [namespace] });
  await town.pod({ namespace, name: 'web-0', label: name });
  const [home, broker] = ['aad-pod-identity', 'aad-pod-identity-broker'];
  const args = ['--node=x', '--identity-access=rbac', `--broker=${broker}`, '--broker-token-file=/t'];
  sim.kube.seed([
    workload('DaemonSet', { namespace: home, name: 'nmi', args }),
    workload('Deployment', { namespace: broker, name: 'broker', args: ['broker', '--broker-agent=a/nmi'] }),
  ]);
  return { kubeconfig, seed: (objects) => sim.kube.seed(objects) };
}

/** All of `-o json` that is for a shell. */
function commandsIn(value: unknown, of = ''): readonly string[] {
  if (typeof value === 'string') return ['command', 'commands', 'back'].includes(of) && value ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) =>
    commandsIn(member, Array.isArray(value) ? of : key),
  );
}

const resourceIdIn = (group: string) =>
  `/subscriptions/s/resourceGroups/${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i`;

/** Of an AzureIdentity that MIC does not confirm, the ids that the user gives are printed: perhaps copied from the object. */
const callsFor = ({ group }: Cluster) => [
  ...calls,
  ...['to-federated', 'to-workload-identity'].map((step) => [
    ...['migrate', step, `${namespace}/${step === 'to-federated' ? name : 'default'}`],
    ...['--client-id', ids.clientID, '--resource-id', resourceIdIn(group)],
  ]),
];

const calls = [
  ['doctor'],
  ['explain', `${namespace}/web-0`],
  ['explain', `${namespace}/typo-0`],
  ['access', `${namespace}/default`, `${namespace}/${name}`],
  ['migrate', 'to-federated', `${namespace}/${name}`],
  ['migrate', 'to-federated', `${namespace}/${name}`, '--credential-exists'],
  ['migrate', 'to-workload-identity', `${namespace}/default`],
  ['migrate', 'to-workload-identity', `${namespace}/default`, '--credential-exists'],
];

/** Programs that take what they are given; there are no others. */
const programs = ['az', 'kubectl', 'sudo'].map((one) => `${one}() { echo given given; }\n`).join('');

test('attack: nothing that an editor writes into an object is interpreted by a shell into which a command is pasted', async () => {
  const { kubeconfig, seed } = await open();
  const folder = await folderFor('paste');
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(aCluster, async (cluster) => {
      seed(objectsOf(cluster));
      for (const words of callsFor(cluster)) {
        const { out, err } = await plugIn([...words, '-o', 'json', '--kubeconfig', kubeconfig]);
        const commands = out === '' ? [] : commandsIn(JSON.parse(out));
        const goElsewhere = commands.some((command) => command.includes('kubectl '));
        expect(err.includes(`current context: add --kubeconfig=${kubeconfig} after`) || !goElsewhere).toBe(
          true,
        );
        for (const command of commands) seen.add(`${words[0]} ${/^\S+ \S+/.exec(command)?.[0]}`);
        const options = { cwd: folder, env: { PATH: '' }, encoding: 'utf8', timeout: 10_000 } as const;
        const shell = spawnSync('/bin/bash', ['--norc', '-c', programs + commands.join('\n')], options);
        expect({ commands, code: shell.status, errors: shell.stderr }).toMatchObject({ code: 0, errors: '' });
      }
      expect(await readdir(folder)).toEqual([]);
    }),
    { numRuns: 12, examples: examples.map((one) => [one]) },
  );
  const wanted = ['doctor kubectl label', 'doctor az identity', 'migrate az identity'];
  expect([...seen]).toEqual(expect.arrayContaining([...wanted, 'migrate kubectl -n']));
});
