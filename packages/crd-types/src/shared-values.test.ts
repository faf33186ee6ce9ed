// No caller can change what others read: what is returned is fresh, and constants are frozen.
import { expect, test } from 'vitest';
import * as library from './index.ts';

/** The paths of all objects and functions inside, with their values. */
function inside(value: unknown, path = ''): [path: string, value: object][] {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  if (!isObject) return [];
  const members = Object.entries(value);
  return [[path, value], ...members.flatMap(([key, inner]) => inside(inner, `${path}.${key}`))];
}

test('every exported constant is frozen, at any depth', () => {
  const open = Object.entries(library)
    .filter(([, value]) => typeof value === 'object')
    .flatMap(([name, value]) => inside(value, name))
    .filter(([, value]) => !Object.isFrozen(value));
  expect(open.map(([path]) => path)).toEqual([]);
});

test('parsers copy the lists and maps that they were given', () => {
  const labels = { app: 'web' };
  const list = ['a'];
  const identity = library.parseAzureIdentity({
    metadata: { name: 'a', labels, annotations: labels, finalizers: list },
    spec: {
      type: 1,
      auxiliaryTenantIDs: list,
      allowedNamespaces: {
        names: list,
        selector: { matchLabels: labels, matchExpressions: [{ key: 'a', operator: 'In', values: list }] },
      },
    },
  });
  const exception = library.parseAzurePodIdentityException({
    metadata: { name: 'a' },
    spec: { podLabels: labels, clientIDs: list },
  });
  for (const parsed of [identity, exception]) {
    expect(parsed.ok).toBe(true);
    const values = inside(parsed).map(([, value]) => value);
    expect(values).not.toContain(labels);
    expect(values.filter((value) => value === labels || value === list)).toEqual([]);
  }
});
