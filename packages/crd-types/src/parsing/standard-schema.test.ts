import { describe, expect, test } from 'vitest';
import { parseAzureAssignedIdentity } from '../matching/azure-assigned-identity.ts';
import { parseAzureIdentity } from '../objects/azure-identity.ts';
import { parseAzureIdentityBinding } from '../objects/azure-identity-binding.ts';
import { parseAzurePodIdentityException } from '../objects/azure-pod-identity-exception.ts';
import { segmentsOf } from './standard-schema.ts';

const identity = { metadata: { name: 'a' }, spec: { type: 1 } };

describe('a parser as a Standard Schema', () => {
  test.each([
    [parseAzureIdentity],
    [parseAzureIdentityBinding],
    [parseAzureAssignedIdentity],
    [parseAzurePodIdentityException],
  ])('has version 1 and a vendor, and is a function too', (parse) => {
    expect(parse['~standard']).toMatchObject({ version: 1, vendor: '@pod-identity/crd-types' });
    expect(parse({})).toMatchObject({ ok: false });
    expect(parse['~standard'].validate(null)).toEqual({
      issues: [{ path: [], message: expect.stringMatching(/^must be an object of kind Azure/) }],
    });
  });

  test('returns the value, or each problem with its path in segments', () => {
    const { validate } = parseAzureIdentityBinding['~standard'];
    expect(validate({ metadata: { name: 'b' }, spec: { azureIdentity: 'a', selector: 's' } })).toMatchObject({
      value: { kind: 'AzureIdentityBinding', spec: { azureIdentity: 'a' } },
    });
    const spec = {
      podSelector: {
        matchExpressions: [
          { key: 'a', operator: 'Exists' },
          { key: 'a', operator: 'Gt' },
        ],
      },
    };
    expect(validate({ metadata: { name: 'b' }, spec })).toEqual({
      issues: [
        { path: ['spec', 'podSelector', 'matchExpressions', 1, 'operator'], message: expect.any(String) },
        { path: ['spec', 'azureIdentity'], message: 'is missing: name an AzureIdentity of this namespace' },
      ],
    });
  });

  test('finds keys with dots in the value', () => {
    const value = { spec: { podSelector: { 'x.io/a[0]': 1, x: { io: 2 } } } };
    expect(segmentsOf('spec.podSelector.x.io/a[0]', value)).toEqual(['spec', 'podSelector', 'x.io/a[0]']);
    expect(segmentsOf('spec.podSelector.x.io', value)).toEqual(['spec', 'podSelector', 'x', 'io']);
    expect(segmentsOf('spec.missing.field', value)).toEqual(['spec', 'missing', 'field']);
    expect(segmentsOf('', value)).toEqual([]);
    expect(segmentsOf('[x', value)).toEqual(['[x']);
    expect(segmentsOf('..', value)).toEqual(['.']);
    expect(segmentsOf('a.b.c', { a: {}, 'a.b': {}, 'a.b.c.d': {} })).toEqual(['a.b', 'c']);
    expect(segmentsOf('.a', { '.a': 1 })).toEqual(['.a']);
    expect(segmentsOf('a.', { 'a.': 1, a: 1 })).toEqual(['a.']);
    expect(segmentsOf('a[12].b', { a: [] })).toEqual(['a', 12, 'b']);
    expect(segmentsOf('a[0]b.c', { a: [] })).toEqual(['a', 0, 'b', 'c']);
    expect(segmentsOf('a.b.c', { a: null })).toEqual(['a', 'b', 'c']);
    // An empty key is the beginning of every path.
    for (const path of ['.a', 'a']) expect(segmentsOf(path, { '': 1 })).toEqual([path]);
  });

  test('gives the whole path where the place cannot be read', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(segmentsOf('a.b', { a: proxy })).toEqual(['a.b']);
    const issues = [{ path: [], message: 'cannot be read: give a plain object, as JSON.parse returns it' }];
    expect(parseAzureIdentity['~standard'].validate({ metadata: proxy })).toEqual({ issues });
    expect(parseAzureIdentity({ metadata: proxy })).toMatchObject({
      problems: [{ path: '', message: issues[0]?.message }],
    });
  });

  test.each([
    ['podSelector', Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`key ${at}.x[0]`, at]))],
    ['podSelector', { ['.['.repeat(2_000)]: 1, ['.'.repeat(4_000)]: 1 }],
  ])(
    'finds the places of problems in an object with any keys by reading its keys a few times',
    (field, keys) => {
      let reads = 0;
      const watched = new Proxy(keys, {
        ownKeys: (target) => {
          reads += 1;
          return Reflect.ownKeys(target);
        },
      });
      const found = parseAzureIdentityBinding['~standard'].validate({
        metadata: { name: 'b' },
        spec: { azureIdentity: 'a', selector: 's', [field]: watched },
      });
      expect(found.issues?.length).toBeGreaterThan(1);
      expect(found.issues?.[0]?.path).toEqual(['spec', field, Object.keys(keys)[0]]);
      expect(reads).toBeLessThan(10);
    },
  );

  test('finds the places of problems in a spec of any number of keys by reading it a few times', () => {
    let reads = 0;
    const many = Array.from({ length: 900 }, (_, at) => [
      `${String.fromCharCode(0x4e00 + at)}ClientIDs`,
      1,
    ]);
    const spec = new Proxy(Object.fromEntries([['podLabels', {}], ...many]), {
      ownKeys: (target) => {
        reads += 1;
        return Reflect.ownKeys(target);
      },
    });
    const { issues = [] } = parseAzurePodIdentityException['~standard'].validate({
      metadata: { name: 'b' },
      spec,
    });
    expect(issues).toHaveLength(100);
    expect(issues[7]?.path).toEqual(['spec', many[7]?.[0]]);
    expect(reads).toBeLessThan(10);
  });

  test.each<[title: string, value: object, path: readonly (string | number)[]]>([
    ['a field', { metadata: { name: 'a' }, spec: { ResourceID: 'bad' } }, ['spec', 'ResourceID']],
    ['a section', { metadata: { name: 'a' }, SPEC: { resourceid: 'bad' } }, ['SPEC', 'resourceid']],
    ['a section without the field', { metadata: { name: 'a' }, Spec: {} }, ['Spec', 'resourceID']],
    [
      'the spelling that counts',
      { metadata: { name: 'a' }, spec: { resourceID: 'good?', ResourceID: 'bad' } },
      ['spec', 'ResourceID'],
    ],
    [
      'the spelling that has a value',
      { metadata: { name: 'a' }, spec: { resourceID: 'bad', ResourceID: '' } },
      ['spec', 'resourceID'],
    ],
    ['the metadata', { Metadata: {}, spec: { type: 1 } }, ['Metadata', 'name']],
    [
      'the inside of a field',
      { metadata: { name: 'a' }, Spec: { type: 1, ClientPassword: { Name: 5 } } },
      ['Spec', 'ClientPassword', 'Name'],
    ],
    [
      'a list',
      {
        metadata: { name: 'a' },
        Spec: {
          type: 1,
          allowedNamespaces: { selector: { matchExpressions: [{ key: 'a', operator: 'x' }] } },
        },
      },
      ['Spec', 'allowedNamespaces', 'selector', 'matchExpressions', 0, 'operator'],
    ],
    [
      'a key that is not read',
      { metadata: { name: 'a' }, Spec: { type: 1, AllowedNamespaces: {} } },
      ['Spec', 'AllowedNamespaces'],
    ],
  ])('leads to the keys of the value as it was given: %s', (_, value, path) => {
    expect(parseAzureIdentity['~standard'].validate(value)).toMatchObject({ issues: [{ path }] });
  });

  test('is taken by a consumer of Standard Schemas: expect.schemaMatching of Vitest', () => {
    expect({ object: identity }).toEqual({ object: expect.schemaMatching(parseAzureIdentity) });
    expect({ object: { spec: { type: 7 } } }).toEqual({
      object: expect.not.schemaMatching(parseAzureIdentity),
    });
  });
});
