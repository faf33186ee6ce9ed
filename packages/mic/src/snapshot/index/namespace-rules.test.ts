import { expect, test, vi } from 'vitest';
import { NamespaceRules } from './namespace-rules.ts';

test('labels of a Namespace are kept as text, and changes count where they may change matches', () => {
  const rules = new NamespaceRules({ forceNamespaced: true }, () => 'rbac');
  const accepting = { 'identities-from.aadpodidentity.k8s.io/shared': 'true' };
  expect(rules.setLabels('pay', { team: 'pay' })).toBe(false);
  expect(rules.setLabels('pay', accepting)).toBe(true);
  expect(rules.setLabels('pay', { ...accepting })).toBe(false);
  expect(rules.labels('pay')).toEqual(accepting);
  expect(rules.labels('pay')).not.toBe(rules.labels('pay'));
  const isOpenTo = (other: string, name: string) => rules.isOpenTo('pay', other, [{ names: [name] }]);
  expect([isOpenTo('shared', 'pay'), isOpenTo('shared', 'shop'), isOpenTo('other', 'pay')]).toEqual([
    true,
    false,
    false,
  ]);
  expect(rules.setLabels('pay', undefined)).toBe(true);
  expect(rules.labels('pay')).toBeUndefined();
});

test('labels are not read for identities that allow no namespace, or of a namespace that is not accepted', () => {
  const rules = new NamespaceRules({ forceNamespaced: true }, () => 'rbac');
  rules.setLabels('pay', { 'identities-from.aadpodidentity.k8s.io/shared': 'true' });
  const labels = vi.spyOn(rules, 'labels');
  expect([rules.isOpenTo('pay', 'shared', []), rules.isOpenTo('pay', 'other', [{ selector: {} }])]).toEqual([
    false,
    false,
  ]);
  expect(labels).not.toHaveBeenCalled();
  expect(rules.isOpenTo('pay', 'shared', [{ selector: {} }])).toBe(true);
});

test('labels count for all pods where identities are not namespaced, and for none where they are', () => {
  const seen = (forceNamespaced: boolean) => {
    const rules = new NamespaceRules({ forceNamespaced }, () => 'warn');
    const isOther = rules.setLabels('pay', { team: 'pay' });
    return [
      isOther,
      rules.isOpenTo('pay', 'shared', [{ names: ['pay'] }]),
      rules.isOpenTo('pay', 'shared', []),
    ];
  };
  expect(seen(false)).toEqual([true, true, true]);
  expect(seen(true)).toEqual([false, false, false]);
});
