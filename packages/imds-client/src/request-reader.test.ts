import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRequestReader, keyOf, parseRequest } from './request.ts';
import type { Identity, TokenRequest } from './types.ts';

const resource = 'https://vault.azure.net';

test('a request that is like the last one is not read again', () => {
  const read = createRequestReader();
  const identity = { clientId: 'c' };
  const first = read({ resource, identity });
  expect(read({ resource, identity: { ...identity }, bypassCache: true })).toBe(first);
  const other = read({ resource });
  expect(other).not.toBe(first);
  expect(read({ resource })).toBe(other);
  expect(read({ resource, identity })).toEqual(first);
});

test.each(['clientId', 'objectId', 'resourceId'])(
  'a request with one more id than %s is not like the last one',
  (name) => {
    for (const more of ['clientId', 'objectId', 'resourceId'].filter((one) => one !== name)) {
      const read = createRequestReader();
      read({ resource, identity: { [name]: 'a' } as unknown as Identity });
      const both = { [name]: 'a', [more]: 'b' } as unknown as Identity;
      expect(() => read({ resource, identity: both })).toThrow('identity must be named once');
      expect(() => read({ resource, identity: null as unknown as Identity })).toThrow('identity must have');
    }
  },
);

test('a request that its caller changed is another one', () => {
  const read = createRequestReader();
  const identity = { clientId: 'mine' };
  const first = read({ resource, identity });
  identity.clientId = 'other';
  expect(read({ resource, identity }).key).not.toBe(first.key);
});

/** Requests of few values, so that many are alike; also those that only JavaScript can make. */
const ids = fc.constantFrom(undefined, 'a', 'A', '', 5);
const identities = fc.oneof(
  fc.constantFrom(undefined, null, 'a', {}),
  fc.record({ clientId: ids, objectId: ids, resourceId: ids }, { requiredKeys: [] }),
);
const requests = fc.record(
  {
    resource: fc.constantFrom('r', 'R', 'r/', '', 'r/.default', undefined),
    identity: identities,
    clientId: fc.constantFrom('a'),
  },
  { requiredKeys: ['resource'] },
);

test('whatever was read before, a request is read as by itself', () => {
  const outcome = (read: () => unknown) => {
    try {
      return read();
    } catch (error) {
      return String(error);
    }
  };
  fc.assert(
    fc.property(fc.array(requests, { minLength: 2, maxLength: 8 }), (sequence) => {
      const read = createRequestReader();
      for (const one of sequence) {
        const request = one as unknown as TokenRequest & { identity?: Identity };
        expect(outcome(() => read(request))).toEqual(
          outcome(() => {
            const parsed = parseRequest(request);
            return { ...parsed, key: keyOf(parsed) };
          }),
        );
      }
    }),
    { numRuns: 2_000 },
  );
});
