import { expect, it } from 'vitest';
import { identity, pod } from '../../test/builders.ts';
import { accessToIdentity } from './access-needed.ts';

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
