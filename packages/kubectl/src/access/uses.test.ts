import { parseAccessTarget, type AccessMode } from '@pod-identity/crd-types';
import { expect, test } from 'vitest';
import type { ClusterRead, PodRead } from '../cluster/read-cluster.ts';
import { usesOf } from './access.ts';
import { createEntries, type Use } from './uses.ts';

const pod: PodRead = {
  namespace: 'shop',
  name: 'web-0',
  labels: {},
  serviceAccount: 'web',
  nodeName: 'n',
  isFinished: false,
  isOnHostNetwork: false,
};
const parsed = parseAccessTarget('00000000-0000-0000-0000-00000000ad00/00000000-0000-0000-0000-00000000c11d');
if (!parsed.ok) throw new TypeError('no target');
const target = parsed.value;
const identity = {
  apiVersion: 'aadpodidentity.k8s.io/v1',
  kind: 'AzureIdentity',
  metadata: { namespace: 'shop', name: 'reader' },
  spec: { type: 0 },
} as const;
const use: Use = { pod, by: 'AzureIdentity shop/reader', identity, targets: [target] };

test('attack: pods with a hundred bindings each do not make a table that is too long to be printed', () => {
  const crowd = Array.from({ length: 110_000 }, () => use);
  expect(usesOf(crowd, undefined)).toHaveLength(100_001);
});

const refused = { kind: 'refused' } as const;
const unanswered = { kind: 'unanswered' } as const;
const allowed = { kind: 'allowed', level: 1 } as const;
const list = { kind: 'read', items: [] } as const;
const read = {
  bindings: list,
  identities: list,
  records: list,
  namespaces: list,
  exceptions: list,
  nodes: list,
  services: { nmi: [] },
} as unknown as ClusterRead;
const onHost = { pod: { ...pod, isOnHostNetwork: true } };

test.each([
  ['the right is there', 'rbac', {}, allowed, ['allowed', true]],
  ['the right is missing', 'rbac', {}, refused, ['refused', false]],
  ['a missing right in mode warn', 'warn', {}, refused, ['refused', true]],
  ['a missing right in a mode that is not known', undefined, {}, refused, ['refused', null]],
  ['no answer', 'rbac', {}, unanswered, ['unknown', null]],
  ['mode namespace', 'namespace', {}, refused, ['not-needed', true]],
  ['the host network', 'rbac', onHost, refused, ['not-needed', true]],
  ['no right can be given', 'rbac', { targets: [] }, allowed, ['refused', false]],
  [
    'a type 3 in mode namespace',
    'namespace',
    { identity: { ...identity, spec: { type: 3 } } },
    refused,
    ['refused', false],
  ],
] as const)('who may use it: %s', async (...[, mode, more, review, expected]) => {
  const rules = {
    mode: (mode ?? 'rbac') satisfies AccessMode,
    isKnown: mode !== undefined,
    forceNamespaced: true,
    notes: [],
  };
  const entryOf = createEntries(read, rules, (subject) => Promise.resolve({ subject, target, review }));
  const { serviceAccount, right, mayUse } = await entryOf({ ...use, ...more });
  expect([serviceAccount, right, mayUse]).toEqual(['shop/web', ...expected]);
});

test('who may use it: the machine of a pod is not known', async () => {
  const rules = { mode: 'rbac', isKnown: true, forceNamespaced: true, notes: [] } as const;
  const entryOf = createEntries(read, rules, (subject) =>
    Promise.resolve({ subject, target, review: allowed }),
  );
  expect(await entryOf({ pod, by: 'x', targets: [] })).toMatchObject({
    type: 'machine',
    right: 'unknown',
    mayUse: null,
  });
});
