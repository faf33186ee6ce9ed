// The services on any cluster on machines of Azure, by kubectl alone: `npm run e2e -- --kubeconfig FILE`.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCleanup } from '../../stage/cleanup.ts';
import * as names from '../../stage/names.ts';
import { applyObject, readManifests, type KubeObject } from '../../stage/objects.ts';
import { inDeploy } from '../../stage/places.ts';
import { createPrintedLines, type PrintedLines } from '../../stage/printed-lines.ts';
import { runCommand } from '../../stage/run-command.ts';
import { askingPod, type AskingSpec } from '../cluster/asking.ts';
import { isToken, patienceMs, tokenOf } from '../cluster/scene.ts';
import { nextLine } from '../cluster/told.ts';
import { identityObjects } from '../objects.ts';
import { readGiven } from './given.ts';

const { kubeconfig, images, identities } = readGiven(process.env);
const [first, second] = identities;
const namespaces = ['pod-identity-e2e-1', 'pod-identity-e2e-2'] as const;
const system = ['--namespace', names.systemNamespace];
const manifest = 'infra/deployment-rbac.yaml';

const cleanup = createCleanup();
let kube: KubeTransport;
let own: readonly KubeObject[];

const kubectl = async (...args: readonly string[]) =>
  (await runCommand('kubectl', ['--kubeconfig', kubeconfig, ...args])).stdout;
const rolledOut = (workload: string) => kubectl('rollout', 'status', '--timeout=110s', ...system, workload);

/** The results of a pod, from the beginning of its log. */
async function follow({ name, namespace = namespaces[0] }: AskingSpec): Promise<PrintedLines> {
  const place = ['--namespace', namespace];
  await kubectl('wait', '--timeout=110s', '--for=condition=ContainersReady', ...place, `pod/${name}`);
  const child = spawn('kubectl', ['--kubeconfig', kubeconfig, 'logs', '--follow', ...place, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleanup.add(() => child.kill());
  const lines = createPrintedLines(name);
  createInterface({ input: child.stdout }).on('line', (line) => lines.add(line));
  child.once('close', () => lines.close('ended'));
  return lines;
}

async function start(spec: AskingSpec): Promise<PrintedLines> {
  const { namespace = namespaces[0] } = spec;
  await applyObject(kube, askingPod({ ...spec, namespace, image: `${images}/nmi:0.1.0`, isSilent: true }));
  return follow(spec);
}
const firstTokenOf = async (lines: PrintedLines) => tokenOf(await lines.first(isToken, patienceMs));
const nextTokenOf = async (lines: PrintedLines) => tokenOf(await nextLine(lines, isToken));
const tokensOf = ({ all }: PrintedLines) => [...new Set(all.filter(isToken).map(tokenOf))];

beforeAll(async () => {
  kube = await connectKube({ kubeconfig, userAgent: 'pod-identity-e2e' });
  cleanup.add(() => kube.close());
  const found = await kubectl(
    'get',
    'namespace',
    names.systemNamespace,
    ...namespaces,
    '--ignore-not-found',
    '-o',
    'name',
  );
  // Its end would remove what others use.
  if (found !== '')
    throw new Error(`this cluster has an installation already: ${found.replaceAll('\n', ' ')}`);
  own = withImages(await readManifests(inDeploy(manifest)));
  for (const object of own) await applyObject(kube, object);
  cleanup.add(() => kubectl('delete', '--wait=false', '--ignore-not-found', '-f', inDeploy(manifest)));
  for (const name of namespaces) {
    await applyObject(kube, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    cleanup.add(() => kubectl('delete', 'namespace', name, '--ignore-not-found'));
  }
  await rolledOut('deployment/mic');
  await rolledOut('daemonset/nmi');
});
afterAll(() => cleanup.run());

let pods: readonly PrintedLines[];

test('each pod gets tokens of its own identity', async () => {
  for (const [index, namespace] of namespaces.entries())
    for (const object of identityObjects({ name: 'own', namespace, ...identities[index]! }))
      await applyObject(kube, object);
  pods = [
    await start({ name: 'first', label: 'own' }),
    await start({ name: 'second', label: 'own', namespace: namespaces[1] }),
  ];
  expect(await Promise.all(pods.map(firstTokenOf))).toEqual([first.clientId, second.clientId]);
});

test('an identity is swapped under a running pod', async () => {
  for (const object of identityObjects({ name: 'own', namespace: namespaces[0], ...second }))
    await applyObject(kube, object);
  const line = `200 ${second.clientId}`;
  await pods[0]!.first((each) => each === line, patienceMs);
});

test('MIC’s pods are deleted by force: a new pod is served', async () => {
  await kubectl('delete', 'pods', ...system, '--selector=component=mic', '--grace-period=0', '--force');
  expect(await firstTokenOf(await start({ name: 'after', label: 'own' }))).toBe(second.clientId);
});

test('NMI is restarted on all nodes: no pod gets a token of another', async () => {
  await kubectl('rollout', 'restart', ...system, 'daemonset/nmi');
  await rolledOut('daemonset/nmi');
  expect(await Promise.all(pods.map(nextTokenOf))).toEqual([second.clientId, second.clientId]);
  expect(tokensOf(pods[1]!)).toEqual([second.clientId]);
});

function withImages(objects: readonly KubeObject[]): readonly KubeObject[] {
  const text = JSON.stringify(objects).replaceAll('"image":"aad-pod-identity/', `"image":"${images}/`);
  return JSON.parse(text) as KubeObject[];
}
