import { findingLines } from '@pod-identity/policy';
import { describe, expect, it } from 'vitest';
import { agentFindings, brokerFinding, micFinding, noAgents, type Agents } from './services.ts';

const setOf = (spec: object) => ({
  namespace: 'system',
  name: 'nmi',
  object: { spec: { template: { spec } } },
});
const anywhere = setOf({ tolerations: [{ operator: 'Exists' }] });
const text = (agents: Partial<Agents>) =>
  findingLines('', agentFindings('n', { daemonSet: anywhere, pods: [], node: {}, ...agents })).join('\n');

describe('NMI of a node', () => {
  it('is ready, not ready, or not known', () => {
    expect(text({ pods: [{ name: 'nmi-x', isReady: true }] })).toContain('✓ node         NMI runs on n');
    const waiting = text({ pods: [{ name: 'nmi-x', isReady: false }] });
    expect(waiting).toContain('$ kubectl --namespace system logs nmi-x');
    expect(text({ pods: undefined })).toContain('· node         whether NMI runs on n is not known');
  });

  it('is absent because of a taint: the DaemonSet is made to tolerate it', () => {
    const daemonSet = setOf({ tolerations: [{ key: 'gpu', operator: 'Equal', value: 'no' }] });
    const node = { spec: { taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] } };
    expect(text({ daemonSet, node })).toContain(
      `patch daemonset nmi --type merge --patch '{"spec":{"template":{"spec":{"tolerations":[{"operator":"Exists"}]}}}}'`,
    );
  });

  it.each([
    [{ key: 'gpu', operator: 'Exists' }],
    [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }],
    [{ operator: 'Exists', effect: 'NoSchedule' }],
  ])('is not kept away by a taint that it tolerates: %j', (toleration) => {
    const node = { spec: { taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] } };
    expect(text({ daemonSet: setOf({ tolerations: [toleration] }), node })).toContain(
      'describe daemonset nmi',
    );
  });

  it('is not kept away by taints of nodes that are not ready, nor by a preference', () => {
    const taints = [
      { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' },
      { key: 'busy', effect: 'PreferNoSchedule' },
    ];
    expect(text({ daemonSet: setOf({}), node: { spec: { taints } } })).toContain('describe daemonset nmi');
  });

  it('is absent because of a label: the node gets it', () => {
    const daemonSet = setOf({ nodeSelector: { pool: 'a', os: 'linux' } });
    const node = { metadata: { labels: { os: 'linux' } } };
    expect(text({ daemonSet, node })).toContain('$ kubectl label node n --overwrite pool=a');
    expect(text({ daemonSet, node: undefined })).toContain('describe daemonset nmi');
  });

  it('attack: what a shell interprets in a nodeSelector is one word of the command', () => {
    const daemonSet = setOf({ nodeSelector: { pool: 'a; touch f', os: 'linux' } });
    expect(text({ daemonSet })).toContain("$ kubectl label node n --overwrite 'pool=a; touch f' os=linux");
  });
});

describe('MIC and the broker', () => {
  const running = (ready: number) =>
    ({ kind: 'Deployment', namespace: 'system', name: 'x', replicas: { wanted: 2, ready } }) as const;

  it.each([
    { found: [running(1)], isPartial: false, verdicts: ['ok', 'ok'] },
    { found: [running(0)], isPartial: false, verdicts: ['waiting', 'problem'] },
    { found: [], isPartial: false, verdicts: ['waiting', 'problem'] },
    { found: [], isPartial: true, verdicts: ['info', 'info'] },
  ])('are told as they were found: %j', ({ verdicts, ...wanted }) => {
    expect([micFinding(wanted).verdict, brokerFinding(wanted).verdict]).toEqual(verdicts);
  });

  it('without NMI there is a problem, unless it is only not seen', () => {
    expect([false, true].map((isPartial) => noAgents({ isPartial }).verdict)).toEqual(['problem', 'info']);
  });
});
