import { expect, it } from 'vitest';
import { pod } from '../../test/builders.ts';
import { identifyPod } from './identify-pod.ts';

const old = pod({ uid: 'old', name: 'old' });
const next = pod({ uid: 'next', name: 'next' });

it.each([
  ['no pod', [], 'none'],
  ['one running pod', [next], 'next'],
  ['item 22: a pod whose init containers run', [pod({ name: 'next', phase: 'Pending' })], 'next'],
  ['a pod in its last seconds', [pod({ name: 'next', isEnding: true })], 'next'],
  [
    'a pod whose grace is over, but not for long',
    [pod({ name: 'next', isEnding: true, endsAt: 70_000 })],
    'next',
  ],
  [
    'W-S6 a pod that should be gone for a while',
    [pod({ name: 'next', isEnding: true, endsAt: 69_999 })],
    'none',
  ],
  ['a pod that ends and has no living container', [pod({ isEnding: true, isStopped: true })], 'none'],
  [
    'of two that end the one that lives',
    [
      { ...old, isEnding: true, isStopped: true as const },
      { ...next, isEnding: true },
    ],
    'next',
  ],
  ['a pod that has succeeded', [pod({ phase: 'Succeeded' })], 'none'],
  ['a pod that has failed', [pod({ phase: 'Failed' })], 'none'],
  ['a pod of unknown phase', [pod({ phase: 'Unknown' })], 'none'],
  ['item 13: a new pod with the address of a finished one', [pod({ phase: 'Succeeded' }), next], 'next'],
  ['item 13: a new pod with the address of an ending one', [{ ...old, isEnding: true }, next], 'next'],
  ['item 13: two live pods', [old, next], 'ambiguous'],
  [
    'two pods that both end',
    [
      { ...old, isEnding: true },
      { ...next, isEnding: true },
    ],
    'ambiguous',
  ],
])('finds in %s: %3$s', (_, filed, expected) => {
  const found = identifyPod(filed, 100_000);
  expect(found.kind === 'pod' ? found.pod.name : found.kind).toBe(expected);
});
