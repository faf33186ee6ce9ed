import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it, vi } from 'vitest';
import { pod } from '../../test/builders.ts';
import type { PodsResult } from './results.ts';
import { createNamedPodFinder, type NamedPod } from './find-named.ts';
import type { PodView } from './pod-view.ts';

const web = pod();
const anew = pod({ uid: 'uid-anew', labels: { aadpodidbinding: 'other' } });
const relabelled = { ...web, labels: {} };

interface Given {
  readonly known?: PodView;
  /** Undefined: the API server does not answer. */
  readonly said: PodsResult | undefined;
  readonly isCurrent?: boolean;
  readonly heardMs?: number;
  readonly missedMs?: number;
}

const finder = ({ known, said, isCurrent = true, heardMs = 0, missedMs = 0 }: Given) => {
  const read = vi.fn(() => Promise.resolve(said ?? ({ why: 'away', pauseMs: 1_000 } as const)));
  const memory = { isCurrent: () => isCurrent, lastHeardMs: () => heardMs, missedMs: () => missedMs };
  const pods = { named: () => known, ...memory, read };
  const named = createNamedPodFinder({
    pods,
    node: 'node-1',
    check: { ageMs: 1_000, outageMs: 900_000 },
    clock: createFakeClock(),
  });
  return {
    read,
    find: (namespace: string, name: string) => named.find(namespace, name),
  };
};

it.each<[string, Given, NamedPod]>([
  ['a pod that the watch has not told of yet', { said: [web] }, web],
  ['a pod whose name was used again', { known: web, said: [anew] }, anew],
  ['a pod that is remembered, with the labels of the watch', { known: relabelled, said: [web] }, relabelled],
  ['after silence with those of the API server', { known: relabelled, said: [web], isCurrent: false }, web],
  ['a pod that is gone', { known: web, said: [] }, 'none'],
  ['a pod that has finished', { known: web, said: [{ ...web, phase: 'Succeeded' }] }, 'none'],
  ['a pod of another node', { said: [pod({ nodeName: 'node-2' })] }, 'none'],
  ['a pod with host network', { said: [pod({ addresses: [] })] }, pod({ addresses: [] })],
  ['a remembered pod while the API server is away', { known: web, said: undefined }, web],
  [
    'a remembered pod as long as memory is not too old',
    { known: web, said: undefined, heardMs: 900_000 },
    web,
  ],
  ['nobody by memory that is too old', { known: web, said: undefined, heardMs: 900_001 }, 'unconfirmed'],
  [
    'a remembered pod while the API server is away, if no more than a second was missed',
    { known: web, said: undefined, missedMs: 1_000 },
    web,
  ],
  [
    'nobody by memory that missed what happened while the API server was there',
    { known: web, said: undefined, missedMs: 1_001 },
    'unconfirmed',
  ],
  [
    'nobody while the API server refuses: it may answer others',
    { known: web, said: { why: 'refused', pauseMs: 1_000 } },
    'unconfirmed',
  ],
  ['an unknown one', { said: undefined }, 'none'],
])('finds %s', async (_, given, expected) => {
  await expect(finder(given).find('default', 'web')).resolves.toEqual(expected);
});

it('asks the API server after the pod of that name in that namespace', async () => {
  const { find, read } = finder({ said: [web] });
  await find('shop', 'till');
  expect(read).toHaveBeenCalledExactlyOnceWith({ namespace: 'shop', name: 'till' });
});

it.each([
  ['..', 'web'],
  ['default', '../secrets/x'],
  ['default', 'a/b'],
  ['default', 'web?x'],
  ['', 'web'],
])('asks nothing about %s %s, which is no name', async (namespace, name) => {
  const { find, read } = finder({ said: [web] });
  await expect(find(namespace, name)).resolves.toBe('none');
  expect(read).not.toHaveBeenCalled();
});
