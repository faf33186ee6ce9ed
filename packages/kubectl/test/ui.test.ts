// `ui` over the simulated API server: what its pages get while the cluster changes.
import { cluster, type Cluster, type Sim } from '@pod-identity/sim';
import { createFakeClock } from '@pod-identity/kit/testing';
import type { Finding } from '@pod-identity/policy';
import { expect, test } from 'vitest';
import type { PodRow } from '../src/judge/report.ts';
import type { Status } from '../src/ui/page/client.ts';
import { createUiCommand } from '../src/ui/ui.ts';
import { afterwards, agentOn, editorOf, openSim, plugIn, workload } from './fixture.ts';

interface Ground {
  readonly sim: Sim;
  readonly kubeconfig: string;
  readonly town: Cluster;
}

/** MIC and NMI by their objects alone; in the namespaces shop and pay one pod each that is to be `reader`. */
async function openGround(): Promise<Ground> {
  const opened = await openSim();
  const town = await cluster(opened.sim, {
    scaleSets: [{ name: 'vmss', instances: 2 }],
    namespaces: ['shop', 'pay'],
  });
  opened.sim.kube.seed([
    workload('Deployment', { namespace: 'kube-system', name: 'mic', args: [], image: 'r.test/mic:0.1.0' }),
    workload('DaemonSet', { namespace: 'kube-system', name: 'nmi', args: ['--node=x'] }),
    ...town.nodes.map(({ name }) => agentOn(name)),
  ]);
  for (const namespace of ['shop', 'pay']) {
    await town.identity({ namespace, name: 'reader' });
    await town.binding({ namespace, name: 'reader', identity: 'reader', selector: 'reader' });
    await town.pod({ namespace, name: 'web-0', label: 'reader', serviceAccountName: 'web' });
  }
  return { ...opened, town };
}

/** The page is not built for these tests. */
const withoutBuild = createUiCommand(() => Promise.resolve(new Map()));

async function openUi(kubeconfig: string, ...words: readonly string[]) {
  const controller = new AbortController();
  afterwards(() => controller.abort());
  const printed = Promise.withResolvers<string>();
  const clock = createFakeClock();
  const running = plugIn(['ui', ...words, '--kubeconfig', kubeconfig], {
    commands: [withoutBuild],
    print: printed.resolve,
    complain: (line) => printed.reject(new Error(line)),
    clock,
    signal: controller.signal,
  });
  const url = new URL(await printed.promise);
  const [, token = ''] = /^#token=([\w-]{43})\.[\w-]{43}$/.exec(url.hash) ?? [];
  const ask = async (path: string): Promise<Response> => {
    const response = await fetch(new URL(path, url), { headers: { 'x-pod-identity-token': token } });
    if (!response.ok) throw new Error(await response.text());
    return response;
  };
  return {
    url,
    token,
    ask,
    async status(): Promise<Status> {
      // What is younger than five seconds is not read again.
      await clock.advance(5_000);
      return (await (await ask('/v1/status')).json()) as Status;
    },
    story: async (pod: string) => (await (await ask(`/v1/story?pod=${pod}`)).json()) as readonly Finding[],
    /** Ctrl-C. */
    async close() {
      controller.abort();
      return (await running).code;
    },
  };
}

const rowOf = ({ report }: Status, pod: string): PodRow | undefined =>
  report.pods.find((row) => row.pod === pod);

/** As MIC writes it. */
function assigned(sim: Sim, namespace: string): void {
  const spec = (kind: string) => {
    const object = sim.kube.get(kind, 'reader', namespace);
    return { metadata: { name: 'reader', namespace }, spec: object?.['spec'] };
  };
  const { nodeName } = sim.kube.get('pods', 'web-0', namespace)?.['spec'] as { nodeName: string };
  sim.kube.seed([
    {
      apiVersion: 'aadpodidentity.k8s.io/v1',
      kind: 'AzureAssignedIdentity',
      metadata: {
        name: `web-0-${namespace}-reader`,
        namespace,
        labels: { 'aadpodidentity.k8s.io/node': nodeName, nodename: nodeName, podname: 'web-0' },
      },
      spec: {
        azureIdentityRef: spec('azureidentities'),
        azureBindingRef: spec('azureidentitybindings'),
        pod: 'web-0',
        podNamespace: namespace,
        nodename: nodeName,
        replicas: 1,
      },
      status: { status: 'Assigned' },
    },
  ]);
}

test('a pod that gets its identity while the page is open is ok the next time it asks, and new pods appear', async () => {
  const { sim, kubeconfig, town } = await openGround();
  const ui = await openUi(kubeconfig, '-A');
  const first = await ui.status();
  expect(first.clusterNote).toContain(`add --kubeconfig=${kubeconfig} after`);
  expect(rowOf(first, 'shop/web-0')).not.toMatchObject({ state: 'ok' });
  assigned(sim, 'shop');
  await town.pod({ namespace: 'pay', name: 'typo-0', label: 'raeder' });
  const then = await ui.status();
  expect(rowOf(then, 'shop/web-0')).toMatchObject({
    state: 'ok',
    serviceAccount: 'web',
    identities: ['shop/reader'],
    bindings: ['shop/reader'],
  });
  expect(rowOf(then, 'pay/typo-0')?.state).toBe('problem');
  expect(then.report.causes.flatMap(({ pods }) => pods)).toContain('pay/typo-0');
  expect(await ui.close()).toBe(0);
});

test('a story says what explain says, the result first', async () => {
  const { kubeconfig } = await openGround();
  const ui = await openUi(kubeconfig, '-n', 'shop');
  const [result, ...findings] = await ui.story('shop/web-0');
  expect(result).toMatchObject({ topic: 'result' });
  expect(findings.map(({ topic }) => topic)).toContain('binding');
  await expect(ui.story('shop/none')).rejects.toThrow('there is no pod shop/none');
});

test('an editor of a namespace is told what is not seen, and an administrator who looks at one namespace sees no other', async () => {
  const { sim, kubeconfig } = await openGround();
  const editor = await openUi(await editorOf(sim, 'shop'), '-n', 'shop');
  const { report } = await editor.status();
  expect(report.unknown.join('\n')).toMatch(/you may not list.*nodes/);
  const administrator = await openUi(kubeconfig, '-n', 'shop');
  for (const { report: one } of [{ report }, await administrator.status()]) {
    expect(one.pods.map(({ pod }) => pod)).toEqual(['shop/web-0']);
    expect(JSON.stringify(one)).not.toContain('pay/');
  }
});

test('attack: the token of a command that has ended opens nothing of the next one on its port', async () => {
  const { kubeconfig } = await openGround();
  const ended = await openUi(kubeconfig, '-A');
  await ended.close();
  const next = await openUi(kubeconfig, '-A', '--port', ended.url.port);
  const headers = { 'x-pod-identity-token': ended.token };
  expect((await fetch(new URL('/v1/status', next.url), { headers })).status).toBe(401);
});

test.each([
  [['--port', 'x'], /--port must be/],
  [['--port', '70000'], /--port must be/],
])('ui %j is refused in a line', async (words, expected) => {
  const { kubeconfig } = await openSim();
  const { code, err } = await plugIn(['ui', ...words, '--kubeconfig', kubeconfig]);
  expect([code, err]).toEqual([2, expect.stringMatching(expected)]);
});
