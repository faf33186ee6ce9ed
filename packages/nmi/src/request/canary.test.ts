import { expect, it } from 'vitest';
import { canaryTarget, challengeIn } from './canary.ts';
import { routeOf } from './routes.ts';

const challenge = '0123456789abcdef0123456789abcdef';

it('the canary asks at a path of its own, with its challenge', () => {
  const route = routeOf(canaryTarget(challenge));
  expect(route).toEqual({ kind: 'canary', query: `challenge=${challenge}` });
  expect(challengeIn('query' in route ? route.query : '')).toBe(challenge);
});

it.each([
  ['none', ''],
  ['one that is too short', `challenge=${challenge.slice(1)}`],
  ['one that is too long', `challenge=${challenge}0`],
  ['one with other characters', `challenge=${challenge.replace('f', 'F')}`],
  ['another parameter before it', `a=b&challenge=${challenge}`],
  ['another parameter after it', `challenge=${challenge}&a=b`],
])('%s is no challenge', (_, query) => {
  expect(challengeIn(query)).toBeUndefined();
});

it.each(['/metadata/pod-identity', '/metadata/pod-identity/canary/more', '/pod-identity/canary'])(
  '%s is no path of the canary',
  (path) => {
    expect(routeOf(path)).toEqual({ kind: 'nowhere', why: 'unknown' });
  },
);
