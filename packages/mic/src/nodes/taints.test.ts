import { KubeError, type KubeRequest, type KubeTransport } from '@pod-identity/kit/kube';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import type { AgentView, TaintedNode } from '../snapshot/views.ts';
import { keepStartupTaints } from './taints.ts';
import { createFakeLog } from '../apply/test/fake-log.ts';

const key = 'aadpodidentity.k8s.io/nmi-not-ready';
const tainted = (name: string, uid = `uid-${name}`): TaintedNode => ({ name, uid, createdAt: 1_000 });
const ready = (nodeName: string, readyAt = 3_000): AgentView => ({
  name: `nmi-${nodeName}`,
  nodeName,
  createdAt: readyAt - 500,
  readyAt,
  ending: false,
});

interface World {
  agents: readonly AgentView[];
  /** Undefined: the taint does not wait for them. */
  holds: boolean;
  /** Called before each response; may throw. */
  refuse: (request: KubeRequest) => void;
}

/** Nodes n1, n2 … with the taint, by default with NMI ready. */
function setUp(of: { nodes?: readonly TaintedNode[]; agents?: readonly AgentView[] } = {}) {
  const { nodes = [tainted('n1')] } = of;
  const { agents = nodes.map(({ name }) => ready(name)) } = of;
  const clock = createFakeClock();
  const log = createFakeLog();
  const { lines } = log;
  const patched: string[] = [];
  const bearing = new Map(nodes.map((node) => [node.name, node]));
  const ending = new AbortController();
  let listener: ((node: string) => void) | undefined;
  let agentListener: typeof listener;
  const world: World = { agents, holds: true, refuse: () => undefined };
  const nameOf = ({ path }: KubeRequest) => path.split('/').at(-1) ?? '';
  const transport: KubeTransport = {
    server: 'fake',
    close: () => Promise.resolve(),
    watch: () => {
      throw new TypeError('nothing is watched');
    },
    async request(request) {
      await Promise.resolve();
      world.refuse(request);
      const name = nameOf(request);
      if (request.method === 'PATCH') {
        patched.push(name);
        bearing.delete(name);
      }
      const { uid = '' } = bearing.get(name) ?? {};
      const taints = [
        { key: 'gpu', effect: 'NoSchedule' },
        { key, effect: 'NoSchedule' },
      ];
      return { metadata: { uid, resourceVersion: '1' }, spec: { taints } };
    },
  };
  const ended = keepStartupTaints({
    key,
    transport,
    clock,
    log,
    random: () => 0,
    nodes: {
      taintedNodes: () => [...bearing.values()],
      taintedNode: (name) => bearing.get(name),
      onNode(tell) {
        listener = tell;
        return () => (listener = undefined);
      },
    },
    agents: {
      on: (name) => world.agents.filter(({ nodeName }) => nodeName === name),
      onChange(tell) {
        agentListener = tell;
        return () => (agentListener = undefined);
      },
    },
    term: { signal: ending.signal, holds: () => world.holds },
  });
  return {
    clock,
    lines,
    patched,
    bearing,
    world,
    ended,
    told: (level: string) =>
      lines.filter((line) => line.level === level).map(({ fields, message }) => ({ ...fields, message })),
    isListening: () => listener !== undefined || agentListener !== undefined,
    /** Of the node, or of NMI's pod on it. */
    change: async (node: string, how: 'node' | 'agent' = 'node') => {
      (how === 'node' ? listener : agentListener)?.(node);
      await clock.advance(0);
    },
    end: () => ending.abort(new Error('the term is over')),
  };
}
const denied = () => {
  throw new KubeError('denied', 'no right to patch nodes', { status: 403 });
};

test('a term begins with the nodes that have the taint; each is logged once', async () => {
  const { clock, patched, lines } = setUp({ nodes: [tainted('n1'), tainted('n2')] });
  await clock.advance(0);
  expect(patched).toEqual(['n1', 'n2']);
  expect(lines).toMatchObject([
    { level: 'info', fields: { node: 'n1', taint: key, agent: 'nmi-n1' } },
    { level: 'info', fields: { node: 'n2', taint: key, agent: 'nmi-n2' } },
  ]);
});

test('a node whose NMI is not ready is checked again when it changes, and costs nothing until then', async () => {
  const { clock, world, patched, change } = setUp({ agents: [] });
  await clock.advance(600_000);
  await change('n1');
  expect(patched).toEqual([]);
  expect(clock.pending).toBe(0);
  world.agents = [ready('n1')];
  await change('n1', 'agent');
  expect(patched).toEqual(['n1']);
});

test('a node that changes while another one is being written gets its turn', async () => {
  const { clock, bearing, world, patched, change } = setUp({ nodes: [] });
  for (const name of ['n1', 'n2']) bearing.set(name, tainted(name));
  world.agents = [ready('n1'), ready('n2')];
  await Promise.all([change('n1'), change('n2')]);
  await clock.advance(0);
  expect(patched).toEqual(['n1', 'n2']);
});

test('a node that lost its taint meanwhile is not read', async () => {
  const { clock, bearing, world, change, end, ended } = setUp();
  bearing.clear();
  world.refuse = () => {
    throw new TypeError('nothing is asked');
  };
  await change('n1');
  expect(clock.pending).toBe(0);
  end();
  await ended;
});

test('a Node object that was recreated since is not changed, without a log line', async () => {
  const { bearing, world, patched, change, told } = setUp({ agents: [] });
  world.refuse = () => void bearing.set('n1', tainted('n1', 'another'));
  world.agents = [ready('n1')];
  await change('n1');
  expect(patched).toEqual([]);
  expect(told('info')).toEqual([]);
});

test('an NMI that was ready for an earlier node of this name keeps the taint: logged once for each Node object', async () => {
  const { bearing, change, patched, told } = setUp({ agents: [ready('n1', 900)] });
  await change('n1');
  await change('n1');
  expect(told('warn')).toMatchObject([{ node: 'n1', pod: 'nmi-n1' }]);
  bearing.set('n1', tainted('n1', 'another'));
  await change('n1');
  expect(told('warn')).toHaveLength(2);
  expect(patched).toEqual([]);
});

test('a limited number of stale nodes is remembered: after a thousand others one is logged again', async () => {
  const nodes = Array.from({ length: 1_000 }, (_, count) => tainted(`n${count}`));
  const { bearing, world, change, told } = setUp({
    nodes,
    agents: nodes.map(({ name }) => ready(name, 900)),
  });
  await change('n0');
  expect(told('warn')).toHaveLength(1_000);
  await change('n1');
  expect(told('warn')).toHaveLength(1_000);
  bearing.set('more', tainted('more'));
  world.agents = [...world.agents, ready('more', 900)];
  await change('more');
  await change('n0');
  expect(
    told('warn')
      .slice(1_000)
      .map((line) => ('node' in line ? line.node : '')),
  ).toEqual(['more', 'n0']);
});

test('a refusal is logged once with the missing role, and retried with growing delays', async () => {
  const { clock, world, told, patched } = setUp();
  let asked = 0;
  world.refuse = () => ((asked += 1), denied());
  await clock.advance(0);
  const counts: number[] = [];
  for (const ms of [999, 1, 1_999, 1, 3_999, 1]) {
    await clock.advance(ms);
    counts.push(asked);
  }
  expect(counts).toEqual([1, 2, 2, 3, 3, 4]);
  expect(told('error')).toMatchObject([
    {
      node: 'n1',
      code: 'denied',
      message: expect.stringMatching(/deploy\/components\/startup-taint.*--startup-taint=/) as string,
    },
  ]);
  world.refuse = () => undefined;
  await clock.advance(60_000);
  expect(patched).toEqual(['n1']);
});

test('after a success a refusal is logged again, and delays start from the beginning', async () => {
  const { clock, bearing, world, told, change } = setUp();
  world.refuse = denied;
  await clock.advance(100_000);
  world.refuse = () => undefined;
  await clock.advance(60_000);
  bearing.set('n1', tainted('n1', 'another'));
  world.refuse = denied;
  await change('n1');
  expect(told('error')).toHaveLength(2);
  world.refuse = () => undefined;
  await clock.advance(1_000);
  expect(told('info')).toHaveLength(2);
});

test.each([
  ['unauthorized', /deploy\/components\/startup-taint/],
  ['unavailable', /it is tried again$/],
] as const)('%s has its own remedy, told when the kind of failure changes', async (code, remedy) => {
  const { clock, world, told } = setUp();
  world.refuse = () => {
    throw new KubeError('throttled', 'slow down', { status: 429 });
  };
  await clock.advance(0);
  world.refuse = () => {
    throw new KubeError(code, 'no', { status: 500 });
  };
  await clock.advance(10_000);
  expect(told('error')).toMatchObject([
    { code: 'throttled' },
    { code, error: 'no', message: expect.stringMatching(remedy) as string },
  ]);
});

test('a node that is deleted meanwhile is dropped', async () => {
  const { clock, world, lines } = setUp();
  world.refuse = () => {
    throw new KubeError('not-found', 'no such node', { status: 404 });
  };
  await clock.advance(600_000);
  expect(lines).toEqual([]);
  expect(clock.pending).toBe(0);
});

test('a refused node does not delay the others', async () => {
  const { clock, world, patched } = setUp({ nodes: [tainted('n1'), tainted('n2')] });
  world.refuse = ({ path }) => {
    if (path.endsWith('/n1')) denied();
  };
  await clock.advance(0);
  expect(patched).toEqual(['n2']);
});

test('an error of MIC itself is not treated as a refusal', async () => {
  const { ended, world } = setUp();
  world.refuse = () => {
    throw new TypeError('bug');
  };
  await expect(ended).rejects.toThrow('bug');
});

test('after the term it unsubscribes and ends, at rest or while it waits for a retry', async () => {
  for (const refuse of [() => undefined, denied]) {
    const { clock, world, ended, end, isListening, change, patched } = setUp({ agents: [] });
    world.refuse = refuse;
    world.agents = [ready('n1')];
    await clock.advance(0);
    expect(isListening()).toBe(true);
    end();
    await ended;
    expect([isListening(), clock.pending]).toEqual([false, 0]);
    const before = patched.length;
    await change('n1');
    expect(patched).toHaveLength(before);
  }
});

test('an expired lease prevents writes even before a timer has fired', async () => {
  const { world, patched, change, lines } = setUp({ agents: [] });
  await change('n1');
  world.holds = false;
  world.agents = [ready('n1')];
  await change('n1');
  expect(patched).toEqual([]);
  expect(lines).toEqual([]);
});

test('failures caused by the end of the term are not logged', async () => {
  const { clock, world, ended, end, told } = setUp();
  world.refuse = () => {
    end();
    throw new KubeError('aborted', 'the term is over');
  };
  await clock.advance(0);
  await ended;
  expect(told('error')).toEqual([]);
});
