import { describe, expect, test } from 'vitest';
import type { AgentView } from '../snapshot/views.ts';
import { countCanaries, dueCanaries, foldCanaries, sightCanaries, type CanaryMemories } from './canary.ts';

const pod = (name: string, nodeName: string, over: Partial<AgentView> = {}): AgentView => ({
  name,
  nodeName,
  createdAt: 0,
  readyAt: 1,
  ending: false,
  ...over,
});
const unready = (name: string, nodeName: string): AgentView => ({
  name,
  nodeName,
  createdAt: 0,
  ending: false,
});
const minute = 60_000;

describe('what is seen of the canaries', () => {
  test('each node with NMI or a canary has one state', () => {
    const agents = [pod('nmi-1', 'n1'), unready('nmi-2', 'n2'), pod('nmi-3', 'n3')];
    const canaries = [pod('canary-1', 'n1'), unready('canary-2', 'n2'), pod('canary-4', 'n4')];
    const seen = sightCanaries(agents, canaries);
    expect([...seen.values()]).toEqual([
      { node: 'n1', state: 'ready', pod: 'canary-1', isAgentReady: true },
      { node: 'n2', state: 'not-ready', pod: 'canary-2', isAgentReady: false },
      { node: 'n3', state: 'missing', pod: '', isAgentReady: true },
      { node: 'n4', state: 'ready', pod: 'canary-4', isAgentReady: false },
    ]);
    expect(countCanaries(seen)).toEqual({ ready: 2, 'not-ready': 1, missing: 1 });
  });

  test('of the pods of a node one that is ready counts, in any order, and none that ends', () => {
    const two = [unready('new', 'n1'), pod('old', 'n1')];
    for (const canaries of [two, [...two].reverse()])
      expect(sightCanaries([], canaries).get('n1')).toMatchObject({ state: 'ready', pod: 'old' });
    const ending = pod('old', 'n1', { ending: true });
    expect(sightCanaries([pod('nmi-1', 'n1')], [ending]).get('n1')).toMatchObject({ state: 'missing' });
    expect(sightCanaries([ending], [])).toEqual(new Map());
  });
});

describe('what is reported', () => {
  const none: CanaryMemories = new Map();
  const agents = [pod('nmi-1', 'n1')];
  const good = sightCanaries(agents, [pod('canary-1', 'n1')]);
  const bad = sightCanaries(agents, [unready('canary-1', 'n1')]);
  const missing = sightCanaries(agents, []);
  const reported = (standings: CanaryMemories, state: 'not-ready' | 'missing'): CanaryMemories =>
    new Map([...standings].map(([node, standing]) => [node, { ...standing, reported: state }]));

  test('nothing of a canary that is ready, however long', () => {
    const standings = foldCanaries(none, good, 0);
    expect(dueCanaries(standings, good, minute)).toEqual([]);
  });

  test.each([
    ['not-ready', bad],
    ['missing', missing],
  ] as const)('a canary that is %s for half a minute, once', (state, seen) => {
    const first = foldCanaries(none, seen, 1_000);
    expect(dueCanaries(first, seen, 1_000)).toEqual([]);
    const later = foldCanaries(first, seen, 30_999);
    expect(dueCanaries(later, seen, 30_999)).toEqual([]);
    expect(dueCanaries(later, seen, 31_000)).toMatchObject([{ node: 'n1', state }]);
    const after = foldCanaries(reported(later, state), seen, 32_000);
    expect(dueCanaries(after, seen, 10 * minute)).toEqual([]);
  });

  test('a canary that was ready in between begins again', () => {
    const failing = foldCanaries(none, bad, 0);
    const ready = foldCanaries(failing, good, 20_000);
    const again = foldCanaries(ready, bad, 25_000);
    expect(dueCanaries(again, bad, 54_999)).toEqual([]);
    expect(dueCanaries(again, bad, 55_000)).toHaveLength(1);
  });

  test('one that goes missing after it was reported is reported again, at once', () => {
    const failing = reported(foldCanaries(none, bad, 0), 'not-ready');
    const gone = foldCanaries(failing, missing, minute);
    expect(dueCanaries(gone, missing, minute)).toMatchObject([{ state: 'missing' }]);
  });

  test('one that is ready again is reported if its failure was', () => {
    const failing = foldCanaries(none, bad, 0);
    expect(dueCanaries(foldCanaries(failing, good, minute), good, minute)).toEqual([]);
    const ready = foldCanaries(reported(failing, 'not-ready'), good, minute);
    expect(dueCanaries(ready, good, minute)).toMatchObject([{ node: 'n1', state: 'ready' }]);
  });

  test('a node that is gone is forgotten', () => {
    expect(foldCanaries(foldCanaries(none, bad, 0), new Map(), 1)).toEqual(new Map());
    expect(dueCanaries(none, bad, minute)).toEqual([]);
  });
});
