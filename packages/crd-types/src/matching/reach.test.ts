import { expect, test } from 'vitest';
import { matchingRulesIn, reachOf } from './reach.ts';

test('in mode rbac allowedNamespaces decides, whatever forceNamespaced is; else forceNamespaced', () => {
  const reach = (mode: 'namespace' | 'warn' | 'rbac') =>
    [true, false].map((forceNamespaced) => reachOf(matchingRulesIn(mode, { forceNamespaced })));
  expect(reach('rbac')).toEqual(['allowed', 'allowed']);
  expect(reach('warn')).toEqual(['own', 'any']);
  expect(reach('namespace')).toEqual(['own', 'any']);
});
