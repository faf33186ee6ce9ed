import { rolesFor, type AccessTarget } from '@pod-identity/crd-types';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import * as build from '../plan/test/builders.ts';
import { indexOf } from '../snapshot/test/cluster-snapshot.ts';
import { accessReport, judgeEach } from './access-report.ts';
import { identitiesAsFederated, identitiesInUse, usesOf, type Using } from './access-uses.ts';

const target = (name: string): AccessTarget => ({
  resource: 'managedidentities',
  names: [name, '/s/g', '/s'],
});
const using = (account: string, by: string, ...names: readonly string[]): Using => {
  const [namespace = '', name = ''] = account.split('/');
  return {
    pod: `${namespace}/pod`,
    subject: { namespace, name },
    by,
    isEnforced: false,
    targets: names.map(target),
  };
};
const report = (all: readonly Using[], more = {}) =>
  accessReport({
    ...usesOf(all),
    asFederated: usesOf([]),
    enforced: [],
    holders: [],
    unknown: [],
    withoutAccount: [],
    ...more,
  });

test('each target is one role with all its holders, under the names of the objects by which it is used', () => {
  const lines = report([
    using('shop/web', 'AzureIdentity shop/b', '/s/g/b'),
    using('shop/api', 'AzureIdentity shop/b', '/s/g/b'),
    using('shop/api', 'AzureIdentity shop/copy', '/s/g/b'),
    using('pay/web', 'AzureIdentity pay/a', '/s/g/a'),
  ]);
  const found = parseAllDocuments(lines.join('\n')).map((document) => document.toJS() as unknown);
  const subjects = [
    { namespace: 'shop', name: 'api' },
    { namespace: 'shop', name: 'web' },
  ];
  expect(found.filter((object) => object !== null)).toEqual([
    ...rolesFor({ subjects: [{ namespace: 'pay', name: 'web' }], targets: [target('/s/g/a')] }).objects,
    ...rolesFor({ subjects, targets: [target('/s/g/b')] }).objects,
  ]);
  expect(lines).toContain('# Managed identity /s/g/b, by AzureIdentity shop/b, AzureIdentity shop/copy');
  expect(lines[1]).toContain('ServiceAccounts: 3; Azure identities and machines: 2.');
  expect(lines[2]).toBe(`# ${judgeEach}.`);
});

test('the result does not depend on the order of reads', () => {
  const all = [
    using('shop/web', 'AzureIdentity shop/b', '/s/g/b', '/s/g/a'),
    using('shop/api', 'AzureIdentity shop/a', '/s/g/a'),
    using('pay/web', 'AzureIdentity pay/a', '/s/g/a'),
    { ...using('pay/web', 'AzureIdentity pay/bad'), problem: 'spec.resourceID is odd' },
    { ...using('pay/web', 'AzureIdentity a/bad'), problem: 'spec.resourceID is odd' },
  ];
  expect(report(all.toReversed())).toEqual(report(all));
  expect(report([...all, ...all])).toEqual(report(all));
});

test('uncovered uses, unknown exceptions and holders of wildcard rights are comments', () => {
  const lines = report([{ ...using('pay/web', 'AzureIdentity pay/bad'), problem: 'bad\nkind: Evil' }], {
    holders: ['Group system:masters'],
    unknown: ['AzurePodIdentityException pay/x: no'],
  });
  expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
  expect(lines).toContain('# - AzureIdentity pay/bad: bad kind: Evil');
  expect(lines).toContain('# - Group system:masters');
  expect(lines).toContain('# - AzurePodIdentityException pay/x: no');
  expect(report([], { holders: undefined }).at(-1)).toContain('could not be listed');
  expect(report([]).join()).not.toContain('These');
});

test('identities are in use by pods that have not finished, wherever they are, by their ServiceAccount', () => {
  const index = indexOf(
    build.snapshot({
      pods: [
        build.pod({ name: 'web', serviceAccount: 'web' }),
        build.pod({ name: 'pending', node: '', serviceAccount: 'later' }),
        build.pod({ name: 'done', phase: 'Failed', serviceAccount: 'done' }),
        build.pod({ name: 'other', label: 'nothing', serviceAccount: 'other' }),
      ],
    }),
    build.rules,
  );
  const { uses, uncovered } = usesOf(identitiesInUse(index));
  expect(uses.map(({ subject, by }) => [subject.name, ...by])).toEqual([
    ['later', 'AzureIdentity default/reader'],
    ['web', 'AzureIdentity default/reader'],
  ]);
  expect(uncovered).toEqual([]);
});

test('an identity whose id cannot be covered by a right is reported with the reason', () => {
  const identities = [
    build.identity({ spec: { type: 1, tenantID: 'contoso.com', clientID: '\u0435', resourceID: undefined } }),
  ];
  const { uses, uncovered } = usesOf(identitiesInUse(indexOf(build.snapshot({ identities }), build.rules)));
  expect([uses, uncovered.length]).toEqual([[], 1]);
  expect(uncovered[0]).toMatch(/^AzureIdentity default\/reader: spec\.clientID .*ASCII/);
});

test('attack: what identities of type 0 would need as type 3 is commented out, since their authors chose the client id', () => {
  const [tenantID, clientID] = [
    '72f988bf-86f1-41af-91ab-2d7cd011db47',
    '2c1b6f5e-1111-4222-8333-0123456789ab',
  ];
  const resourceID = build.resourceIdOf('reader');
  const as = (name: string, tenant: string) =>
    build.identity({ name, spec: { type: 0, resourceID, clientID, tenantID: tenant } });
  const identities = [as('reader', tenantID), as('odd', 'contoso.com'), build.identity({ name: 'plain' })];
  const bindings = ['reader', 'odd', 'plain'].map((azureIdentity) => build.binding({ azureIdentity }));
  const index = indexOf(build.snapshot({ identities, bindings }), build.rules);
  const lines = report([], { asFederated: usesOf(identitiesAsFederated(index)) });
  expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
  const start = lines.indexOf('# ---');
  const end = lines.findIndex((line, at) => at > start && !line.startsWith('# '));
  const uncommented = lines.slice(start, end).map((line) => line.slice(2));
  const found = parseAllDocuments(uncommented.join('\n')).map((document) => document.toJS() as unknown);
  const subjects = [{ namespace: 'shop', name: 'default' }];
  const target: AccessTarget = {
    resource: 'federatedidentities',
    names: [`${tenantID}/${clientID}`, tenantID],
  };
  expect(found.filter((object) => object !== null)).toEqual(
    rolesFor({ subjects, targets: [target] }).objects,
  );
  expect(uncommented).toContainEqual(
    expect.stringMatching(
      new RegExp(`^# .*: kubectl .* exec deploy/broker -- .* check-federated ${tenantID}/${clientID}$`),
    ),
  );
  expect(lines).toContainEqual(
    expect.stringMatching(/^# - AzureIdentity .*odd: spec\.tenantID must be the id/),
  );
});
