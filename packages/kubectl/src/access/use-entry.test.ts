import { parseAzureIdentity, type AzureIdentity } from '@pod-identity/crd-types';
import { targetsOf } from '@pod-identity/policy';
import { expect, it } from 'vitest';
import { targetsOfAll } from './identities.ts';
import { entryOf, type IdentityUse } from './use-entry.ts';
import type { Verdict } from './verdicts.ts';

const group = '/subscriptions/s1/resourcegroups/rg';
const identityOf = (name: string, of = name): AzureIdentity => {
  const parsed = parseAzureIdentity({
    apiVersion: 'aadpodidentity.k8s.io/v1',
    kind: 'AzureIdentity',
    metadata: { namespace: 'shop', name },
    spec: {
      type: 0,
      resourceID: `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${of}`,
      clientID: '00000000-0000-0000-0000-000000000001',
    },
  });
  if (!parsed.ok) throw new Error(name);
  return parsed.value;
};
const reader = identityOf('reader');
const subject = { namespace: 'shop', name: 'web' };
const { targets } = targetsOf(reader);
const using = {
  pod: 'shop/web-0',
  subject,
  identity: reader,
  by: 'AzureIdentity shop/reader',
  targets,
};
const seen: IdentityUse = { using, nodeName: 'n', mode: 'rbac', isModeKnown: true, state: 'Assigned' };
const verdicts = (review: Verdict['review']): Verdict[] =>
  targets.map((target) => ({ subject, target, review }));
const name = `${group}/providers/microsoft.managedidentity/userassignedidentities/reader`;

it('an entry has the same fields for every pod', () => {
  expect(entryOf(seen, verdicts({ kind: 'allowed', level: 1 }))).toEqual({
    namespace: 'shop',
    pod: 'web-0',
    node: 'n',
    serviceAccount: 'shop/web',
    by: 'AzureIdentity shop/reader',
    type: 'managed',
    azure: [{ resource: 'managedidentities', name, right: 'allowed', on: group }],
    mode: 'rbac',
    right: 'allowed',
    mayUse: true,
    state: 'Assigned',
  });
  const open = entryOf({ ...seen, mode: 'namespace', nodeName: '', state: undefined }, []);
  expect(open).toMatchObject({ node: null, state: null, right: 'not-needed', mayUse: true });
  expect(open.azure).toEqual([{ resource: 'managedidentities', name }]);
});

it('a refusal counts only in mode rbac, and says no more than is known', () => {
  const refused = verdicts({ kind: 'refused' });
  expect(entryOf(seen, refused)).toMatchObject({ right: 'refused', mayUse: false });
  expect(entryOf({ ...seen, mode: 'warn' }, refused)).toMatchObject({ right: 'refused', mayUse: true });
  expect(entryOf({ ...seen, isModeKnown: false }, refused)).toMatchObject({ mode: null, mayUse: null });
  const unanswered = verdicts({ kind: 'unanswered', why: 'busy' });
  expect(entryOf(seen, unanswered)).toMatchObject({ right: 'unknown', mayUse: null });
});

it('an identity for which no right can be given is refused, with the reason', () => {
  const odd = { ...using, targets: [], problem: 'spec.tenantID is missing' };
  expect(entryOf({ ...seen, using: odd }, [])).toMatchObject({
    right: 'refused',
    mayUse: false,
    problem: 'spec.tenantID is missing',
  });
});

it('AzureIdentities of one identity are one target', () => {
  const all = targetsOfAll([identityOf('b', 'reader'), identityOf('writer'), reader]);
  expect(all.map(({ by }) => by)).toEqual([['shop/b', 'shop/reader'], ['shop/writer']]);
});
