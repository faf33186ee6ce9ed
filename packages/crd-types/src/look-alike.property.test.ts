// A key that is not read never opens an object further: with it the parser refuses the object, or reads the same.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allowsNamespace } from './objects/allowed-namespaces.ts';
import { parseAzureIdentity } from './objects/azure-identity.ts';
import { parseAzureIdentityBinding } from './objects/azure-identity-binding.ts';
import { parseAzurePodIdentityException } from './objects/azure-pod-identity-exception.ts';
import { canonicalise } from './parsing/canonical.ts';
import { selectsPod } from './matching/selection.ts';

const metadata = { name: 'a', namespace: 'shop' };
const resourceID =
  '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader';

/** The key in another case, or with other letters in one place. */
function misspelt(...keys: readonly string[]): fc.Arbitrary<string> {
  const letters = fc.string({ unit: fc.constantFrom('a', 's', '_', 'ü'), maxLength: 2 });
  const slips = fc
    .tuple(fc.constantFrom(...keys), fc.nat(18), letters, fc.nat(2))
    .map(([key, at, other, gone]) => key.slice(0, at) + other + key.slice(at + gone))
    .filter((key) => !keys.includes(key));
  return fc.oneof(respelled(...keys), slips);
}

/** The key with some of its letters in the other case, at least one. */
function respelled(...keys: readonly string[]): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(...keys), fc.integer({ min: 1, max: 2 ** 20 }))
    .map(([key, flips]) =>
      Array.from(key, (letter, at) => ((flips >> at) & 1 ? flipped(letter) : letter)).join(''),
    )
    .filter((key) => !keys.includes(key));
}

function flipped(letter: string): string {
  return letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
}

const label = fc.constantFrom('a', 'b', '');
const labels = fc.dictionary(fc.constantFrom('app', 'tier'), label, { noNullPrototype: true });
const selector = fc.record(
  {
    matchLabels: labels,
    matchExpressions: fc.array(
      fc.record({ key: fc.constantFrom('app', 'tier'), operator: fc.constantFrom('Exists', 'DoesNotExist') }),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const none = fc.constantFrom<unknown>(null, '', undefined);
const anything = fc.oneof(
  none,
  fc.jsonValue(),
  selector,
  labels,
  fc.constantFrom<unknown>({}, [], true, 'a'),
);
/** Before or after the other keys: no order may count. */
const isFirst = fc.boolean();

function both(spec: object, more: object, first: boolean): object {
  return first ? { ...more, ...spec } : { ...spec, ...more };
}

describe('an AzureIdentityBinding', () => {
  const spec = fc.record(
    {
      azureIdentity: fc.constant('reader'),
      selector: label,
      podSelector: fc.option(selector),
      serviceAccountName: fc.constantFrom('web', '', null),
    },
    { requiredKeys: ['azureIdentity'], noNullPrototype: true },
  );
  const pods = ['a', 'b', ''].flatMap((app) =>
    ['web', 'db'].flatMap((serviceAccount) =>
      [{ app }, { app, aadpodidbinding: app }, { tier: app }].map((own) => ({
        namespace: 'shop',
        labels: own,
        serviceAccount,
      })),
    ),
  );
  const podsOf = (given: object) => {
    const parsed = parseAzureIdentityBinding({ metadata, spec: given });
    return parsed.ok ? pods.filter((pod) => selectsPod(parsed.value, pod)) : [];
  };

  test('with a key like one of the later fields selects no pod', () => {
    const more = fc.dictionary(misspelt('podSelector', 'serviceAccountName', 'default'), anything, {
      minKeys: 1,
      maxKeys: 3,
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(spec, more, isFirst, (written, added, first) => {
        expect(podsOf(both(written, added, first))).toEqual([]);
      }),
    );
  });

  test('with an empty value in an old spelling selects the same pods', () => {
    const more = fc.dictionary(fc.constantFrom('AzureIdentity', 'azureidentity', 'Selector'), none, {
      maxKeys: 3,
      noNullPrototype: true,
    });
    let selected = 0;
    fc.assert(
      fc.property(spec, more, isFirst, (written, added, first) => {
        const wanted = podsOf(written);
        selected += wanted.length;
        expect(podsOf(both(written, added, first))).toEqual(wanted);
      }),
    );
    expect(selected).toBeGreaterThan(0);
  });

  test('after canonicalise selects the same pods, whatever keys it has', () => {
    const keys = ['podSelector', 'serviceAccountName', 'default', 'azureIdentity', 'selector'];
    const more = fc.dictionary(misspelt(...keys), anything, { maxKeys: 3, noNullPrototype: true });
    fc.assert(
      fc.property(spec, more, isFirst, (written, added, first) => {
        const given = both(written, added, first);
        const { object } = canonicalise({ kind: 'AzureIdentityBinding', metadata, spec: given });
        expect(podsOf(object.spec)).toEqual(podsOf(given));
      }),
    );
  });
});

test('an AzureIdentity with a key like one of the later fields serves no namespace', () => {
  const allowed = fc.record({ names: fc.subarray(['shop', 'other']), selector }, { requiredKeys: [] });
  const more = fc.dictionary(misspelt('allowedNamespaces'), anything, { minKeys: 1 });
  fc.assert(
    fc.property(fc.option(allowed), more, isFirst, (allowedNamespaces, added, first) => {
      const written = { resourceID, allowedNamespaces };
      expect(parseAzureIdentity({ metadata, spec: both(written, added, first) }).ok).toBe(false);
    }),
  );
});

test('an AzureIdentity with a further key inside allowedNamespaces allows no further namespace', () => {
  const more = fc.dictionary(respelled('names', 'selector'), anything, { minKeys: 1, maxKeys: 2 });
  const names = fc.subarray(['shop', 'other']);
  fc.assert(
    fc.property(names, more, isFirst, (written, added, first) => {
      const allowedNamespaces = both({ names: written }, added, first);
      const parsed = parseAzureIdentity({ metadata, spec: { resourceID, allowedNamespaces } });
      const allowed = parsed.ok ? (parsed.value.spec.allowedNamespaces ?? {}) : {};
      for (const namespace of ['shop', 'other'])
        if (allowsNamespace(allowed, namespace, { app: 'a' })) expect(written).toContain(namespace);
    }),
  );
});

test('an AzurePodIdentityException with a key like clientIDs is refused', () => {
  const more = fc.dictionary(misspelt('clientIDs'), anything, { minKeys: 1, maxKeys: 2 });
  const clientIDs = fc.option(fc.array(fc.string(), { maxLength: 2 }));
  fc.assert(
    fc.property(labels, clientIDs, more, (podLabels, ids, added) => {
      const spec = { podLabels, clientIDs: ids, ...added };
      expect(parseAzurePodIdentityException({ metadata, spec }).ok).toBe(false);
    }),
  );
});
