import { describe, expect, it } from 'vitest';
import { readNode, whyNoAgent } from './node.ts';

const setOf = (spec: object) => ({
  namespace: 'system',
  name: 'nmi',
  object: { spec: { template: { spec } } },
});
const nodeOf = (node: object) => readNode({ metadata: { name: 'n' }, ...node });
const selecting = (pool: string) => setOf({ nodeSelector: { pool, os: 'linux' } });

describe('a node without a pod of NMI', () => {
  it('that lacks a label gets it', () => {
    const node = nodeOf({ metadata: { name: 'n', labels: { os: 'linux' } } });
    expect(whyNoAgent(node, selecting('a')).command).toBe('kubectl label node n --overwrite pool=a');
    expect(whyNoAgent(undefined, selecting('a')).command).toContain('describe daemonset nmi');
  });

  it('attack: what a shell interprets in a nodeSelector is one word of the command', () => {
    expect(whyNoAgent(nodeOf({}), selecting('a; touch f')).command).toBe(
      "kubectl label node n --overwrite 'pool=a; touch f' os=linux",
    );
  });

  it('is not kept without one by taints of nodes that are not ready, nor by a preference', () => {
    const taints = [
      { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' },
      { key: 'busy', effect: 'PreferNoSchedule' },
    ];
    expect(whyNoAgent(nodeOf({ spec: { taints } }), setOf({})).command).toContain('describe daemonset nmi');
    const busy = nodeOf({ spec: { taints: [{ key: 'busy', effect: 'NoSchedule' }] } });
    expect(whyNoAgent(busy, setOf({})).text).toContain('does not tolerate busy');
    const tolerations = [{ operator: 'Exists' }];
    expect(whyNoAgent(busy, setOf({ tolerations })).command).toContain('describe daemonset nmi');
  });
});
