import { parseAzureIdentity, parseAzureIdentityBinding, type Reach } from '@pod-identity/crd-types';
import { expect, test } from 'vitest';
import { explainMatch } from './explain-match.ts';

const resourceID =
  '/subscriptions/00000000-0000-0000-0000-000000000001/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i';

function valueOf<T>(parsed: { readonly ok: true; readonly value: T } | { readonly ok: false }): T {
  if (!parsed.ok) throw new Error('the object of this test is not valid');
  return parsed.value;
}

const servedBy = (namespace: string, reach: Reach, allowedNamespaces?: object) => {
  const identity = valueOf(
    parseAzureIdentity({
      metadata: { name: 'of', namespace },
      spec: { type: 0, resourceID, clientID: '00000000-0000-0000-0000-000000000002', allowedNamespaces },
    }),
  );
  const binding = valueOf(
    parseAzureIdentityBinding({
      metadata: { name: 'by', namespace },
      spec: { azureIdentity: 'of', selector: 'demo' },
    }),
  );
  const findings = explainMatch('shop', { binding, identity }, reach);
  return findings.find(({ topic }) => topic === 'identity')?.text;
};
const allowed = { names: ['shop'] };

const own = /for pods of its own namespace, which is the pod’s$/;

test('an identity is for the pods of its own namespace, and of those that it allows where allowedNamespaces counts', () => {
  for (const reach of ['own', 'allowed'] as const) expect(servedBy('shop', reach)).toMatch(own);
  expect(servedBy('shop', 'own', allowed)).toMatch(own);
  for (const reach of ['allowed', 'any'] as const)
    expect(servedBy('shop', reach, allowed)).toMatch(
      /which is the pod’s, and of others by its allowedNamespaces$/,
    );
});

test('an identity of another namespace is for the pod by its allowedNamespaces, or for all as the original has it', () => {
  for (const reach of ['allowed', 'any'] as const)
    expect(servedBy('pay', reach, allowed)).toMatch(/for pods of namespace shop by its allowedNamespaces$/);
  expect(servedBy('pay', 'any')).toMatch(/for pods of any namespace$/);
});

test('what is probably not meant in an object is found once for all pods that it is for', () => {
  const of = { namespace: 'shop', name: 'of' };
  const identity = valueOf(
    parseAzureIdentity({ metadata: of, spec: { type: 0, resourceID, clientID: 'no guid' } }),
  );
  const binding = valueOf(
    parseAzureIdentityBinding({ metadata: of, spec: { azureIdentity: 'of', selector: 'demo' } }),
  );
  const found = () =>
    explainMatch('shop', { binding, identity }, 'own').find(({ text }) => text.includes('no GUID'));
  expect(found()?.text).toContain('AzureIdentity shop/of');
  expect(found()).toBe(found());
});
