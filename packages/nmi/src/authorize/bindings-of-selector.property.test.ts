import {
  bindingsAmong,
  matchPod,
  type AzureIdentity,
  type AzureIdentityBinding,
} from '@pod-identity/crd-types';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { identity, storeOf } from '../../test/builders.ts';
import { aPodOfMany, aSelectingBinding, namespaces } from '../../test/random-selection.ts';
import { foundIn } from './bindings-of-selector.ts';

const placeOf = ({ metadata: { namespace = '', name } }: AzureIdentityBinding | AzureIdentity) =>
  `${namespace}/${name}`;
/** More bindings of one namespace than the limit, so that some are not read. Not all of them select the same pods. */
const aCrowd = fc
  .record({
    namespace: fc.constantFrom(...namespaces),
    kinds: fc.tuple(aSelectingBinding, aSelectingBinding),
  })
  .map(({ namespace, kinds }) =>
    Array.from({ length: 105 }, (_, index) => {
      const { metadata, ...rest } = kinds[index % 8 === 0 ? 1 : 0];
      return { ...rest, metadata: { ...metadata, namespace, name: `b${index}` } };
    }),
  );
const bindings = fc
  .tuple(fc.array(aSelectingBinding, { maxLength: 40 }), fc.option(aCrowd, { freq: 2 }))
  .map(([few, crowd]) => [...new Map([...few, ...(crowd ?? [])].map((one) => [placeOf(one), one])).values()]);
const identities = fc.uniqueArray(
  fc
    .record({
      name: fc.constantFrom('one', 'two'),
      namespace: fc.constantFrom(...namespaces),
      allowedNamespaces: fc.constantFrom(undefined, { names: ['shop', 'a'] }),
    })
    .map(({ allowedNamespaces, ...names }) =>
      identity({ ...names, ...(allowedNamespaces && { spec: { allowedNamespaces } }) }),
    ),
  { maxLength: 8, selector: placeOf },
);
const namespaceLabels = fc
  .subarray([...namespaces])
  .map((accepted) =>
    Object.fromEntries(accepted.map((name) => [`identities-from.aadpodidentity.k8s.io/${name}`, 'true'])),
  );
const rules = fc.record({ forceNamespaced: fc.boolean(), byAllowedNamespaces: fc.boolean() });

test('every pod gets the same as from a list of all bindings', () => {
  fc.assert(
    fc.property(
      fc.record({ all: bindings, known: identities, pod: aPodOfMany, rules, namespaceLabels }),
      (given) => {
        const question = {
          pod: given.pod,
          identityOf: (where: string, name: string) =>
            given.known.find((one) => placeOf(one) === `${where}/${name}`),
          rules: given.rules,
          namespaceLabels: given.namespaceLabels,
        };
        const store = storeOf(given.all);
        const found = matchPod({
          ...question,
          ...foundIn(store),
        });
        expect(found).toEqual(matchPod({ ...question, ...bindingsAmong(given.all) }));
      },
    ),
    { numRuns: 1500 },
  );
});
