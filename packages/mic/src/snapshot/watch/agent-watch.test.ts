import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import { createFakeLog } from '../../apply/test/fake-log.ts';
import { createAgentWatch } from './agent-watch.ts';
import { createFakeApi, type RawObject } from './test/fake-api.ts';

const path = '/api/v1/namespaces/aad-pod-identity/pods';
const agent = ({ name = 'nmi-1', node = 'node-0', owner = 'nmi', note = '', isEnding = false } = {}) => ({
  metadata: {
    name,
    namespace: 'aad-pod-identity',
    uid: 'u',
    creationTimestamp: '2023-11-14T22:13:20Z',
    ...(isEnding && { deletionTimestamp: '2023-11-14T22:14:00Z' }),
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: owner, controller: true }],
    annotations: { note },
  },
  spec: { nodeName: node },
  status: {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2023-11-14T22:13:30Z' }],
  },
});

async function setUp(objects: readonly RawObject[]) {
  const clock = createFakeClock();
  const api = createFakeApi();
  const ending = new AbortController();
  for (const object of objects) api.put(path, object);
  const daemonSet = { namespace: 'aad-pod-identity', name: 'nmi' };
  const { transport } = api;
  const view = createAgentWatch({ transport, daemonSet, clock, random: () => 0, log: createFakeLog() });
  const ended = view.run(ending.signal);
  await clock.advance(0);
  const news = async (change: () => void) => {
    change();
    await clock.advance(0);
  };
  return { api, view, news, ended, end: () => ending.abort() };
}

test("the pods of NMI's DaemonSet are found by their node, with all that a decision needs of them", async () => {
  const forged = agent({ name: 'forged', owner: 'other' });
  const { view } = await setUp([
    agent(),
    forged,
    agent({ name: 'nmi-2', node: 'node-1', note: 'x'.repeat(99_999) }),
  ]);
  expect(view.on('node-0')).toEqual([
    {
      name: 'nmi-1',
      nodeName: 'node-0',
      ending: false,
      createdAt: 1_700_000_000_000,
      readyAt: 1_700_000_010_000,
    },
  ]);
  expect(view.on('node-1').map(({ name }) => name)).toEqual(['nmi-2']);
  expect(view.on('nowhere')).toEqual([]);
});

test.each([
  ['that is not ready', [{ type: 'Ready', status: 'False', lastTransitionTime: '2023-11-14T22:13:30Z' }]],
  [
    'of which another condition is true',
    [{ type: 'Initialized', status: 'True', lastTransitionTime: '2023-11-14T22:13:30Z' }],
  ],
  ['of which nothing is said', []],
])('a pod %s has no time since when it is ready', async (_, conditions) => {
  const { view } = await setUp([{ ...agent(), status: { phase: 'Running', conditions } } as RawObject]);
  expect(view.on('node-0')).toStrictEqual([
    { name: 'nmi-1', nodeName: 'node-0', createdAt: 1_700_000_000_000, ending: false },
  ]);
});

test('a pod that is on no node yet is none of any node', async () => {
  const { view } = await setUp([agent({ node: '' })]);
  expect(view.on('')).toEqual([]);
});

test('one that comes, ends or goes is told by its node, until the listener ends', async () => {
  const { api, view, news } = await setUp([]);
  const told: string[] = [];
  const end = view.onChange((node) => told.push(node));
  await news(() => api.put(path, agent()));
  await news(() => api.put(path, agent({ isEnding: true })));
  expect(view.on('node-0')).toMatchObject([{ ending: true }]);
  await news(() => api.remove(path, agent()));
  expect(view.on('node-0')).toEqual([]);
  expect(told).toEqual(['node-0', 'node-0', 'node-0']);
  end();
  await news(() => api.put(path, agent()));
  expect(told).toHaveLength(3);
});

test('it runs until it is told to end', async () => {
  const { ended, end } = await setUp([]);
  end();
  await ended;
});
