// The fields of `-o json` are a contract: programs of users read them, so the README names each of them where its command is described.
import { readFile } from 'node:fs/promises';
import type { Finding, Remedy } from '@pod-identity/policy';
import { cluster, type KubeObject } from '@pod-identity/sim';
import { beforeAll, expect, test } from 'vitest';
import type { Holder } from '../src/access/grants.ts';
import type { IdentityEntry } from '../src/access/targets.ts';
import type { UseEntry } from '../src/access/uses.ts';
import type { Cause, PodRow, Report, Service } from '../src/judge/report.ts';
import type { Plan, Step } from '../src/migrate/plan.ts';
import type { MigrationState } from '../src/migrate/migrate.ts';
import { openSim, plugIn, workload } from './fixture.ts';

/** All fields of a type, also those that are rare: the compiler finds one that is missing here. */
type FieldsOf<T> = Readonly<Record<keyof T, true>>;
const fields = <T>(all: FieldsOf<T>) => Object.keys(all);
const finding = fields<Finding>({ topic: true, verdict: true, text: true, quote: true, remedy: true });
const remedy = fields<Remedy>({ text: true, command: true, paste: true });
const report = [
  ...fields<Report>({ causes: true, services: true, pods: true, holding: true, unknown: true }),
  ...fields<Cause>({
    key: true,
    state: true,
    text: true,
    actor: true,
    objects: true,
    pods: true,
    remedy: true,
  }),
  ...fields<Service>({ kind: true, namespace: true, name: true, version: true, state: true, text: true }),
  ...fields<PodRow>({
    pod: true,
    serviceAccount: true,
    identities: true,
    bindings: true,
    host: true,
    node: true,
    state: true,
    why: true,
  }),
  ...remedy,
];
const typed: Readonly<Record<string, readonly string[]>> = {
  status: report,
  explain: [...finding, ...remedy],
  access: [
    ...fields<IdentityEntry>({
      resource: true,
      name: true,
      right: true,
      on: true,
      roles: true,
      by: true,
      warning: true,
    }),
    ...fields<Holder>({ holder: true, on: true, clusterRole: true, clusterRoleBinding: true }),
    ...fields<UseEntry>({
      pod: true,
      node: true,
      serviceAccount: true,
      by: true,
      type: true,
      azure: true,
      mode: true,
      right: true,
      mayUse: true,
      state: true,
    }),
  ],
  migrate: [
    ...fields<Plan>({ title: true, steps: true, notes: true, back: true }),
    ...fields<Step>({
      id: true,
      title: true,
      state: true,
      why: true,
      commands: true,
    }),
    ...fields<MigrationState>({
      state: true,
      unknown: true,
      next: true,
    }),
  ],
};

let readme = '';
let kubeconfig = '';
beforeAll(async () => {
  readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
});

/** What is under the heading of a command, up to the next one. */
function sectionOf(command: string): string {
  const [, section = ''] = new RegExp(`^##+ ${command}\n([^]*?)(?=^##|(?![^]))`, 'm').exec(readme) ?? [];
  return section;
}
const isNamed = (section: string, name: string) => new RegExp(`[\`"]${name}[\`"]`).test(section);

test.each(Object.entries(typed))('%s: each field of its types is in the README', (command, names) => {
  const section = sectionOf(command);
  expect(names.filter((name) => !isNamed(section, name))).toEqual([]);
});

/** Of these the keys are no fields: states, and the ids of steps. */
const maps = new Set(['states', 'outcomes']);

function fieldsIn(value: unknown, of = ''): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((each) => fieldsIn(each, of));
  if (typeof value !== 'object' || value === null) return [];
  const members = Object.entries(value).flatMap(([key, member]) => fieldsIn(member, key));
  return maps.has(of) ? members : [...Object.keys(value), ...members];
}

async function open(): Promise<void> {
  const opened = await openSim();
  kubeconfig = opened.kubeconfig;
  const town = await cluster(opened.sim, {
    scaleSets: [{ name: 'vmss', instances: 1 }],
    namespaces: ['pay'],
  });
  const [namespace, rbac] = ['aad-pod-identity', '--identity-access=rbac'];
  const metadata = { name: 'use-all' };
  const group = { apiVersion: 'rbac.authorization.k8s.io/v1' };
  const apiGroups = ['use.aadpodidentity.k8s.io', '*'];
  opened.sim.kube.seed([
    workload('Deployment', { namespace, name: 'mic', args: [rbac], image: 'r.test/mic:0.1.0' }),
    workload('DaemonSet', { namespace, name: 'nmi', args: ['--node=x', rbac] }),
    { ...group, kind: 'ClusterRole', metadata, rules: [{ apiGroups, resources: ['*'], verbs: ['use'] }] },
    {
      ...group,
      kind: 'ClusterRoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', ...metadata },
      subjects: [{ kind: 'ServiceAccount', namespace: 'pay', name: 'other' }],
    },
  ] as KubeObject[]);
  await town.identity({ namespace: 'pay', name: 'vault' });
  await town.binding({ namespace: 'pay', name: 'vault', identity: 'vault', selector: 'vault' });
  await town.pod({ namespace: 'pay', name: 'web-0', label: 'vault' });
}

test('each field of what the commands print is in the README', async () => {
  await open();
  const calls = [
    ['status', '-A'],
    ['explain', 'pay/web-0'],
    ['access', 'pay/default'],
    ['access', 'pay/default', 'pay/vault'],
    ['access', '--identity', 'pay/vault'],
    ['access', '-A'],
    ['migrate', 'to-federated', 'pay/vault'],
  ];
  for (const [command = '', ...words] of calls) {
    const { out, err } = await plugIn([command, ...words, '-o', 'json', '--kubeconfig', kubeconfig]);
    const names = fieldsIn(JSON.parse(out || `"${err}"`));
    expect(names.length, [command, ...words].join(' ')).toBeGreaterThan(3);
    const section = sectionOf(command);
    expect([command, ...new Set(names.filter((name) => !isNamed(section, name)))]).toEqual([command]);
  }
});
