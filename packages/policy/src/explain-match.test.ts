import { parseAzureIdentity, parseAzureIdentityBinding } from '@pod-identity/crd-types';
import { expect, test } from 'vitest';
import { explainMatch } from './explain-match.ts';

const resourceID =
  '/subscriptions/00000000-0000-0000-0000-000000000001/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i';

function valueOf<T>(parsed: { readonly ok: true; readonly value: T } | { readonly ok: false }): T {
  if (!parsed.ok) throw new Error('the object of this test is not valid');
  return parsed.value;
}

const reachOf = (namespace: string, allowedNamespaces?: object, forceNamespaced = true) => {
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
  const findings = explainMatch('shop', { binding, identity }, { forceNamespaced });
  return findings.find(({ topic }) => topic === 'identity')?.text;
};
const allowed = { names: ['shop'] };

test('an identity is for the pods of its own namespace, also if it allows others', () => {
  expect(reachOf('shop')).toMatch(/for pods of its own namespace, which is the pod’s$/);
  expect(reachOf('shop', allowed)).toMatch(/for pods of its own namespace, which is the pod’s$/);
});

test('an identity of another namespace is for the pod by its allowedNamespaces, or for all as the original has it', () => {
  expect(reachOf('pay', allowed)).toMatch(/for pods of namespace shop by its allowedNamespaces$/);
  expect(reachOf('pay', undefined, false)).toMatch(/for pods of any namespace$/);
});
