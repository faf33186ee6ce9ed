// No function throws: those that take untrusted values, whatever they are given; the others, whatever the parsers return.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as library from './index.ts';

const anything = fc.oneof(
  fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withObjectString: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
  }),
  fc.constantFrom<unknown>(Symbol('s'), () => 0, new Date(Number.NaN)),
);

/** An object of one of the kinds with values from everywhere, at the keys that are read. */
const almost = fc.record({
  kind: fc.constantFrom<unknown>(...Object.keys(library.resources), undefined),
  metadata: fc.oneof(
    anything,
    fields(['name', 'labels', 'annotations', 'creationTimestamp', 'ownerReferences', 'finalizers']),
  ),
  spec: fc.oneof(
    anything,
    fields([
      ...[
        'type',
        'resourceID',
        'ResourceID',
        'clientPassword',
        'tenantID',
        'auxiliaryTenantIDs',
        'adEndpoint',
        'adResourceID',
        'allowedNamespaces',
        'azureIdentity',
        'selector',
      ],
      ...[
        'podSelector',
        'serviceAccountName',
        'default',
        'podLabels',
        'clientIDs',
        'azureIdentityRef',
        'pod',
      ],
    ]),
  ),
  status: fc.oneof(anything, fields(['conditions', 'status'])),
});

describe('functions that take what the parsers return', () => {
  const { parseAzureIdentity, parseAzureIdentityBinding } = library;
  const valid = fc.record({
    identity: fc.record({
      metadata: fc.record({ name: fc.string({ minLength: 1 }), namespace: fc.string() }),
      spec: fc.record({ type: fc.constantFrom(1, 2), clientID: fc.string(), tenantID: fc.string() }),
    }),
    binding: fc.record({
      metadata: fc.record({ name: fc.string({ minLength: 1 }), namespace: fc.string() }),
      spec: fc.record(
        {
          azureIdentity: fc.string({ minLength: 1 }),
          selector: fc.string({ minLength: 1 }),
          podSelector: fc.record({
            matchLabels: fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), fc.constantFrom('a', '')),
          }),
          serviceAccountName: fc.constantFrom('', 'default'),
        },
        { requiredKeys: ['azureIdentity', 'selector'] },
      ),
    }),
    labels: fc.dictionary(fc.string(), fc.string()),
  });

  test('never throw', () => {
    let used = 0;
    fc.assert(
      fc.property(valid, ({ identity, binding, labels }) => {
        const [first, second] = [parseAzureIdentity(identity), parseAzureIdentityBinding(binding)];
        if (!first.ok || !second.ok) return;
        used += 1;
        useAll(first.value, second.value, labels);
      }),
      { numRuns: 500 },
    );
    expect(used).toBeGreaterThan(100);
  });

  function useAll(
    identity: library.AzureIdentity,
    binding: library.AzureIdentityBinding,
    labels: library.Labels,
  ) {
    const pod = { namespace: binding.metadata.namespace ?? '', labels, serviceAccount: 'default' };
    library.matchPod({
      ...library.bindingsAmong([binding]),
      pod,
      identityOf: () => identity,
      rules: { forceNamespaced: false },
    });
    library.sortBindings([binding, binding]);
    for (const use of [library.describeSelection, library.hasOwnConditions, library.isDefaultBinding])
      use(binding);
    library.selectsPod(binding, pod);
    for (const object of [identity, binding]) library.warningTexts(object);
    library.problemTexts([{ path: identity.metadata.name, message: binding.metadata.name }]);
    library.failedCondition(binding, pod);
    const targets = library.accessTargetsOf(identity);
    if (targets.ok) library.rolesFor({ subjects: [{ namespace: 'n', name: 's' }], targets: targets.value });
    const parts = { podNamespace: pod.namespace, podName: 'p', identityName: identity.metadata.name };
    library.assignedIdentityName(parts);
    library.distinctAssignedIdentityName({ ...parts, identityNamespace: '', podUid: '' });
    library.assignedIdentityNamespace(identity, { forceNamespaced: true });
    expect(typeof library.isNamespaced(identity)).toBe('boolean');
  }
});

describe('functions that take untrusted values', () => {
  const untrusted = {
    parseAzureIdentity: library.parseAzureIdentity,
    parseAzureIdentityBinding: library.parseAzureIdentityBinding,
    parseAzureAssignedIdentity: library.parseAzureAssignedIdentity,
    parseAzurePodIdentityException: library.parseAzurePodIdentityException,
    canonicalise: library.canonicalise,
    parseResourceId: library.parseResourceId,
    parseIdentityResourceId: library.parseIdentityResourceId,
    parseProviderId: library.parseProviderId,
    canonicalResourceId: library.canonicalResourceId,
    parseAccessTarget: library.parseAccessTarget,
    machineTarget: library.machineTarget,
  } as const;

  test.each(Object.entries(untrusted))('%s never throws, whatever it is given', (_, call) => {
    fc.assert(
      fc.property(fc.oneof(anything, almost), fc.array(anything, { maxLength: 2 }), (value, further) => {
        expect(() => (call as (...given: unknown[]) => unknown)(value, ...further)).not.toThrow();
      }),
      { numRuns: 400 },
    );
  });
});

function fields(keys: readonly string[]): fc.Arbitrary<unknown> {
  return fc.dictionary(fc.constantFrom(...keys), anything);
}
