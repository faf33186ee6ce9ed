// What the memory of tokens may hold is a bound of the heap, whatever the tokens, resources and namespaces are. Measured with V8's own count
// after a collection; nothing is timed.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { createTokenSource } from '../src/tokens/source.ts';
import { callerOf, issuedTo, openQueue, subjectOf, wantedFor } from './builders.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const MiB = 1024 * 1024;

interface Shape {
  /** Bytes of each token. */
  readonly token: number;
  readonly resource?: string;
  readonly count: number;
  /** Each asks for each token. */
  readonly namespaces?: number;
}

it.each<[string, Shape]>([
  ['as small as can be', { token: 10, count: 2_500 }],
  ['as large as fit into a place', { token: 3_000, count: 2_500 }],
  ['of applications with thousands of roles', { token: 250_000, count: 200 }],
  [
    'for resources of 2,048 characters beyond Latin-1',
    { token: 10, count: 2_500, resource: 'ж'.repeat(2_030) },
  ],
  ['that a hundred namespaces share', { token: 2_000, count: 30, namespaces: 100 }],
])(
  'attack: tokens %s take at most 10 MiB of the heap',
  async (_, { token, count, namespaces = 1, ...shape }) => {
    const clock = createFakeClock();
    const source = createTokenSource({
      clock,
      random: () => 0.5,
      queueFor: () => openQueue,
      upstream: {
        // Each a string of its own, as one that was read from a response.
        requestToken: ({ resource }) =>
          Promise.resolve(issuedTo('shared', { token: Buffer.alloc(token, resource).toString('latin1') })),
      },
    });
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let n = 0; n < count; n += 1) {
      const wish = wantedFor(subjectOf('shared'), { resource: `${shape.resource ?? 'api://'}${n}` });
      for (let at = 0; at < namespaces; at += 1)
        await source.get(wish, callerOf({ namespace: `namespace-${at}` }));
    }
    collect();
    const used = process.memoryUsage().heapUsed - before;
    expect(used).toBeLessThan(10 * MiB);
    // What was asked for last is there: the memory is full, not empty.
    const last = wantedFor(subjectOf('shared'), { resource: `${shape.resource ?? 'api://'}${count - 1}` });
    expect(source.cached(last, () => callerOf({ namespace: 'namespace-0' }))).toBeDefined();
  },
);
