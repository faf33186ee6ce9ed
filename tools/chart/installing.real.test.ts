// An administrator's first day, on a real API server of Kubernetes 1.34 with its controllers: the commands as the pages print them.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { startApiServer, whyNoApiServer, whyNoPrograms } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { createCleanup } from '../stage/cleanup.ts';
import { printedCommand } from '../stage/printed.ts';
import type { KubeObject } from '../stage/objects.ts';
import { repository } from '../stage/places.ts';
import { findHelm } from './helm-for-tests.ts';
import type { HelmVersion } from './helm.ts';
import { comparable } from './same-objects.ts';

const versions: readonly HelmVersion[] = ['3.18.0', '4.2.3'];
const found = await Promise.all(versions.map((version) => findHelm(version)));
const missing =
  whyNoApiServer() ??
  whyNoPrograms({ programs: ['kubectl'] }) ??
  found.flatMap((helm) => (helm.kind === 'missing' ? [helm.why] : []))[0];
if (missing !== undefined) console.warn(`skipped installing on a real API server: ${missing}`);

const attempts = 300;
const patienceMs = 120_000;
const system = '--namespace aad-pod-identity';
const infra = 'deploy/infra/deployment-rbac.yaml';
const definitions =
  'azureidentities,azureidentitybindings,azureassignedidentities,azurepodidentityexceptions';
const ours = "| grep -E 'pod-identity|aadpodidentity' || true";

describe.skipIf(missing !== undefined)('on Kubernetes 1.34', () => {
  const cleanup = createCleanup();
  let folder: string;
  let kubeconfig: string;

  beforeAll(async () => {
    const server = await startApiServer({ flavour: 'v1.34', hasControllers: true });
    if ('skipped' in server) throw new Error(server.skipped);
    cleanup.add(() => server.stop());
    ({ kubeconfig } = server);
    folder = await mkdtemp(join(tmpdir(), 'pod-identity-installing-'));
    cleanup.add(() => rm(folder, { recursive: true }));
    for (const [index, helm] of found.entries()) {
      const bin = join(folder, versions[index] ?? '');
      await mkdir(bin);
      if (helm.kind === 'found') await symlink(helm.program, join(bin, 'helm'));
    }
  });
  afterAll(() => cleanup.run());

  /** Runs the commands in the repository; resolves with what they print. */
  const run = (commands: string, helm: HelmVersion = '4.2.3') => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const env = {
      ...process.env,
      PATH: `${join(folder, helm)}:${process.env['PATH'] ?? ''}`,
      KUBECONFIG: kubeconfig,
      HOME: folder,
      REGISTRY: 'registry.test',
    };
    const args = ['-euo', 'pipefail', '-c', commands];
    execFile('bash', args, { cwd: repository, env, timeout: patienceMs }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${commands}\n${stdout}${stderr}`, { cause: error }));
    });
    return promise;
  };
  /** The API server's caches and controllers take a moment, and have no sign that says when they are done. */
  const until = async (commands: string, isDone: (printed: string) => boolean) => {
    let printed = '';
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      printed = await run(commands);
      if (isDone(printed)) return;
      await pause(100);
    }
    throw new Error(`${commands} still printed: ${printed}`);
  };

  const standard = printedCommand('README.md', 'overlays/standard');
  const [article = ''] = printedCommand(
    'docs/administrator/walkthrough.md',
    'infra/deployment-rbac.yaml',
    '| kubectl create',
  ).split('\n');
  const [install = ''] = printedCommand(
    'charts/pod-identity/README.md',
    'helm install pod-identity charts',
  ).split('\nhelm test');
  const upgrade = `helm upgrade pod-identity charts/pod-identity ${system} --reset-then-reuse-values`;
  const uninstall = `helm uninstall pod-identity ${system}`;
  const anything = `kubectl get crd,clusterrole,clusterrolebinding,namespace,role,rolebinding -A -o name ${ours}`;
  const verdicts = (printed: string) =>
    printed
      .trim()
      .split('\n')
      .filter((line) => !/ (unchanged|created)$/.test(line));

  test('what kubectl create made is removed by the command of the page, without a rest', async () => {
    expect(await run(article)).toContain('daemonset.apps/nmi created');
    const [, remove = ''] =
      /(kubectl delete --ignore-not-found) -k/.exec(
        printedCommand('deploy/README.md', 'kubectl delete --ignore-not-found -k deploy/overlays/standard'),
      ) ?? [];
    // Kubernetes 1.34 may not delete a definition whose objects nobody has ever listed: its own first list fails, and it does not list again.
    await until(`kubectl get ${definitions} --all-namespaces 2>&1 || true`, (printed) =>
      printed.startsWith('No resources found'),
    );
    await run(`${remove} -f ${infra}`);
    expect(await run(anything)).toBe('');
  });

  /** How the objects of ours differ from those that this way would create in an empty cluster; the commands as one page prints them. */
  const differences = async (way: string) => {
    const [rendered] = way.split(/ \| kubectl (?:apply|create)/);
    const kinds = 'deployment,daemonset,poddisruptionbudget,serviceaccount';
    const rights = 'role,rolebinding,clusterrole,clusterrolebinding';
    const are = await run(`kubectl get ${kinds},${rights} --all-namespaces -o yaml`);
    const would = await run(`${rendered} | kubectl replace --dry-run=server -o yaml -f -`);
    const [have, want] = [are, would].map((text) => comparable(specsOf(text)));
    const keys = [...new Set([...Object.keys(have!), ...Object.keys(want!)])];
    return keys.filter((key) => !isDeepStrictEqual(have![key], want![key]));
  };
  const moving = printedCommand('deploy/README.md', 'pod-disruption-budget/budget.yaml').split(/^#.*$/m);
  const [, dropBudget = '', dropMic = ''] = moving;
  const showFile = printedCommand('deploy/README.md', 'sed', 'infra/deployment-rbac.yaml | kubectl apply');
  const showRelease = printedCommand('deploy/README.md', 'helm -n aad-pod-identity get manifest');
  const forget = printedCommand('deploy/README.md', 'delete secret -l owner=helm');
  const overlay = (name: string) => standard.replace('overlays/standard', `overlays/${name}`);

  test('the overlay takes over from kubectl create, and a repeated command changes nothing', async () => {
    await run(article);
    await run(standard);
    const budget = `kubectl ${system} get poddisruptionbudget mic -o jsonpath='{.metadata.generation}'`;
    const before = await run(budget);
    // kubectl sends the selector of each PodDisruptionBudget again.
    expect(verdicts(await run(standard))).toEqual(['poddisruptionbudget.policy/mic configured']);
    expect(await run(budget)).toBe(before);
  });

  test('Helm 4 takes over from kubectl, and kubectl from Helm 4', async () => {
    // AKS add-ons lose the metadata service: said at each installation, with what works in the mode of the values.
    const told = await run(`${install} --take-ownership --force-conflicts`);
    expect(told).toContain('set installMICException=true and identityAccess.machineRights=true');
    await run(upgrade);
    await run(standard);
    await run(`kubectl ${system} delete secret -l owner=helm,name=pod-identity`);
    expect(await run('helm list --all-namespaces --short')).toBe('');
  });

  test('Helm 3 takes over from kubectl', async () => {
    const exempting = '--set installMICException=true,identityAccess.machineRights=true';
    const told = await run(`${install} --take-ownership ${exempting}`, '3.18.0');
    expect(told).toContain('The values exempt these add-ons');
    await run(uninstall, '3.18.0');
    expect(await run(`kubectl get daemonsets -A -o name`)).toBe('');
    expect(await run('kubectl get crd -o name')).toContain('azureidentities');
  });

  test.each(versions)('Helm %s installs after the remedy for older definitions', async (version) => {
    const remedy = printedCommand('charts/pod-identity/README.md', '--force-conflicts -f charts');
    const older = `sed '/^ *serviceAccountName:$/,/pattern:/d' deploy/crds/azureidentitybindings.yaml`;
    await run(`${older} | kubectl replace -f -`);
    await expect(run(install, version)).rejects.toThrow(/older than the chart|conflict/);
    await run(remedy);
    await run(install, version);
    await run(remedy);
    await run(upgrade, version);
    await run(uninstall, version);
  });

  test('a change of the way of installing leaves nothing of the old way: infra, noazurejson, Helm, infra, managed', async () => {
    // The definitions are there already.
    await run(`${article} || true`);
    await run(showFile);
    const noAzureJson = overlay('noazurejson');
    await run(noAzureJson);
    expect(await differences(noAzureJson)).toEqual([]);
    const values = '--set adminsecret.cloud=AzurePublicCloud,adminsecret.useMSI=true';
    await run(`${install} --take-ownership --force-conflicts ${values}`);
    await run(showRelease);
    await run(showFile);
    await run([forget, dropBudget].join('\n'));
    expect(await differences(article)).toEqual([]);
    await run(overlay('managed'));
    await run([dropBudget, dropMic].join(''));
    expect(await differences(overlay('managed'))).toEqual([]);
  });

  test('the policies have no warnings about types', async () => {
    await run('kubectl apply -f deploy/policies');
    const checked = `kubectl get validatingadmissionpolicies -o jsonpath='{range .items[*]}{.metadata.name} {.status}{"\\n"}{end}'`;
    await until(checked, (printed) => !/^\S+ ?$/m.test(printed.trim()));
    expect(await run(checked)).not.toContain('expressionWarnings');
  });

  test('requests of NMI and MIC have the share of the sample', async () => {
    await run('kubectl apply -f deploy/samples/flow-schema.yaml');
    const uid = await run(`kubectl get flowschema pod-identity -o jsonpath='{.metadata.uid}'`);
    for (const account of ['mic', 'nmi']) {
      const as = `--as=system:serviceaccount:aad-pod-identity:${account}`;
      await until(`kubectl get --raw /version ${as} -v=8 2>&1`, (printed) => printed.includes(uid));
    }
  });

  test('the command that asks for a right says that it is there', async () => {
    const review = printedCommand('docs/administrator/permissions.md', 'SubjectAccessReview');
    expect(await run(review)).toBe('false\n');
    const rights = `sed -n '/^kind: ClusterRole$/,/^  - { kind: ServiceAccount/p' docs/administrator/permissions.md`;
    await run(`(echo 'apiVersion: rbac.authorization.k8s.io/v1'; ${rights}) | kubectl apply -f -`);
    await until(review, (printed) => printed === 'true\n');
  });
});

/** Of documents that kubectl printed: what the API server would run of our objects. Definitions are the same in all ways. */
function specsOf(documents: string): KubeObject[] {
  const found = parseAllDocuments(documents).flatMap((document) => {
    const object = document.toJS() as KubeObject & { readonly items?: readonly KubeObject[] };
    return object.items ?? [object];
  });
  const isOurs = ({ metadata: { name, namespace } }: KubeObject) =>
    name.startsWith('pod-identity-') || (namespace === 'aad-pod-identity' && name !== 'default');
  return found.filter(isOurs).map(({ apiVersion, kind, metadata, ...rest }) => {
    const { spec, rules, roleRef, subjects } = rest;
    const { name, namespace } = metadata;
    const named = { name, ...(namespace !== undefined && { namespace }) };
    return { apiVersion, kind, metadata: named, spec, rules, roleRef, subjects };
  });
}
