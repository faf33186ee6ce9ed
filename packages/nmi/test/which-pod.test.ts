// Whose call is it? A cluster in the simulator whose watch is made to lag, and calls over real sockets.
import { systemClock } from '@pod-identity/kit/serve';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { addressOf, startStage, usualPause, type Nmi, type Stage } from './harness.ts';

/** Identities; each is for pods with the label of its name. */
const names = [
  ...['deleted', 'finished', 'ending'].flatMap((how) => [`old-${how}`, `new-${how}`]),
  ...['left', 'first-use', 'second-use', 'claim', 'last-words', 'newcomer', 'init', 'job'],
  ...['owner-a', 'owner-b', 'owner-c'],
] as const;

let stage: Stage;
let nmi: Nmi;
const clientIds = new Map<string, string>();
beforeAll(async () => {
  stage = await startStage();
  for (const name of names) {
    const identity = await stage.bound(name);
    stage.attach(identity);
    await stage.record({ pod: 'another', identity: name, state: 'Assigned' });
    clientIds.set(name, identity.clientId);
  }
  // No confirmation outlives the connection that it was made for: every call over a new one is checked.
  nmi = await started('--pod-check-age=0s');
});
afterEach(() => stage.sim.kube.stallWatches(false));
afterAll(() => stage.stop());

/** An agent that has read the cluster: from then on its memory is what the watch told it. */
const started = async (...argv: readonly string[]) => {
  const agent = await stage.nmi(['--pod-requests-per-second=0', ...argv]);
  await known(agent);
  return agent;
};

const tokenOf = (name: string) => ({ status: 200, body: { client_id: clientIds.get(name) } });

const known = (agent: Nmi) =>
  agent.agent.readiness.whenReady({
    deadline: systemClock.elapsed() + 60_000,
    caller: { gone: new AbortController().signal },
  });

const podPath = (name: string) => `/api/v1/namespaces/default/pods/${name}`;
const remove = (name: string) => stage.cluster.client.request('DELETE', podPath(name));
const end = async (name: string) => {
  await stage.cluster.client.request('PATCH', podPath(name), {
    metadata: { finalizers: ['test.local/containers-live'] },
  });
  await remove(name);
};
const finish = (name: string) =>
  stage.cluster.client.request('PATCH', `${podPath(name)}/status`, { status: { phase: 'Succeeded' } });

const asks = (from: string) => nmi.send({ from, isAlone: true });

describe('item 13: an address is used again while the watch lags', () => {
  it.each<[string, (name: string) => Promise<unknown>]>([
    ['deleted', remove],
    ['finished', finish],
    ['ending', end],
  ])('the old pod is %s: the new one gets its own identity, never the old one’s', async (how, leave) => {
    const from = addressOf(await stage.cluster.pod({ name: `old-${how}`, label: `old-${how}` }));
    await expect(asks(from)).resolves.toMatchObject(tokenOf(`old-${how}`));
    stage.sim.kube.stallWatches(true);
    await leave(`old-${how}`);
    await stage.cluster.pod({ name: `new-${how}`, label: `new-${how}`, ip: from });
    await expect(asks(from)).resolves.toMatchObject(tokenOf(`new-${how}`));
  });

  it('nobody has it any more: no token for anybody', async () => {
    const hasty = await started('--pod-check-age=0s', '--caller-hold=0s');
    const from = addressOf(await stage.cluster.pod({ name: 'left', label: 'left' }));
    await expect(hasty.send({ from, isAlone: true })).resolves.toMatchObject({ status: 200 });
    stage.sim.kube.stallWatches(true);
    await remove('left');
    await expect(hasty.send({ from, isAlone: true })).resolves.toMatchObject({
      status: 503,
      body: { error_description: expect.stringContaining('No pod of this node') as string },
    });
  });

  it('a name is used again with another label: the label of the new pod counts', async () => {
    const from = addressOf(await stage.cluster.pod({ name: 'reused', label: 'first-use' }));
    await asks(from);
    stage.sim.kube.stallWatches(true);
    await remove('reused');
    await stage.cluster.pod({ name: 'reused', label: 'second-use', ip: from });
    await expect(asks(from)).resolves.toMatchObject(tokenOf('second-use'));
  });

  it('two live pods have it: both are refused until one is gone, and not told of each other', async () => {
    const from = addressOf(await stage.cluster.pod({ name: 'claim-a', label: 'claim' }));
    await stage.cluster.pod({ name: 'claim-b', label: 'claim', ip: from });
    await expect.poll(async () => (await asks(from)).status).toBe(503);
    const refused = await asks(from);
    expect(refused.headers['retry-after']).toMatch(usualPause);
    expect(refused.body['error_description']).toContain('More than one pod');
    expect(refused.text).not.toMatch(/claim-[ab]/);
    await finish('claim-a');
    await expect.poll(async () => (await asks(from)).body['client_id']).toBe(clientIds.get('claim'));
  });
});

describe('a pod that ends', () => {
  it('still gets its token, until a newer one has the address', async () => {
    const from = addressOf(await stage.cluster.pod({ name: 'last-words', label: 'last-words' }));
    await end('last-words');
    await expect(asks(from)).resolves.toMatchObject(tokenOf('last-words'));
    await stage.cluster.pod({ name: 'newcomer', label: 'newcomer', ip: from });
    await expect.poll(async () => (await asks(from)).body['client_id']).toBe(clientIds.get('newcomer'));
  });
});

describe('item 22: pods that are young, or not for long', () => {
  it('E19 an init container gets a token: its pod is Pending and has an address', async () => {
    stage.sim.kube.stallWatches(true);
    const from = addressOf(await stage.cluster.pod({ name: 'init', label: 'init', phase: 'Pending' }));
    await expect(asks(from)).resolves.toMatchObject(tokenOf('init'));
  });

  it('a job that lives for two seconds gets its token though no watch tells of it in time', async () => {
    stage.sim.kube.stallWatches(true);
    const from = addressOf(await stage.cluster.pod({ name: 'job', label: 'job' }));
    await expect(asks(from)).resolves.toMatchObject(tokenOf('job'));
  });
});

/** What happens to pods, to the watch, and who calls. */
type Deed =
  | { readonly kind: 'start'; readonly pod: number; readonly label: number; readonly address: number }
  | { readonly kind: 'finish' | 'end' | 'delete'; readonly pod: number }
  | { readonly kind: 'stall' | 'catch-up' }
  | { readonly kind: 'call'; readonly address: number };

const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('start' as const),
      pod: fc.nat(2),
      label: fc.nat(2),
      address: fc.nat(1),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('finish', 'end', 'delete'), pod: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('stall', 'catch-up') }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('call' as const), address: fc.nat(1) }) },
);

describe('item 13: random histories, against the API server’s own view at the moment of the call', () => {
  const labels = ['owner-a', 'owner-b', 'owner-c'];
  const addresses = ['127.0.1.240', '127.0.1.241'];
  const nameOf = (pod: number) => `history-${pod}`;

  interface PodObject {
    readonly metadata: { readonly labels: Record<string, string>; readonly deletionTimestamp?: string };
    readonly status: { readonly phase: string; readonly podIP?: string };
  }
  /** Who has the address, read from the API server by a rule of this test's own. */
  const ownerOf = (address: string): string | undefined => {
    const live = (stage.sim.kube.list('pods') as unknown as PodObject[]).filter(
      ({ status }) => status.podIP === address && status.phase === 'Running',
    );
    const lasting = live.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const [owner, ...others] = lasting.length > 0 ? lasting : live;
    return others.length > 0 ? undefined : owner?.metadata.labels['aadpodidbinding'];
  };
  const isFree = (address: string) =>
    !(stage.sim.kube.list('pods') as unknown as PodObject[]).some(
      ({ status, metadata }) =>
        status.podIP === address && status.phase === 'Running' && metadata.deletionTimestamp === undefined,
    );
  const isThere = (pod: number) => stage.sim.kube.get('pods', nameOf(pod), 'default') !== undefined;
  const vanish = async (pod: number) => {
    if (!isThere(pod)) return;
    await stage.cluster.client.request('PATCH', podPath(nameOf(pod)), { metadata: { finalizers: null } });
    if (isThere(pod)) await remove(nameOf(pod));
  };

  type Change = Exclude<Deed, { kind: 'call' }>;
  const act: { readonly [Kind in Change['kind']]: (what: Extract<Change, { kind: Kind }>) => unknown } = {
    stall: () => stage.sim.kube.stallWatches(true),
    'catch-up': () => stage.sim.kube.stallWatches(false),
    delete: ({ pod }) => vanish(pod),
    end: ({ pod }) => isThere(pod) && end(nameOf(pod)),
    finish: ({ pod }) => isThere(pod) && finish(nameOf(pod)),
    // The network gives an address away when the pod before is known to end, to have ended, or not at all.
    start: ({ pod, label, address }) => {
      const [ip = '', name = ''] = [addresses[address], labels[label]];
      return !isThere(pod) && isFree(ip) && stage.cluster.pod({ name: nameOf(pod), label: name, ip });
    },
  };

  it('a token is only ever given for the pod that has the address, and that pod gets it', async () => {
    const hasty = await started('--pod-check-age=0s', '--caller-hold=0s');
    const call = async (address: number) => {
      const from = addresses[address] ?? '';
      const owner = ownerOf(from);
      const { status, body } = await hasty.send({ from, isAlone: true });
      const expected = owner === undefined ? [503, undefined] : [200, clientIds.get(owner)];
      expect([status, body['client_id']]).toEqual(expected);
    };
    const play = async (deeds: readonly Deed[]) => {
      for (const what of deeds)
        if (what.kind === 'call') await call(what.address);
        else await (act[what.kind] as (change: Change) => unknown)(what);
      stage.sim.kube.stallWatches(false);
      for (const pod of [0, 1, 2]) await vanish(pod);
    };
    await fc.assert(fc.asyncProperty(fc.array(deed, { minLength: 10, maxLength: 24, size: 'max' }), play), {
      numRuns: 60,
    });
    // Sixty histories, on a machine that does other work as well.
  }, 600_000);
});
