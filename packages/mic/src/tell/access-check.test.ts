import type { AccessTarget } from '@pod-identity/crd-types';
import { expect, test } from 'vitest';
import { accessCodeOf, checkLines } from './access-check.ts';

const subject = { namespace: 'pay', name: 'web' };
const identity: AccessTarget = { resource: 'managedidentities', names: ['/s/g/id', '/s/g', '/s'] };
const application: AccessTarget = { resource: 'applications', names: ['contoso.com/client', 'contoso.com'] };
const machine: AccessTarget = { resource: 'machines', names: ['/s/g/vm', '/s/g', '/s'] };

test.each([
  [identity, 0, 'this identity: /s/g/id'],
  [identity, 1, 'its resource group: /s/g'],
  [identity, 2, 'its subscription: /s'],
  [application, 0, 'this application: contoso.com/client'],
  [application, 1, 'its tenant: contoso.com'],
  [machine, 0, 'this machine: /s/g/vm'],
] as const)('a right says by which name it is given', (target, level, words) => {
  expect(checkLines(subject, target, { kind: 'allowed', level })).toEqual([
    `✓ ServiceAccount pay/web may use ${target.resource} ${target.names[0]}`,
    `  by a right on ${words}`,
  ]);
});

test('a right that is missing comes with the roles to paste', () => {
  const lines = checkLines(subject, identity, { kind: 'refused' });
  expect(lines[0]).toBe('✗ ServiceAccount pay/web may not use managedidentities /s/g/id');
  expect(lines[1]).toContain('/s/g/id, /s/g, /s');
  expect(lines).toContain('kind: ClusterRole');
  expect(lines).toContain('kind: ClusterRoleBinding');
});

test('a question without an answer is told as that', () => {
  expect(checkLines(subject, identity, { kind: 'unanswered', why: 'slow down' })).toEqual([
    '… whether ServiceAccount pay/web may use managedidentities /s/g/id is not known: slow down',
  ]);
});

test('the exit code says that one right is missing before it says that another one is not known', () => {
  const code = (
    ...kinds: Parameters<typeof accessCodeOf>[0] extends ReadonlySet<infer Kind> ? Kind[] : never
  ) => accessCodeOf(new Set(kinds));
  expect([code('allowed'), code('allowed', 'unanswered'), code('allowed', 'refused'), code()]).toEqual([
    0, 2, 1, 1,
  ]);
  expect(code('refused', 'unanswered', 'allowed')).toBe(1);
});
