// `ui` over the simulated API server: what a page is sent while the cluster changes.
import { request, createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { cluster, type Cluster, type Sim } from '@pod-identity/sim';
import { systemClock } from '@pod-identity/kit/serve';
import { expect, test } from 'vitest';
import { followChanges } from '../src/ui/page/apply-changes.ts';
import { EventReader } from '../src/ui/page/events.ts';
import type { Change, Picture, PodStory, Thing } from '../src/ui/picture.ts';
import { createUiCommand } from '../src/ui/ui.ts';
import { afterwards, agentOn, editorOf, kubeconfigFor, openSim, plugIn, workload } from './fixture.ts';

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

/** A page that reads the stream. */
interface Page {
  readonly url: URL;
  readonly token: string;
  readonly problems: readonly string[];
  /** Until the picture is so. */
  until(isSo: (picture: Picture) => boolean): Promise<Picture>;
  story(pod: string): Promise<PodStory>;
  /** Ctrl-C. */
  close(): Promise<number>;
}

async function openPage(kubeconfig: string, ...words: readonly string[]): Promise<Page> {
  const controller = new AbortController();
  afterwards(() => controller.abort());
  const printed = Promise.withResolvers<string>();
  const running = plugIn(['ui', ...words, '--kubeconfig', kubeconfig], {
    commands: [withoutBuild],
    print: printed.resolve,
    complain: (line) => printed.reject(new Error(line)),
    clock: systemClock,
    signal: controller.signal,
  });
  const url = new URL(await printed.promise);
  const [, token = ''] = /^#token=([\w-]{43})\.[\w-]{43}$/.exec(url.hash) ?? [];
  const headers = { 'x-pod-identity-token': token };
  const problems: string[] = [];
  const waiting = new Set<() => void>();
  let picture: Picture | undefined;
  const take = (event: string, data: unknown) => {
    if (event === 'picture') picture = data as Picture;
    else if (event === 'problem') problems.push((data as { text: string }).text);
    else if (picture) picture = followChanges(picture)([data as Change]);
    waiting.forEach((look) => look());
  };
  const asking = request(new URL('/v1/picture', url), { headers, agent: false });
  const reader = new EventReader();
  asking
    .on('error', () => undefined)
    .on('response', (response) => {
      response.setEncoding('utf8').on('error', () => undefined);
      response.on('data', (text: string) => {
        for (const { event, data } of reader.read(text)) take(event, JSON.parse(data));
      });
    });
  asking.end();
  return {
    url,
    token,
    problems,
    until: async (isSo) => {
      const { promise, resolve } = Promise.withResolvers<Picture>();
      const look = () => {
        if (picture && isSo(picture)) resolve(picture);
      };
      waiting.add(look);
      look();
      return promise.finally(() => waiting.delete(look));
    },
    async story(pod) {
      const response = await fetch(new URL(`/v1/story?pod=${pod}`, url), { headers });
      if (!response.ok) throw new Error(await response.text());
      return (await response.json()) as PodStory;
    },
    async close() {
      controller.abort();
      return (await running).code;
    },
  };
}

const stateOf = ({ things }: Picture, id: string): Thing['state'] | undefined =>
  things.find((thing) => thing.id === id)?.state;
const has = (id: string, state: Thing['state']) => (picture: Picture) => stateOf(picture, id) === state;

/** As MIC writes it. */
function assigned(sim: Sim, namespace: string): void {
  const spec = (kind: string) => {
    const object = sim.kube.get(kind, 'reader', namespace);
    return { metadata: { name: 'reader', namespace }, spec: object?.['spec'] };
  };
  const node = nodeOf(sim, namespace);
  sim.kube.seed([
    {
      apiVersion: 'aadpodidentity.k8s.io/v1',
      kind: 'AzureAssignedIdentity',
      metadata: {
        name: `web-0-${namespace}-reader`,
        namespace,
        labels: { 'aadpodidentity.k8s.io/node': node, nodename: node, podname: 'web-0' },
      },
      spec: {
        azureIdentityRef: spec('azureidentities'),
        azureBindingRef: spec('azureidentitybindings'),
        pod: 'web-0',
        podNamespace: namespace,
        nodename: node,
        replicas: 1,
      },
      status: { status: 'Assigned' },
    },
  ]);
}

test('a pod that gets its identity while the page is open becomes ready, and new pods appear', async () => {
  const { sim, kubeconfig, town } = await openGround();
  const page = await openPage(kubeconfig, '-A');
  const first = await page.until(has('pod:shop/web-0', 'waiting'));
  expect(first.things.find(({ id }) => id === 'pod:shop/web-0')?.about).toMatch(/is not written yet$/);
  expect(
    first.lines.map(({ from, to, state }) => [from.split(':')[0], to.split(':')[0], state]),
  ).toContainEqual(['identity', 'host', 'waiting']);
  assigned(sim, 'shop');
  const then = await page.until(has('pod:shop/web-0', 'ready'));
  expect(then.clusterNote).toContain(`add --kubeconfig=${kubeconfig} after`);
  expect(then.number).toBeGreaterThan(first.number);
  expect(stateOf(then, 'serviceAccount:shop/web')).toBe('ready');
  expect(stateOf(then, 'pod:pay/web-0')).toBe('waiting');
  await town.pod({ namespace: 'pay', name: 'typo-0', label: 'raeder' });
  await page.until(has('pod:pay/typo-0', 'refused'));
  expect(await page.close()).toBe(0);
});

const nodeOf = (sim: Sim, namespace: string): string =>
  (sim.kube.get('pods', 'web-0', namespace)?.['spec'] as { nodeName: string }).nodeName;
const aboutPod = ({ things }: Picture, id: string) => things.find((thing) => thing.id === id)?.about;

/** What MIC says of the identity `reader`. */
function say(sim: Sim, namespace: string, condition: { reason: string; message: string }): void {
  const object = sim.kube.get('azureidentities', 'reader', namespace);
  if (object === undefined) throw new Error('there is no such identity');
  const { generation } = object.metadata;
  const ready = { type: 'Ready', status: 'False', observedGeneration: generation, ...condition };
  sim.kube.seed([{ ...object, status: { conditions: [ready] } }]);
}

test('a pod that has its identity is not ready any more when MIC finds that the client id is of another one', async () => {
  const { sim, kubeconfig } = await openGround();
  for (const namespace of ['shop', 'pay']) assigned(sim, namespace);
  const page = await openPage(kubeconfig, '-A');
  await page.until(has('pod:shop/web-0', 'ready'));
  say(sim, 'shop', { reason: 'ClientIDMismatch', message: 'spec.clientID is of another one' });
  const then = await page.until(has('pod:shop/web-0', 'refused'));
  expect(aboutPod(then, 'pod:shop/web-0')).toMatch(/client/i);
  expect(then.lines.filter(({ from }) => from === 'pod:shop/web-0').map(({ state }) => state)).toEqual([
    'refused',
  ]);
  expect(stateOf(then, 'pod:pay/web-0')).toBe('ready');
  // Of another host, for example: this pod's has it.
  say(sim, 'pay', { reason: 'Rejected', message: 'Azure refused to attach it to vm-9' });
  const last = await page.until(has('identity:pay/reader', 'refused'));
  expect(stateOf(last, 'pod:pay/web-0')).toBe('ready');
});

test.each([
  [
    'is away',
    ({ town }: Ground, node: string) =>
      town.client.request('DELETE', `/api/v1/namespaces/kube-system/pods/nmi-${node}`),
    /NMI has no pod on/,
  ],
  [
    'is not ready',
    ({ sim }: Ground, node: string) => sim.kube.seed([agentOn(node, false)]),
    /NMI on .* is not ready/,
  ],
] as const)('a pod on a node where NMI %s gets no token and is not ready', async (_, change, about) => {
  const ground = await openGround();
  const { sim, kubeconfig } = ground;
  assigned(sim, 'shop');
  await change(ground, nodeOf(sim, 'shop'));
  const page = await openPage(kubeconfig, '-n', 'shop');
  const picture = await page.until(has('pod:shop/web-0', 'refused'));
  expect(aboutPod(picture, 'pod:shop/web-0')).toMatch(about);
  expect((await page.story('shop/web-0')).findings[0]?.verdict).toBe('problem');
});

test('of one namespace an identity that pods of others may use is not called unused', async () => {
  const { sim, kubeconfig, town } = await openGround();
  await town.identity({ namespace: 'shop', name: 'own' });
  const open = sim.kube.get('azureidentities', 'own', 'shop');
  if (open === undefined) throw new Error('there is no such identity');
  sim.kube.seed([
    {
      ...open,
      metadata: { name: 'shared', namespace: 'shop' },
      spec: { ...(open['spec'] as object), allowedNamespaces: { names: ['pay'] } },
    },
  ]);
  await town.binding({ namespace: 'shop', name: 'shared', identity: 'shared', selector: 'shared' });
  const page = await openPage(kubeconfig, '-n', 'shop');
  const { things } = await page.until(has('identity:shop/own', 'unused'));
  const stateAndReason = (id: string) => {
    const { state, about } = things.find((thing) => thing.id === id) ?? {};
    return [state, about];
  };
  const unknown = expect.stringMatching(
    /^whether it is used is not known: pods of other namespaces/,
  ) as string;
  expect(stateAndReason('identity:shop/shared')).toEqual(['unknown', unknown]);
  expect(stateAndReason('binding:shop/shared')).toEqual(['unknown', unknown]);
  const all = await openPage(kubeconfig, '-A');
  await all.until(has('identity:shop/shared', 'unused'));
});

test('a story says what explain says, and what may not be read', async () => {
  const { kubeconfig } = await openGround();
  const page = await openPage(kubeconfig, '-n', 'shop');
  await page.until(has('pod:shop/web-0', 'waiting'));
  const story = await page.story('shop/web-0');
  expect(story.findings[0]).toMatchObject({ topic: 'result' });
  expect(story.findings.map(({ topic }) => topic)).toContain('binding');
  expect(story.unknown.join('\n')).toMatch(/what NMI wrote about the pod: no container runs: /);
  await expect(page.story('shop/none')).rejects.toThrow('there is no pod shop/none');
});

test('an editor of a namespace sees it as it changes, and is told what is not seen', async () => {
  const { sim } = await openGround();
  const page = await openPage(await editorOf(sim, 'shop'), '-n', 'shop');
  const first = await page.until(has('pod:shop/web-0', 'waiting'));
  expect(first.unknown.join('\n')).toMatch(/you may not list.*: namespaces, nodes$/m);
  expect(first.things.filter(({ namespace }) => namespace !== 'shop')).toEqual([]);
  assigned(sim, 'shop');
  await page.until(has('pod:shop/web-0', 'ready'));
});

test('an administrator who looks at one namespace is sent nothing of another', async () => {
  const { kubeconfig } = await openGround();
  const page = await openPage(kubeconfig, '-n', 'shop');
  const { things, lines } = await page.until(has('pod:shop/web-0', 'waiting'));
  expect(JSON.stringify([things, lines])).not.toContain('pay/');
});

test('attack: the token of a command that has ended opens nothing of the next one on its port', async () => {
  const { kubeconfig } = await openGround();
  const ended = await openPage(kubeconfig, '-A');
  await ended.close();
  const next = await openPage(kubeconfig, '-A', '--port', ended.url.port);
  const headers = { 'x-pod-identity-token': ended.token };
  expect((await fetch(new URL('/v1/checks', next.url), { headers })).status).toBe(401);
});

test('an API server that is lost is named, and the picture goes on when it is back', async () => {
  const { sim } = await openGround();
  const behind = new URL(sim.kube.url);
  const proxy = createServer((incoming, outgoing) => {
    const { method, headers, url: path } = incoming;
    const onward = request(
      { host: behind.hostname, port: behind.port, method, headers, path },
      (response) => {
        outgoing.writeHead(response.statusCode ?? 500, response.headers);
        response.pipe(outgoing).on('error', () => undefined);
      },
    );
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  });
  const listen = (port: number) => once(proxy.listen(port, '127.0.0.1'), 'listening');
  await listen(0);
  const { port } = proxy.address() as AddressInfo;
  afterwards(() => (proxy.closeAllConnections(), proxy.close()));
  const page = await openPage(await kubeconfigFor(`http://127.0.0.1:${port}`), '-A');
  await page.until(has('pod:shop/web-0', 'waiting'));
  proxy.close();
  proxy.closeAllConnections();
  await expect.poll(() => page.problems.at(-1), { timeout: 20_000 }).toMatch(/cannot be reached/);
  assigned(sim, 'shop');
  await listen(port);
  await page.until(has('pod:shop/web-0', 'ready'));
  await expect.poll(() => page.problems.at(-1)).toBe('');
});

test.each([
  [['--port', 'x'], /--port must be/],
  [['--port', '70000'], /--port must be/],
])('ui %j is refused in a line', async (words, expected) => {
  const { kubeconfig } = await openSim();
  const { code, err } = await plugIn(['ui', ...words, '--kubeconfig', kubeconfig]);
  expect([code, err]).toEqual([2, expect.stringMatching(expected)]);
});
