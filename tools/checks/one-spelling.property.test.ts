// What MIC and NMI read of an object from the API server, by its fields, they parse as the whole object: also a key in another case than
// that of its field, which the parser must get to refuse it.
import {
  fieldLimits,
  parseAzureAssignedIdentity,
  parseAzureIdentity,
  parseAzureIdentityBinding,
  parseAzurePodIdentityException,
  type Kind,
  type Parsed,
} from '@pod-identity/crd-types';
import { KubeError } from '@pod-identity/kit/kube';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createResponseReader } from '../../packages/kit/src/kube/response-reader.ts';

const parsers: Readonly<Record<Kind, (object: unknown) => Parsed<unknown>>> = {
  AzureIdentity: parseAzureIdentity,
  AzureIdentityBinding: parseAzureIdentityBinding,
  AzureAssignedIdentity: parseAzureAssignedIdentity,
  AzurePodIdentityException: parseAzurePodIdentityException,
};

const resourceID =
  '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader';
const text = fc.constantFrom('web', 'a', '');
const none = fc.constantFrom(null, '');
const labels = fc.dictionary(fc.constantFrom('app', 'tier'), text, { maxKeys: 2 });
const selector = fc.record({ matchLabels: labels, MatchLabels: labels }, { requiredKeys: [] });

/** A key unchanged, or with some letters in the other case, or with the Kelvin sign for its k, or with another letter or one more. */
function spelled(key: string): fc.Arbitrary<string> {
  const flipped = fc
    .integer({ max: 2 ** 20 })
    .map((flips) =>
      Array.from(key, (letter, at) => ((flips >> at) & 1 ? letter.toUpperCase() : letter.toLowerCase())).join(
        '',
      ),
    );
  return fc.oneof(
    { arbitrary: fc.constant(key), weight: 12 },
    flipped,
    fc.constant(key.replace('k', '\u212A')),
    fc
      .tuple(fc.nat(key.length), fc.constantFrom('x', 'ü', '\u200b', '\n', '_', 'xyz'), fc.nat(1))
      .map(([at, more, less]) => key.slice(0, at) + more + key.slice(at + less)),
  );
}

/** An object with some of these fields, each in any spelling, some in two. */
function fields(values: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<object> {
  const field = fc
    .constantFrom(...Object.keys(values))
    .chain((key) => fc.tuple(spelled(key), fc.oneof({ arbitrary: values[key] ?? none, weight: 5 }, none)));
  return fc.array(field, { minLength: 1, maxLength: 7 }).map((entries) => Object.fromEntries(entries));
}

const metadata = fc.record({ name: fc.constant('a'), namespace: fc.constant('shop') });
const identity = fields({
  type: fc.constantFrom(0, 1),
  resourceID: fc.constant(resourceID),
  clientID: text,
  clientPassword: fields({ name: text, namespace: text }),
  auxiliaryTenantIDs: fc.array(text, { maxLength: 2 }),
  allowedNamespaces: fc.record(
    { names: fc.subarray(['a', 'b']), selector, Selector: selector },
    { requiredKeys: [] },
  ),
});
const binding = fields({
  azureIdentity: text,
  selector: text,
  podSelector: selector,
  serviceAccountName: text,
  default: fc.boolean(),
});
const specs: Readonly<Record<Kind, fc.Arbitrary<object>>> = {
  AzureIdentity: identity,
  AzureIdentityBinding: binding,
  AzureAssignedIdentity: fields({
    azureIdentityRef: fields({ metadata, spec: identity }),
    azureBindingRef: fields({ metadata, spec: binding }),
    pod: text,
    nodename: text,
  }),
  AzurePodIdentityException: fields({ podLabels: labels, clientIDs: fc.array(text, { maxLength: 2 }) }),
};

test.each(Object.keys(specs) as Kind[])('%s by its fields is parsed as the whole object', (kind) => {
  const parse = parsers[kind];
  const verdicts = { true: 0, false: 0 };
  const rest = fields({ kind: fc.constant(kind), status: fields({ status: fc.constant('Assigned') }) });
  const own = fc.record({ metadata });
  const spec = spelled('spec').chain((key) => fc.record({ [key]: specs[kind] }));
  fc.assert(
    fc.property(rest, own, spec, (...parts) => {
      const object = Object.assign({}, ...parts) as object;
      const [read, whole] = [parse(readByFields(kind, object)), parse(object)];
      verdicts[`${whole.ok}`] += 1;
      expect(read).toEqual(whole);
    }),
    { numRuns: 600 },
  );
  expect(verdicts.true).toBeGreaterThan(10);
  if (kind !== 'AzureAssignedIdentity') expect(verdicts.false).toBeGreaterThan(10);
});

function readByFields(kind: Kind, object: object): unknown {
  const reader = createResponseReader({ fields: fieldLimits[kind] });
  reader.push(Buffer.from(JSON.stringify(object)));
  return reader.end(() => new KubeError('transport', 'incomplete'));
}
