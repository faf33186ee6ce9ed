import { parseAccessTarget, rolesFor, type AccessTarget } from '@pod-identity/crd-types';
import { subjectOf } from '@pod-identity/kit/kube';
import { strangerRight, useRight } from '@pod-identity/policy';
import { describe, expect, it } from 'vitest';
import { createGrantReviewer, describeHolder, grantsIn, grantsOf } from './grants.ts';

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

/** The cluster of one role with one subject. */
const grantsBy = (rule: object, subject: object) =>
  grantsIn({ roles: [role('r', rule)], bindings: [binding('b', 'r', subject)] });
const mayUse = (grants: ReturnType<typeof grantsIn>, { resource, names: [name] }: AccessTarget) =>
  createGrantReviewer(grants).review({ ...useRight, subject: subjectOf('shop', 'web'), resource, name });
const account = { kind: 'ServiceAccount', ...web };

describe('grants', () => {
  it('are those of the roles that access prints', async () => {
    const { objects } = rolesFor({ subjects: [web], targets: [reader] });
    const grants = grantsIn({
      roles: objects.filter(({ kind }) => kind === 'ClusterRole'),
      bindings: objects.filter(({ kind }) => kind === 'ClusterRoleBinding'),
    });
    expect(grantsOf(grants, reader).map(({ holder, on }) => `${describeHolder(holder)} ${on}`)).toEqual([
      `ServiceAccount shop/web ${reader.names[0]}`,
    ]);
    expect(await mayUse(grants, reader)).toBe(true);
    expect(await mayUse(grants, target(idOf('other')))).toBe(false);
  });

  it('on a resource group or a subscription hold for its identities, and the narrowest one is told', () => {
    expect(grantsOf(grantsBy({ resourceNames: [group] }, account), reader)).toMatchObject([{ on: group }]);
    const both = { resourceNames: ['/subscriptions/s1', reader.names[0]] };
    expect(grantsOf(grantsBy(both, account), reader)).toMatchObject([{ on: reader.names[0] }]);
    expect(grantsOf(grantsBy({ resourceNames: ['/subscriptions/s2'] }, account), reader)).toEqual([]);
  });

  it.each([
    ['all names', {}],
    ['all resources', { resources: ['*'] }],
    ['all verbs', { verbs: ['*'] }],
    ['all groups', { apiGroups: ['*'] }],
  ])('hold by a wildcard: %s', (_, rule) => {
    expect(grantsOf(grantsBy(rule, account), reader)).toMatchObject([{ on: '*', role: 'r', binding: 'b' }]);
  });

  it.each([
    ['another group', { apiGroups: ['aadpodidentity.k8s.io'] }],
    ['another verb', { verbs: ['get'] }],
    ['another resource', { resources: ['applications'] }],
    ['a subresource', { resources: ['managedidentities/token'] }],
  ])('are none by %s', (_, rule) => {
    expect(grantsOf(grantsBy(rule, account), reader)).toEqual([]);
  });

  it.each([
    [account, true],
    [{ kind: 'ServiceAccount', namespace: 'other', name: 'web' }, false],
    [{ kind: 'User', name: 'system:serviceaccount:shop:web' }, true],
    [{ kind: 'User', name: 'web' }, false],
    [{ kind: 'Group', name: 'system:serviceaccounts:shop' }, true],
    [{ kind: 'Group', name: 'system:serviceaccounts:other' }, false],
    [{ kind: 'Group', name: 'system:authenticated' }, true],
  ])('to %j: whether they are for a ServiceAccount is %s', async (subject, expected) => {
    expect(await mayUse(grantsBy({}, subject), reader)).toBe(expected);
  });

  it('to everybody do not count for an invented user, as in the API server', async () => {
    const grants = grantsBy({}, { kind: 'Group', name: 'system:authenticated' });
    const stranger = { ...strangerRight, subject: { user: 'x', groups: [] }, name: 'x' };
    expect(await createGrantReviewer(grants).review(stranger)).toBe(false);
  });

  it('of objects with anything in them are read without an exception', () => {
    const odd = [null, 1, {}, { metadata: 1, rules: {}, subjects: {} }, { rules: [null, { verbs: 'use' }] }];
    expect(grantsIn({ roles: odd, bindings: odd })).toEqual([]);
  });
});
