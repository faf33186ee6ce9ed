import { describe, expect, test } from 'vitest';
import { agentPod, taintedNode } from '../snapshot/startup-views.ts';
import { judgeStartup } from './taints.ts';
import type { AgentView } from '../snapshot/views.ts';

const key = 'aadpodidentity.k8s.io/nmi-not-ready';
const nmi = { namespace: 'aad-pod-identity', name: 'nmi' };
const node = { name: 'n1', uid: 'u1', createdAt: 10_000 };
const agent = (more: Partial<AgentView> = {}): AgentView => ({
  name: 'nmi-1',
  nodeName: 'n1',
  createdAt: 11_000,
  readyAt: 15_000,
  ending: false,
  ...more,
});
const unready: AgentView = { name: 'nmi-1', nodeName: 'n1', createdAt: 11_000, ending: false };

describe('whether the start-up taint goes', () => {
  test('it goes when NMI of that node is ready', () => {
    expect(judgeStartup(node, [unready, agent()])).toEqual({ kind: 'remove', agent: 'nmi-1' });
  });

  test.each([
    ['no-agent', [] as AgentView[], 'there is no NMI on the node'],
    ['no-agent', [agent({ nodeName: 'n2' })], 'NMI of another node is ready'],
    ['no-agent', [agent({ ending: true })], 'NMI of the node is being deleted'],
    ['not-ready', [unready], 'NMI of the node is not ready'],
    [
      'stale',
      [agent({ createdAt: 2_000, readyAt: 3_000 })],
      'the status is one of an earlier node of this name',
    ],
  ])('it stays (%s) while %o: %s', (...[why, agents]) => {
    expect(judgeStartup(node, agents)).toMatchObject({ kind: 'keep', why });
  });

  test('a pod that outlived its Node object counts once it became ready after the new one was made', () => {
    const taken = agent({ createdAt: 2_000, readyAt: 10_001 });
    expect(judgeStartup(node, [taken])).toEqual({ kind: 'remove', agent: 'nmi-1' });
    const atOnce = { ...taken, readyAt: node.createdAt };
    expect(judgeStartup(node, [atOnce])).toEqual({ kind: 'keep', why: 'stale', pod: 'nmi-1' });
  });

  test("a node's clock that is behind does not matter for a pod that was created after the Node object", () => {
    expect(judgeStartup(node, [agent({ createdAt: 10_000, readyAt: 500 })]).kind).toBe('remove');
  });
});

describe('which pods are those of NMI', () => {
  const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'nmi', uid: 'd', controller: true };
  const pod = (metadata: object = {}, phase = 'Running') => ({
    metadata: {
      name: 'nmi-1',
      namespace: 'aad-pod-identity',
      labels: { component: 'nmi', tier: 'node' },
      creationTimestamp: '1970-01-01T00:00:11Z',
      ownerReferences: [owner],
      ...metadata,
    },
    spec: { nodeName: 'n1' },
    status: {
      phase,
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '1970-01-01T00:00:15Z' }],
    },
  });

  test('those that the DaemonSet of that name and namespace controls', () => {
    expect(agentPod(pod(), nmi)).toEqual(agent());
  });

  test.each([
    ['of another namespace, labels and owner alike', pod({ namespace: 'team' })],
    ['with the labels and no owner', pod({ ownerReferences: [] })],
    ['of another DaemonSet', pod({ ownerReferences: [{ ...owner, name: 'other' }] })],
    ['of a ReplicaSet of that name', pod({ ownerReferences: [{ ...owner, kind: 'ReplicaSet' }] })],
    ['of a DaemonSet of another API group', pod({ ownerReferences: [{ ...owner, apiVersion: 'x.io/v1' }] })],
    ['owned and not controlled', pod({ ownerReferences: [{ ...owner, controller: false }] })],
  ])('not one %s', (_name, raw) => {
    expect(agentPod(raw, nmi)).toBeUndefined();
  });

  test('one that ends is ending, whatever its conditions say', () => {
    expect(agentPod(pod({ deletionTimestamp: '1970-01-01T00:00:20Z' }), nmi)?.ending).toBe(true);
    expect(agentPod(pod({}, 'Failed'), nmi)?.ending).toBe(true);
  });
});

test('a node is tainted by the key alone, whatever value and effect', () => {
  const raw = (taints?: readonly object[]) => ({
    metadata: { name: 'n1', uid: 'u1', creationTimestamp: '1970-01-01T00:00:10Z' },
    spec: { ...(taints && { taints }) },
  });
  expect(
    taintedNode(
      raw([
        { key: 'gpu', effect: 'NoSchedule' },
        { key, effect: 'NoExecute' },
      ]),
      key,
    ),
  ).toEqual(node);
  expect(taintedNode(raw([{ key: 'gpu', effect: 'NoSchedule' }]), key)).toBeUndefined();
  for (const taints of [undefined, []]) expect(taintedNode(raw(taints), key)).toBeUndefined();
});
