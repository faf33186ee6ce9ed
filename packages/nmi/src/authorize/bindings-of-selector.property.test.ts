import { matchPod, type AzureIdentity, type AzureIdentityBinding } from '@pod-identity/crd-types';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { binding, identity, storeOf } from '../../test/builders.ts';
import { bindingsOfSelector } from './bindings-of-selector.ts';

const namespaces = ['a', 'a-b', 'shop', 'z'];
const target = fc.constantFrom('one', 'two', 'gone');
const aBinding = fc
  .record({
    target,
    namespace: fc.constantFrom(...namespaces),
    selector: fc.constantFrom('demo', 'other'),
    name: fc.constantFrom('a', 'b', 'b-c', 'b.c', 'c'),
  })
  .map(({ target: name, namespace, selector, name: own }): AzureIdentityBinding => {
    const made = binding(name, { namespace, selector });
    return { ...made, metadata: { ...made.metadata, name: own } };
  });
const placeOf = ({ metadata: { namespace = '', name } }: AzureIdentityBinding | AzureIdentity) =>
  `${namespace}/${name}`;
const bindings = fc.uniqueArray(aBinding, { maxLength: 40, selector: placeOf });
const identities = fc.uniqueArray(
  fc.record({ name: target, namespace: fc.constantFrom(...namespaces) }).map((names) => identity(names)),
  { maxLength: 8, selector: placeOf },
);

test.each([true, false])(
  'every pod gets the same as from a list of all bindings with its label; namespaced only: %s',
  (forceNamespaced) => {
    fc.assert(
      fc.property(bindings, identities, (all, known) => {
        for (const namespace of [...namespaces, 'without'])
          for (const label of ['demo', 'other', 'none']) {
            const question = {
              pod: { namespace, bindingLabel: label },
              identityOf: (where: string, name: string) =>
                known.find((one) => placeOf(one) === `${where}/${name}`),
              rules: { forceNamespaced },
            };
            const found = matchPod({
              ...question,
              bindingsWithSelector: (value) => bindingsOfSelector(storeOf(all), value),
            });
            const plain = matchPod({
              ...question,
              bindingsWithSelector: (value) => all.filter(({ spec }) => spec.selector === value),
            });
            expect(found).toEqual(plain);
          }
      }),
      { numRuns: 300 },
    );
  },
);
