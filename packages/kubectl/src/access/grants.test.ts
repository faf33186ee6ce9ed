import { parseAccessTarget, rolesFor, type AccessTarget } from '@pod-identity/crd-types';
import { describe, expect, it } from 'vitest';
import { holdersOf } from './grants.ts';

const group = '/subscriptions/s1/resourcegroups/rg';
const idOf = (name: string) => `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
const target = (id: string): AccessTarget => {
  const parsed = parseAccessTarget(id);
  if (!parsed.ok) throw new Error(id);
  return parsed.value;
};
const reader = target(idOf('reader'));
const web = { namespace: 'shop', name: 'web' };
const role = (name: string, rule: object) => ({
  metadata: { name },
  rules: [
    { apiGroups: ['azure.aadpodidentity.k8s.io'], resources: ['managedidentities'], verbs: ['use'], ...rule },
  ],
});
const binding = (name: string, roleName: string, ...subjects: object[]) => ({
  metadata: { name },
  roleRef: { kind: 'ClusterRole', name: roleName },
  subjects,
});

/** Whom one role with one subject lets use the reader. */
const holdersBy = (rule: object, subject: object) =>
  holdersOf([role('r', rule)], [binding('b', 'r', subject)], reader);
const account = { kind: 'ServiceAccount', ...web };

describe('grants', () => {
  it('are those of the roles that access prints', () => {
    const { objects } = rolesFor({ subjects: [web], targets: [reader] });
    const roles = objects.filter(({ kind }) => kind === 'ClusterRole');
    const bindings = objects.filter(({ kind }) => kind === 'ClusterRoleBinding');
    expect(holdersOf(roles, bindings, reader).map(({ holder, on }) => `${holder} ${on}`)).toEqual([
      `ServiceAccount shop/web ${reader.names[0]}`,
    ]);
    expect(holdersOf(roles, bindings, target(idOf('other')))).toEqual([]);
  });

  it('on a resource group or a subscription hold for its identities, and the narrowest one is told', () => {
    expect(holdersBy({ resourceNames: [group] }, account)).toMatchObject([{ on: group }]);
    const both = { resourceNames: ['/subscriptions/s1', reader.names[0]] };
    expect(holdersBy(both, account)).toMatchObject([{ on: reader.names[0] }]);
    expect(holdersBy({ resourceNames: ['/subscriptions/s2'] }, account)).toEqual([]);
  });

  it.each([
    ['all names', {}],
    ['all resources', { resources: ['*'] }],
    ['all verbs', { verbs: ['*'] }],
    ['all groups', { apiGroups: ['*'] }],
  ])('hold by a wildcard: %s', (_, rule) => {
    const wanted = [{ on: '*', clusterRole: 'r', clusterRoleBinding: 'b' }];
    expect(holdersBy(rule, account)).toMatchObject(wanted);
  });

  it.each([
    ['another group', { apiGroups: ['aadpodidentity.k8s.io'] }],
    ['another verb', { verbs: ['get'] }],
    ['another resource', { resources: ['applications'] }],
    ['a subresource', { resources: ['managedidentities/token'] }],
  ])('are none by %s', (_, rule) => {
    expect(holdersBy(rule, account)).toEqual([]);
  });

  it('of objects with anything in them are read without an exception', () => {
    const odd = [null, 1, {}, { metadata: 1, rules: {}, subjects: {} }, { rules: [null, { verbs: 'use' }] }];
    expect(holdersOf(odd, odd, reader)).toEqual([]);
  });
});
