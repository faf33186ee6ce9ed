import { expect, test } from 'vitest';
import { NamespaceRules } from './namespace-rules.ts';

test('labels of a Namespace are kept as text, and changes count where they may change matches', () => {
  const rules = new NamespaceRules({ forceNamespaced: true }, () => true);
  const accepting = { 'identities-from.aadpodidentity.k8s.io/shared': 'true' };
  expect(rules.setLabels('pay', { team: 'pay' })).toBe(false);
  expect(rules.setLabels('pay', accepting)).toBe(true);
  expect(rules.setLabels('pay', { ...accepting })).toBe(false);
  expect(rules.labels('pay')).toEqual(accepting);
  expect(rules.labels('pay')).not.toBe(rules.labels('pay'));
  expect([rules.isOpenTo('pay', 'shared'), rules.isOpenTo('pay', 'other')]).toEqual([true, false]);
  expect(rules.setLabels('pay', undefined)).toBe(true);
  expect(rules.labels('pay')).toBeUndefined();
});

test('labels count for all pods where identities are not namespaced, and for none where they are', () => {
  const open = new NamespaceRules({ forceNamespaced: false }, () => false);
  expect([open.setLabels('pay', { team: 'pay' }), open.isOpenTo('pay', 'shared')]).toEqual([true, true]);
  const closed = new NamespaceRules({ forceNamespaced: true }, () => false);
  expect([closed.setLabels('pay', { team: 'pay' }), closed.isOpenTo('pay', 'shared')]).toEqual([
    false,
    false,
  ]);
});
