import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAzureIdentityBinding } from '../objects/azure-identity-binding.ts';
import { parseAzureIdentity } from '../objects/azure-identity.ts';
import { parseAzurePodIdentityException } from '../objects/azure-pod-identity-exception.ts';
import { canonicalise } from './canonical.ts';
import { resources } from './group.ts';

const of = (kind: string, rest: object) => ({ apiVersion: 'aadpodidentity.k8s.io/v1', kind, ...rest });

describe('canonicalise', () => {
  const identitySpec = {
    type: 1,
    resourceID: 'r',
    clientID: 'c',
    clientPassword: { name: 'n', namespace: 's' },
    tenantID: 't',
    adResourceID: 'x',
    adEndpoint: 'y',
  };
  const bindingSpec = { azureIdentity: 'a', selector: 's', weight: 1 };
  const assignment = {
    spec: {
      azureIdentityRef: { metadata: { name: 'i' }, spec: identitySpec, status: {} },
      azureBindingRef: { metadata: { name: 'b' }, spec: bindingSpec },
      pod: 'p',
      podNamespace: 'n',
      nodename: 'm',
      replicas: 1,
    },
    status: { status: 'Created', availableReplicas: 1 },
  };

  test.each([
    ['AzureIdentity', { spec: identitySpec }],
    ['AzureIdentityBinding', { spec: bindingSpec }],
    ['AzureAssignedIdentity', assignment],
    ['AzurePodIdentityException', { spec: { podLabels: { app: 'x' } }, status: { status: 's' } }],
  ])('rewrites the keys of an %s from those of 2018, at any depth', (kind, rest) => {
    const canonical = of(kind, { metadata: { name: 'x' }, ...rest });
    for (const spell of [lower, capital]) {
      const { object, changed } = canonicalise({ ...canonical, ...respell(rest, spell) });
      // Omits keys that are spelled canonically already, so that only the respelled keys count.
      expect(canonicalise(of(kind, { metadata: { name: 'x' }, ...respell(rest, spell) })).object).toEqual(
        canonical,
      );
      expect({ object, changed }).toEqual({ object: canonical, changed: true });
    }
    expect(canonicalise(canonical)).toEqual({ object: canonical, changed: false, warnings: [] });
  });

  test('returns the same object when there is nothing to do', () => {
    const object = of('AzureIdentity', { spec: { resourceID: 'r' } });
    expect(canonicalise(object).object).toBe(object);
  });

  test('does not touch the object given', () => {
    const object = Object.freeze(of('AzureIdentity', { spec: Object.freeze({ ResourceID: 'r' }) }));
    expect(canonicalise(object).object).toEqual(of('AzureIdentity', { spec: { resourceID: 'r' } }));
  });

  test('keeps unknown keys, labels, annotations and the labels of an exception as they are', () => {
    const metadata = { name: 'x', labels: { Selector: 'a' }, annotations: { ClientID: 'b' } };
    const exception = of('AzurePodIdentityException', {
      metadata,
      spec: { PodLabels: { Spec: 'c' }, Extra: { Selector: 1 } },
    });
    expect(canonicalise(exception).object).toEqual(
      of('AzurePodIdentityException', {
        metadata,
        spec: { podLabels: { Spec: 'c' }, Extra: { Selector: 1 } },
      }),
    );
  });

  test.each([
    [parseAzureIdentity, { type: 1 }, { type: 2 }],
    [parseAzureIdentityBinding, { azureIdentity: 'a', selector: 's' }, { azureIdentity: 'a', selector: 't' }],
    [parseAzurePodIdentityException, { podLabels: { a: 'b' } }, { podLabels: { c: 'd' } }],
  ])(
    'attack: an object has the metadata and spec that the API server and policies read, not others beside them',
    (parse, spec, Spec) => {
      const metadata = { name: 'mine', namespace: 'attacker', uid: 'u' };
      const Metadata = { name: 'x', namespace: 'victim' };
      for (const object of [
        { metadata, spec, Metadata, Spec },
        { Metadata, Spec, metadata, spec },
      ])
        expect(parse(object)).toMatchObject({ ok: true, value: { metadata, spec } });
    },
  );

  test('leaves objects of other kinds alone', () => {
    for (const object of [
      { kind: 'Secret', spec: { Selector: 1 } },
      { spec: { Selector: 1 } },
      null,
      'x',
      5,
      [],
    ]) {
      expect(canonicalise(object)).toEqual({ object, changed: false, warnings: [] });
    }
  });

  test('names each key that it rewrote', () => {
    expect(canonicalise(of('AzureIdentity', { spec: { ClientPassword: { Name: 'n' } } })).warnings).toEqual([
      { path: 'spec.ClientPassword', message: 'is an old spelling: write clientPassword' },
      { path: 'spec.ClientPassword.Name', message: 'is an old spelling: write name' },
    ]);
  });

  const [binding, assigned] = ['AzureIdentityBinding', 'AzureAssignedIdentity'];
  test.each([
    {
      which: 'of what people write the other spelling',
      kind: binding,
      spec: { selector: 'old', Selector: 'new' },
    },
    { which: 'in either order', kind: binding, spec: { Selector: 'new', selector: 'old' } },
    {
      which: 'of what controllers write the canonical one',
      kind: assigned,
      spec: { Pod: 'old', pod: 'new' },
    },
    { which: 'the one that has a value', kind: binding, spec: { selector: 'new', Selector: null } },
    { which: 'the one that is not empty', kind: binding, spec: { selector: 'new', Selector: '' } },
    { which: 'null or empty alike', kind: binding, spec: { Selector: 'new', selector: '' } },
    { which: 'of what controllers write as well', kind: assigned, spec: { pod: '', Pod: 'new' } },
  ])('keeps, when a key is there twice, $which', ({ kind, spec }) => {
    const { object, changed, warnings } = canonicalise(of(kind, { spec }));
    const key = kind === binding ? 'selector' : 'pod';
    expect({ object, changed }).toEqual({ object: of(kind, { spec: { [key]: 'new' } }), changed: true });
    expect(warnings.filter(({ message }) => message.startsWith('is ignored'))).toHaveLength(1);
  });

  test('keeps the status that a controller wrote beside one of 2018', () => {
    const object = of('AzureAssignedIdentity', {
      Status: { status: 'Created' },
      status: { status: 'Assigned' },
    });
    expect(canonicalise(object).object).toEqual(
      of('AzureAssignedIdentity', { status: { status: 'Assigned' } }),
    );
  });

  test('keeps the current spelling in the copies that a controller wrote, at any depth', () => {
    const object = of(assigned, {
      spec: {
        azureIdentityRef: {
          spec: {
            resourceID: 'now',
            ResourceID: 'then',
            clientPassword: { name: 'now', Name: 'then' },
            ClientPassword: { name: 'then' },
          },
        },
        azureBindingRef: {
          spec: { selector: 'now', Selector: 'then', azureIdentity: 'now', AzureIdentity: 'x' },
        },
      },
    });
    expect(canonicalise(object).object).toEqual(
      of(assigned, {
        spec: {
          azureIdentityRef: { spec: { resourceID: 'now', clientPassword: { name: 'now' } } },
          azureBindingRef: { spec: { selector: 'now', azureIdentity: 'now' } },
        },
      }),
    );
  });

  test.each([{ rEsOuRcEiD: 'r' }, { RESOURCEID: 'r' }])(
    'leaves keys that no release documented or wrote: %j',
    (spec) => {
      const object = of('AzureIdentity', { spec });
      expect(canonicalise(object)).toEqual({ object, changed: false, warnings: [] });
    },
  );

  test('a second time changes nothing, whatever the object', () => {
    const keys = [
      'spec',
      'Spec',
      'status',
      'STATUS',
      'ResourceID',
      'resourceID',
      'resourceid',
      'clientPassword',
      'Name',
      'name',
    ];
    const refs = [
      'azureIdentityRef',
      'AzureIdentityRef',
      'selector',
      'Selector',
      '__proto__',
      'constructor',
      'x',
    ];
    const leaf = fc.constantFrom<unknown>(null, '', 'v', 1);
    const within = (inner: fc.Arbitrary<unknown>) =>
      fc.dictionary(fc.constantFrom(...keys, ...refs), fc.oneof(leaf, inner), {
        maxKeys: 4,
        noNullPrototype: true,
      });
    const body = fc.dictionary(fc.constantFrom(...keys), within(within(within(leaf))), { maxKeys: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(resources)), body, (kind, rest) => {
        const once = canonicalise({ ...rest, kind });
        const twice = canonicalise(once.object);
        expect(twice).toEqual({ object: once.object, changed: false, warnings: [] });
        expect(twice.object).toBe(once.object);
      }),
    );
  });
});

const lower = (key: string) => key.toLowerCase();
const capital = (key: string) => key.charAt(0).toUpperCase() + key.slice(1);

/** The object with respelled keys at every depth, except in metadata and labels. */
function respell(value: object, spell: (key: string) => string): object {
  return Object.fromEntries(
    Object.entries(value).map(([key, child]: [string, unknown]) => {
      const isData = key === 'metadata' || key === 'podLabels' || typeof child !== 'object' || child === null;
      return [
        key === 'metadata' ? key : spell(key),
        isData || Array.isArray(child) ? child : respell(child, spell),
      ];
    }),
  );
}

test('among several old spellings of a key the first by the alphabet counts, in whatever order they are written', () => {
  for (const spec of [
    { ADEndpoint: 'a', AdEndpoint: 'b', adEndpoint: 'c' },
    { adEndpoint: 'c', AdEndpoint: 'b', ADEndpoint: 'a' },
  ])
    expect(canonicalise({ kind: 'AzureIdentity', spec }).object).toEqual({
      kind: 'AzureIdentity',
      spec: { adEndpoint: 'a' },
    });
});
