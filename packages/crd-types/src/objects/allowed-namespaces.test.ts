import { describe, expect, test } from 'vitest';
import { acceptedNamespaces, acceptsLabelPrefix } from './allowed-namespaces.ts';
import { parseAzureIdentity } from './azure-identity.ts';

const parse = (allowedNamespaces: object) =>
  parseAzureIdentity({
    metadata: { name: 'a', namespace: 'shop' },
    spec: {
      resourceID:
        '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader',
      allowedNamespaces,
    },
  });
const many = (count: number) => Array.from({ length: count }, (_, at) => `n${at}`);

describe('allowedNamespaces', () => {
  test.each([
    [{ names: many(65) }, 'has more than 64 namespaces: allow them by a label, with selector'],
    [{ names: ['shop', 'Pay'] }, 'has "Pay", which is the name of no namespace'],
    [{ names: ['x'.repeat(64)] }, `has "${'x'.repeat(64)}", which is the name of no namespace`],
    [{ names: [''] }, 'has nothing, which is the name of no namespace'],
  ])('with bad names is refused: %#', (allowed, message) => {
    expect(parse(allowed)).toEqual({
      ok: false,
      problems: [{ path: 'spec.allowedNamespaces.names', message }],
    });
  });

  test.each([
    { names: many(64) },
    { names: ['x'.repeat(63)] },
    { selector: {} },
    { names: [], selector: {} },
    { names: ['pay'], selector: { matchLabels: { a: 'b' } } },
  ])('with something in it is valid, without a warning: %#', (allowed) => {
    expect(parse(allowed)).toMatchObject({
      ok: true,
      value: { spec: { allowedNamespaces: allowed } },
      warnings: [],
    });
  });

  test.each([{}, { names: [] }, { names: null }])('that is %j has a warning', (allowed) => {
    const message = 'allows no namespace: give it names or a selector';
    expect(parse(allowed)).toMatchObject({
      ok: true,
      warnings: [{ path: 'spec.allowedNamespaces', message }],
    });
  });
});

test('a namespace accepts those that its labels name, and none if nothing is known of it', () => {
  expect(acceptedNamespaces(undefined)).toEqual([]);
  const other = `${'x'.repeat(acceptsLabelPrefix.length)}shared`;
  const labels = {
    [`${acceptsLabelPrefix}shared`]: 'true',
    [`${acceptsLabelPrefix}no`]: 'no',
    [other]: 'true',
  };
  expect(acceptedNamespaces(labels)).toEqual(['shared']);
});
