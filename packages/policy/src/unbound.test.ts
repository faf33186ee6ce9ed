import type { Mismatch, MismatchReason } from '@pod-identity/crd-types';
import { describe, expect, it, test } from 'vitest';
import { explainMismatch, explainUnbound, unboundBy, whyUnbound, type UnboundContext } from './unbound.ts';

const pod = 'shop/web-0';
const known: UnboundContext = {
  label: 'demo',
  faultOf: () => undefined,
  labelsFault: undefined,
};
const mismatch = (reason: MismatchReason, namespace = 'shop'): Mismatch => ({
  reason,
  binding: `${namespace}/by`,
  identity: `${namespace}/of`,
});

function whyOf(one: Mismatch, more: Partial<UnboundContext> = {}): string {
  const unbound = unboundBy(one, { ...known, ...more });
  return unbound ? whyUnbound(pod, unbound) : '';
}

const explained = (one: Mismatch, more: Partial<UnboundContext> = {}) =>
  explainMismatch(pod, one, { ...known, ...more });

describe('the pod and whoever explains it are told the same', () => {
  const reasons: readonly MismatchReason[] = ['no-account', 'no-label', 'empty-label', 'no-binding'];
  it.each([...reasons, 'not-selected', 'identity-missing'] as const)('%s', (reason) => {
    const { text, verdict } = explained(mismatch(reason));
    expect(verdict).toBe('problem');
    expect(whyOf(mismatch(reason)).toLowerCase()).toContain(
      text.replaceAll('the pod', `pod ${pod}`).toLowerCase(),
    );
  });
});

test('objects of other namespaces are named to whoever explains the pod, and never to the pod', () => {
  const fault = { faultOf: () => 'spec.type must be 0' };
  const others = ['other-namespace', 'identity-missing'] as const;
  for (const one of others.map((reason) => mismatch(reason, 'pay')))
    for (const more of [{}, fault]) {
      expect(whyOf(one, more)).not.toContain('pay/');
      expect(whyOf(one, more)).not.toContain('spec.type');
      expect(explained(one, more).text).toContain('pay/of');
    }
  expect(whyOf(mismatch('identity-missing'), fault)).toBe(
    'AzureIdentity shop/of is not valid: spec.type must be 0.',
  );
});

test('every other cause that is possible is told, with its remedy', () => {
  const labelsFault = 'its labels have more than 2048 bytes';
  expect(whyOf(mismatch('other-namespace'), { labelsFault })).toMatch(
    / Or its Namespace accepts .* 2048 bytes; /,
  );
  const surplus = { why: 'not-selected', binding: 'shop/by', surplus: 'shop/last' } as const;
  expect(explainUnbound(pod, surplus)).toMatch(
    /^Identity not found\. .* Or there are too many .*: shop\/last and later/,
  );
});

test('a pod without the label is told of selectors only if bindings of its namespace have some', () => {
  const selectors = 'selects it by podSelector or serviceAccountName';
  for (const reason of ['no-label', 'empty-label'] as const) {
    expect(whyOf(mismatch(reason))).not.toContain(selectors);
    expect(whyOf(mismatch(reason), { isUnselected: true })).toContain(
      `${selectors}: give it the label, or create such a binding.`,
    );
  }
});

test('the condition that does not hold is named where it is known', () => {
  const conditionOf = () => 'serviceAccountName';
  expect(explained(mismatch('not-selected'), { conditionOf }).text).toMatch(
    /but its serviceAccountName is for/,
  );
});

test('a binding that adds nothing is no problem, and one beyond the limit is', () => {
  expect(explained(mismatch('shadowed'))).toMatchObject({
    verdict: 'info',
    text: expect.stringMatching(/^shop\/by adds nothing/) as string,
  });
  expect(explained(mismatch('too-many-bindings'))).toMatchObject({
    verdict: 'problem',
    text: expect.stringMatching(/^too many AzureIdentityBindings: shop\/by and later/) as string,
  });
  expect(unboundBy(mismatch('shadowed'), known)).toBeUndefined();
});

test('only a pod whose Namespace’s labels are not read is told of them', () => {
  const other = mismatch('other-namespace', 'pay');
  expect(whyOf(other)).not.toContain('Or ');
  expect(whyOf(other, { labelsFault: 'they are too long' })).toMatch(
    /Or its Namespace accepts them by a label that is not read: they are too long; remove some of its labels\.$/,
  );
});

test('a finding has a remedy, and a command only where one helps', () => {
  expect(explained(mismatch('identity-missing')).remedy).toEqual({
    text: 'create it in the namespace of its binding, or correct spec.azureIdentity of the binding',
  });
  expect(explained(mismatch('no-binding')).remedy?.command).toBe(
    'kubectl get azureidentitybindings --all-namespaces',
  );
  expect(explained(mismatch('too-many-bindings')).remedy?.text).toMatch(/^delete bindings, /);
});
