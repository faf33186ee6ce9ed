import { expect, test, vi } from 'vitest';
import { NamespaceRules } from './namespace-rules.ts';

test('labels of a Namespace are kept as text, and changes count where they may change matches', () => {
  const rules = new NamespaceRules({ forceNamespaced: true }, () => true);
  const accepting = { 'identities-from.aadpodidentity.k8s.io/shared': 'true' };
  expect(rules.setLabels('pay', { team: 'pay' })).toBe(false);
  expect(rules.setLabels('pay', accepting)).toBe(true);
  expect(rules.setLabels('pay', { ...accepting })).toBe(false);
  expect(rules.labels('pay')).toEqual(accepting);
  expect(rules.labels('pay')).not.toBe(rules.labels('pay'));
  expect(rules.isOpenTo('pay', 'shared', [{ names: ['pay'] }])).toBe(true);
  expect(rules.setLabels('pay', undefined)).toBe(true);
  expect(rules.labels('pay')).toBeUndefined();
});

test('labels are not read for identities that allow no namespace', () => {
  const rules = new NamespaceRules({ forceNamespaced: true }, () => true);
  rules.setLabels('pay', { team: 'pay' });
  const labels = vi.spyOn(rules, 'labels');
  expect(rules.isOpenTo('pay', 'shared', [])).toBe(false);
  expect(labels).not.toHaveBeenCalled();
});
