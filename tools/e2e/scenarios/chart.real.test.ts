// The Helm chart on a real cluster: installed, tested, upgraded and rolled back under load, removed without and with NMI's rules. tools/chart/release.real.test.ts has what needs no pods.
import { whyNoCluster } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findHelm, type Helm } from '../../chart/helm-for-tests.ts';
import { chartFolder } from '../../chart/places.ts';
import * as names from '../../stage/names.ts';
import { applyObject, pathOf, type KubeObject } from '../../stage/objects.ts';
import type { PrintedLines } from '../../stage/printed-lines.ts';
import { untilNone, untilObject } from '../../stage/until.ts';
import { openChartStage, type ChartStage } from '../chart/stage.ts';
import { startLoad, type Load } from '../cluster/load.ts';
import { rolledOut } from '../cluster/rollout.ts';
import { nextToken } from '../cluster/scene.ts';
import { nextLine } from '../cluster/told.ts';
import { identityObjects } from '../objects.ts';

const [helm, helm3] = [await findHelm('4.2.3'), await findHelm('3.18.0')];
const programOf = (found: Helm) => (found.kind === 'found' ? found.program : '');
const missing =
  whyNoCluster() ?? [helm, helm3].flatMap((found) => (found.kind === 'missing' ? [found.why] : []))[0];
if (missing !== undefined) console.warn(`skipped installing the chart on a real cluster: ${missing}`);

const patienceMs = 120_000;
const assigned = { apiVersion: 'aadpodidentity.k8s.io/v1', kind: 'AzureAssignedIdentity' };
const release = 'pod-identity';
/** Of Helm 3 alone: with Helm 4 it can time out although all is ready (charts/pod-identity/README.md). */
const waiting = ['--wait', '--timeout', '180s'];
/** One node has room for one MIC. */
const install = ['install', release, chartFolder, '--set', 'mic.replicas=1'];

/** Prints who answers at the metadata address, over a new connection each time: NMI by its name. */
const program = `
const { get } = require('node:http');
function ask() {
  const tell = (line) => { console.log(line); setTimeout(ask, 300); };
  get({ host: '169.254.169.254', path: '/', agent: false }, (response) => {
    response.resume().on('close', () => tell(response.headers.server || 'machine'));
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
      {
        name: 'app',
        image: 'your-registry.invalid/aad-pod-identity/nmi:0.1.0',
        command: ['/usr/bin/node', '-e', program],
      },
    ],
  },
};

describe.skipIf(missing !== undefined)('the chart on a real cluster', () => {
  let stage: ChartStage;
  let stop: () => Promise<void> = () => Promise.resolve();
  let app: PrintedLines;
  let loadClient: string;

  beforeAll(async () => {
    stage = await openChartStage({ helm: programOf(helm), helm3: programOf(helm3) });
    stop = () => stage.stop();
  });
  afterAll(() => stop());

  /** An identity of Azure for pods of the label `load`, with the right to use it: the chart's default is the mode rbac. */
  const valuesOfLoad = async () => {
    const { id, clientId } = await stage.azure.ask('identity', { name: 'load' });
    loadClient = clientId;
    const binding = { selector: 'load' };
    const load = { namespace: 'default', type: 0, resourceID: id, clientID: clientId, binding };
    return `azureIdentities=${JSON.stringify({ load: { ...load, serviceAccounts: ['default'] } })}`;
  };

  const servicesRolledOut = async () => {
    for (const workload of ['deployment/mic', 'daemonset/nmi']) await rolledOut(stage, workload);
  };
  const uninstalled = async () => {
    await stage.helm('uninstall', release);
    const path = pathOf({ apiVersion: 'v1', kind: 'Pod', namespace: names.systemNamespace });
    const isService = ({ metadata }: KubeObject) =>
      ['mic', 'nmi'].includes(metadata.labels?.['component'] ?? '');
    await untilNone(stage.kube, { path, fits: isService, withinMs: patienceMs });
  };
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
    const told = await stage.helm(...install, '--create-namespace', '--set-json', await valuesOfLoad());
    expect(told).toContain('Create an AzureIdentity and an AzureIdentityBinding');
    expect(told).toContain('explain NAMESPACE/POD');
    await servicesRolledOut();
    await nextLine(app, (line) => line === 'pod-identity-nmi');
    expect(await stage.helm('test', release)).toContain('Succeeded');
  });

  describe('while a pod requests tokens', () => {
    let load: Load;
    let stopLoad: () => Promise<void> = () => Promise.resolve();
    beforeAll(async () => {
      load = await startLoad(stage, 'load');
      stopLoad = () => load.stop();
      for (const service of ['mic', 'nmi']) {
        const image = `your-registry.invalid/aad-pod-identity/${service}`;
        const tag = ['ctr', '-n', 'k8s.io', 'images', 'tag', `${image}:0.1.0`, `${image}:0.1.1`];
        await stage.nodes[0].on(...tag);
      }
      // Requests of before the installation.
      await stage.bypasses();
    });
    afterAll(async () => {
      await stopLoad();
      // The rules are removed later, which is refused while a pod has an identity.
      const path = pathOf({ ...assigned, namespace: 'default' });
      await untilNone(stage.kube, { path, fits: () => true, withinMs: patienceMs });
    });

    const tags = ['--set', 'mic.tag=0.1.1,nmi.tag=0.1.1'];
    test.each([
      {
        step: 'an upgrade',
        version: '0.1.1',
        args: ['upgrade', release, chartFolder, '--reuse-values', ...tags],
      },
      { step: 'a rollback', version: '0.1.0', args: ['rollback', release, '1'] },
    ])(
      '$step refuses requests for a moment on 1.20, and misdirects none',
      async ({ step, version, args }) => {
        const begin = load.begin();
        await stage.helm(...args);
        await servicesRolledOut();
        const pods = ['pods', '--namespace', names.systemNamespace, '--selector', 'component in (mic, nmi)'];
        const images = await stage.kubectl('get', ...pods, '--output=jsonpath={..spec.containers[*].image}');
        expect(images.split(' ').sort()).toEqual(
          ['mic', 'nmi'].map((name) => `your-registry.invalid/aad-pod-identity/${name}:${version}`),
        );
        expect(await nextToken(stage, load.podOn(stage.nodes[0].name))).toBe(loadClient);
        const { applications, failures, requests } = await load.since(begin, 20);
        console.log(`${step} with helm: ${requests} requests, failed: ${JSON.stringify(failures)}`);
        expect(applications).toEqual([loadClient]);
        // Kubernetes before 1.22 has no maxSurge for DaemonSets: it ends the old agent before it starts the new one.
        for (const failure of Object.keys(failures))
          expect(failure).toMatch(/^error (ECONNREFUSED|ECONNRESET)$/);
        expect(await stage.bypasses()).toEqual([]);
      },
    );

    test('helm rollback ends an upgrade to an NMI whose API server does not answer: refused calls get tokens again, and none is misdirected', async () => {
      const begin = load.begin();
      const from = app.all.length;
      const pod = stage.told(load.podOn(stage.nodes[0].name));
      const silent = JSON.stringify([{ name: 'KUBERNETES_SERVICE_HOST', value: '10.40.0.99' }]);
      const broken = ['--reuse-values', '--set-json', `nmi.extraEnv=${silent}`];
      await stage.helm('upgrade', release, chartFolder, ...broken);
      await nextLine(pod, (line) => line === 'error ECONNREFUSED');
      await stage.helm('rollback', release);
      await servicesRolledOut();
      expect(await nextToken(stage, load.podOn(stage.nodes[0].name))).toBe(loadClient);
      const { applications, failures } = await load.since(begin, 20);
      expect(applications).toEqual([loadClient]);
      // NMI listens from its start, so the one without an API server tells the requests that it held why it ends them.
      for (const failure of Object.keys(failures))
        expect(failure).toMatch(/^error (ECONNREFUSED|ECONNRESET)$|^503 The agent has just started /);
      expect(app.all.slice(from)).not.toContain('machine');
      expect(await stage.bypasses()).toEqual([]);
    });
  });

  test('when it is removed, definitions and AzureIdentities stay, and pods do not reach the machine', async () => {
    for (const object of identityObjects({ name: 'app', ...names.firstIdentity }))
      await applyObject(stage.kube, object);
    const from = app.all.length;
    await uninstalled();
    await nextLine(app, (line) => line === 'ECONNREFUSED');
    expect(app.all.slice(from)).not.toContain('machine');
    expect(await namesOf('crd')).toHaveLength(4);
    expect(await namesOf('azureidentities,azureidentitybindings')).toHaveLength(2);
    expect(await namesOf('clusterroles,clusterrolebindings,daemonsets,deployments')).not.toContainEqual(
      expect.stringContaining('pod-identity'),
    );
  });

  test('is installed again with Helm 3 over what stayed, and removes the rules from the nodes before it goes', async () => {
    await stage.helm3(...install, ...waiting);
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
    expect(await stage.nodes[0].in('nft', 'list', 'tables')).not.toContain('aad');
    expect(await stage.nodes[0].in('ip', 'rule')).not.toContain('prohibit');
    await stage.helm3('uninstall', release, ...waiting);
    expect(await namesOf('daemonsets,deployments,serviceaccounts')).not.toContainEqual(
      expect.stringMatching(/\/(nmi|mic)/),
    );
  });
});
