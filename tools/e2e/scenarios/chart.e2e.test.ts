// The Helm chart on a real cluster: installed, tested, removed without and with NMI's rules. tools/chart/release.test.ts has what needs no pods.
import { whyNoCluster } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findHelm, type Helm } from '../../chart/helm-for-tests.ts';
import { chartFolder } from '../../chart/places.ts';
import * as names from '../../stage/names.ts';
import { applyObject, pathOf, type KubeObject } from '../../stage/objects.ts';
import type { PrintedLines } from '../../stage/printed-lines.ts';
import { untilObject } from '../../stage/until.ts';
import { openChartStage, type ChartStage } from '../chart/stage.ts';
import { nextLine } from '../cluster/told.ts';
import { identityObjects } from '../objects.ts';

const [helm, helm3] = [await findHelm('4.2.3'), await findHelm('3.18.0')];
const programOf = (found: Helm) => (found.kind === 'found' ? found.program : '');
const missing =
  whyNoCluster() ?? [helm, helm3].flatMap((found) => (found.kind === 'missing' ? [found.why] : []))[0];
if (missing !== undefined) console.warn(`skipped installing the chart on a real cluster: ${missing}`);

const patienceMs = 120_000;
const release = 'pod-identity';
const waiting = ['--wait', '--timeout', '180s'];
/** One node has room for one MIC. */
const install = ['install', release, chartFolder, '--set', 'mic.replicas=1', ...waiting];

/** Prints who answers at the metadata address, over a new connection each time. */
const program = `
const { get } = require('node:http');
function ask() {
  const tell = (line) => { console.log(line); setTimeout(ask, 300); };
  get({ host: '169.254.169.254', path: '/', agent: false }, (response) => {
    response.resume().on('close', () => tell(response.headers.server));
  }).on('error', ({ code }) => tell(code));
}
ask();`;

const appPod: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'app', namespace: 'default' },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [
      { name: 'app', image: 'aad-pod-identity/nmi:0.1.0', command: ['/usr/bin/node', '-e', program] },
    ],
  },
};

describe.skipIf(missing !== undefined)('the chart on a real cluster', () => {
  let stage: ChartStage;
  let stop: () => Promise<void> = () => Promise.resolve();
  let app: PrintedLines;

  beforeAll(async () => {
    stage = await openChartStage({ helm: programOf(helm), helm3: programOf(helm3) });
    stop = () => stage.stop();
  });
  afterAll(() => stop());

  /** Objects of the release, and those that outlive it. */
  const namesOf = async (kinds: string) =>
    (await stage.kubectl('get', kinds, '--all-namespaces', '--output', 'name')).split('\n').filter(Boolean);

  test('is installed, says what comes next, leads pods to NMI, and passes helm test', async () => {
    await applyObject(stage.kube, appPod);
    await untilObject(stage.kube, {
      path: pathOf({ apiVersion: 'v1', kind: 'Pod', namespace: 'default' }),
      fits: (pod) => (pod['status'] as { readonly phase?: string } | undefined)?.phase === 'Running',
      withinMs: patienceMs,
    });
    app = stage.follow('app');
    await nextLine(app, (line) => line === 'machine');
    const told = await stage.helm(...install, '--create-namespace');
    expect(told).toContain('Create an AzureIdentity and an AzureIdentityBinding');
    expect(told).toContain('explain NAMESPACE/POD');
    await nextLine(app, (line) => line === 'pod-identity-nmi');
    expect(await stage.helm('test', release)).toContain('Succeeded');
  });

  test('when it is removed, definitions and AzureIdentities stay, and pods do not reach the machine', async () => {
    for (const object of identityObjects({ name: 'app', ...names.firstIdentity }))
      await applyObject(stage.kube, object);
    const from = app.all.length;
    await stage.helm('uninstall', release, ...waiting);
    await nextLine(app, (line) => line === 'ECONNREFUSED');
    expect(app.all.slice(from)).not.toContain('machine');
    expect(await namesOf('crd')).toHaveLength(4);
    expect(await namesOf('azureidentities,azureidentitybindings')).toHaveLength(2);
    expect(await namesOf('clusterroles,clusterrolebindings,daemonsets,deployments')).not.toContainEqual(
      expect.stringContaining('pod-identity'),
    );
  });

  test('is installed again with Helm 3 over what stayed, and removes the rules from the nodes before it goes', async () => {
    await stage.helm3(...install);
    await nextLine(app, (line) => line === 'pod-identity-nmi');
    const upgrade = [
      'upgrade',
      release,
      chartFolder,
      '--reset-then-reuse-values',
      '--set',
      'nmi.removeRules=true',
    ];
    expect(await stage.helm3(...upgrade)).toContain('rollout status daemonset/nmi-uninstall');
    const rollout = ['rollout', 'status', 'daemonset/nmi-uninstall', '--timeout=120s'];
    await stage.kubectl('--namespace', names.systemNamespace, ...rollout);
    await nextLine(app, (line) => line === 'machine');
    expect(await stage.inNode('nft', 'list', 'tables')).not.toContain('aad');
    expect(await stage.inNode('ip', 'rule')).not.toContain('prohibit');
    await stage.helm3('uninstall', release, ...waiting);
    expect(await namesOf('daemonsets,deployments,serviceaccounts')).not.toContainEqual(
      expect.stringMatching(/\/(nmi|mic)/),
    );
  });
});
