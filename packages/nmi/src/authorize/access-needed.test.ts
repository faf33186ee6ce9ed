import { expect, it } from 'vitest';
import { identity, pod } from '../../test/builders.ts';
import type { Access } from '../access/types.ts';
import { accessToIdentity, bothAccesses } from './access-needed.ts';

const untenanted = identity({
  name: 'app',
  type: 1,
  spec: { tenantID: '../elsewhere', clientPassword: { name: 'credentials', namespace: 'default' } },
});

it('no right can be granted on an identity that names nothing to grant it on: rbac refuses it and says why, warn does not', () => {
  expect(accessToIdentity(pod(), 'rbac', untenanted)).toMatch(/^its spec\.tenantID \S/);
  expect(accessToIdentity(pod(), 'warn', untenanted)).toBeUndefined();
  expect(accessToIdentity(pod(), 'namespace', untenanted)).toBeUndefined();
});

it('the rights of an identity by both of its types are all needed, and of warn and rbac those of rbac', () => {
  const subject = { namespace: 'default', name: 'default' };
  const of = (mode: 'warn' | 'rbac', key: string): Access => ({
    mode,
    subject,
    pairs: [{ subject, key, target: { resource: 'applications', names: [key] } }],
  });
  const keysOf = (access: Access | undefined) =>
    access?.pairs === 'machine' ? [] : access?.pairs.map(({ key }) => key);
  expect(keysOf(bothAccesses(of('rbac', 'a'), of('rbac', 'b')))).toEqual(['a', 'b']);
  for (const [one, other] of [
    [of('rbac', 'a'), of('warn', 'b')],
    [of('warn', 'b'), of('rbac', 'a')],
    [of('rbac', 'a'), undefined],
    [undefined, of('rbac', 'a')],
  ])
    expect(bothAccesses(one, other)).toEqual(of('rbac', 'a'));
  expect(bothAccesses(undefined, undefined)).toBeUndefined();
});
