import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it, vi } from 'vitest';
import { pod } from '../../test/builders.ts';
import { createCallerFinder } from './find-caller.ts';
import type { PodView } from './pod-view.ts';

const web = pod();
const twin = pod({ uid: 'twin', name: 'twin' });

const stage = (given: { filed?: PodView[]; live?: PodView[] | undefined; isCurrent?: boolean } = {}) => {
  const state = { filed: given.filed ?? [], isCurrent: given.isCurrent ?? true };
  const listeners = new Set<() => void>();
  const clock = createFakeClock();
  const lookUp = vi.fn(() => Promise.resolve('live' in given ? given.live : []));
  const find = createCallerFinder({
    clock,
    holdMs: 2000,
    pods: {
      filedUnder: () => state.filed,
      isCurrent: () => state.isCurrent,
      lookUp,
      changes: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
  });
  const arrive = (filed: PodView[]) => {
    state.filed = filed;
    for (const listener of [...listeners]) listener();
  };
  return { find, lookUp, clock, arrive };
};

it('answers from memory at once, without asking anybody', () => {
  const { find, lookUp } = stage({ filed: [web] });
  expect(find('10.0.0.1')).toEqual({ kind: 'pod', pod: web });
  expect(lookUp).not.toHaveBeenCalled();
});

it('item 14: asks the API server for a pod that is not remembered', async () => {
  const { find } = stage({ live: [web] });
  await expect(find('10.0.0.1')).resolves.toEqual({ kind: 'pod', pod: web });
});

it('C13 holds a caller whose pod arrives meanwhile, and no longer', async () => {
  const { find, arrive, clock } = stage({ live: [] });
  const found = find('10.0.0.1');
  await clock.advance(500);
  arrive([web]);
  await expect(found).resolves.toEqual({ kind: 'pod', pod: web });
  expect(clock.now()).toBe(500);
});

it('gives up on an unknown address after the hold', async () => {
  const { find, clock } = stage({ live: [] });
  const found = find('10.0.0.1');
  await clock.advance(2000);
  await expect(found).resolves.toEqual({ kind: 'none' });
});

it('asks once for all callers from one address', async () => {
  const { find, lookUp } = stage({ live: [web] });
  await Promise.all([find('10.0.0.1'), find('10.0.0.1'), find('10.0.0.1')]);
  expect(lookUp).toHaveBeenCalledTimes(1);
  await find('10.0.0.1');
  expect(lookUp).toHaveBeenCalledTimes(2);
});

it('item 13: refuses to guess between two live pods, unless the API server knows of one only', async () => {
  await expect(stage({ filed: [web, twin], live: [web, twin] }).find('10.0.0.1')).resolves.toMatchObject({
    kind: 'ambiguous',
  });
  await expect(stage({ filed: [web, twin], live: [twin] }).find('10.0.0.1')).resolves.toEqual({
    kind: 'pod',
    pod: twin,
  });
});

it('item 14: does not trust what it remembers once the watch is silent: the address may be another pod’s by now', async () => {
  const { find } = stage({ filed: [web], live: [twin], isCurrent: false });
  await expect(find('10.0.0.1')).resolves.toEqual({ kind: 'pod', pod: twin });
});

it('a remembered pod that the API server does not name is gone', async () => {
  const { find, clock } = stage({ filed: [web], live: [], isCurrent: false });
  const found = find('10.0.0.1');
  await clock.advance(2000);
  await expect(found).resolves.toEqual({ kind: 'none' });
});

it('goes on with what it remembers while the API server is away: no new pod starts then', async () => {
  const { find } = stage({ filed: [web], live: undefined, isCurrent: false });
  await expect(find('10.0.0.1')).resolves.toEqual({ kind: 'pod', pod: web });
});
