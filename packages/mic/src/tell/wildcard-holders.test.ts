import { expect, test } from 'vitest';
import { wildcardHolders } from './wildcard-holders.ts';

const role = (name: string, ...rules: readonly object[]) => ({ metadata: { name }, rules });
const binding = (name: string, roleName: string, ...subjects: readonly object[]) => ({
  metadata: { name },
  roleRef: { kind: 'ClusterRole', name: roleName },
  subjects,
});
const masters = { kind: 'Group', name: 'system:masters' };
const account = { kind: 'ServiceAccount', namespace: 'ci', name: 'deploy' };
const everything = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
const holdersOf = (...rules: readonly object[]) =>
  wildcardHolders([role('r', ...rules)], [binding('b', 'r', account)]).length;

test('each holder is listed once for each binding, with its role, in a stable order', () => {
  const roles = [role('admin', everything), role('narrow', { ...everything, resourceNames: ['a'] })];
  const bindings = [
    binding('two', 'admin', masters, account, account),
    binding('one', 'admin', masters),
    binding('other', 'narrow', masters),
    binding('none', 'gone', masters),
    { metadata: { name: 'empty' }, roleRef: { kind: 'ClusterRole', name: 'admin' } },
    { ...binding('role', 'admin', masters), roleRef: { kind: 'Role', name: 'admin' } },
  ];
  const expected = [
    'Group system:masters by ClusterRole admin (ClusterRoleBinding one)',
    'Group system:masters by ClusterRole admin (ClusterRoleBinding two)',
    'ServiceAccount ci/deploy by ClusterRole admin (ClusterRoleBinding two)',
  ];
  expect(wildcardHolders(roles, bindings)).toEqual(expected);
  expect(wildcardHolders(roles.toReversed(), bindings.toReversed())).toEqual(expected);
});

test('a rule is wide when group, resource and verb all reach identities and no name narrows it', () => {
  const use = {
    apiGroups: ['azure.aadpodidentity.k8s.io'],
    resources: ['applications'],
    verbs: ['get', 'use'],
  };
  expect(holdersOf(use)).toBe(1);
  expect(holdersOf({ ...use, resources: ['machines'] })).toBe(1);
  expect(holdersOf({ apiGroups: [''], resources: ['pods'], verbs: ['get'] }, use)).toBe(1);
  expect(holdersOf({ ...use, apiGroups: ['aadpodidentity.k8s.io'] })).toBe(0);
  expect(holdersOf({ ...use, resources: ['azureidentities'] })).toBe(0);
  expect(holdersOf({ ...use, verbs: ['get'] })).toBe(0);
  expect(holdersOf({ ...use, resourceNames: ['a'] })).toBe(0);
  expect(holdersOf({ ...use, resourceNames: [] })).toBe(1);
  expect(holdersOf({ verbs: 'use', apiGroups: null })).toBe(0);
});
