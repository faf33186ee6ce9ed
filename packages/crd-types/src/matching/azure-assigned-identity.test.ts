import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  assignedIdentityName,
  assignedIdentityNamespace,
  distinctAssignedIdentityName,
  parseAzureAssignedIdentity,
} from './azure-assigned-identity.ts';
import type { AzureIdentity } from '../objects/azure-identity.ts';

const apiVersion = 'aadpodidentity.k8s.io/v1';
const metadata = { name: 'web-0-shop-reader', namespace: 'default' };
const azureIdentityRef = {
  apiVersion,
  kind: 'AzureIdentity',
  metadata: { name: 'reader', namespace: 'shop', resourceVersion: '7' },
  spec: { type: 0, resourceID: '/x', clientID: 'c' },
};
const azureBindingRef = {
  apiVersion,
  kind: 'AzureIdentityBinding',
  metadata: { name: 'demo', namespace: 'shop' },
  spec: { azureIdentity: 'reader', selector: 'demo-app' },
};
const pod = { pod: 'web-0', podNamespace: 'shop', nodename: 'node-1' };

describe('an AzureAssignedIdentity', () => {
  test('C4, C7 is read with both copies, pod, node and status', () => {
    const object = {
      apiVersion,
      kind: 'AzureAssignedIdentity',
      metadata,
      spec: { azureIdentityRef, azureBindingRef, ...pod },
      status: { status: 'Assigned', availableReplicas: 1 },
    };
    expect(parseAzureAssignedIdentity(object)).toEqual({ ok: true, value: object, warnings: [] });
  });

  test.each([
    ['missing', {}],
    ['null', { azureIdentityRef: null, azureBindingRef: null }],
  ])('C4 with copies that are %s reads as one with empty copies', (_, refs) => {
    expect(parseAzureAssignedIdentity({ metadata, spec: { ...refs, ...pod } })).toEqual({
      ok: true,
      value: {
        apiVersion,
        kind: 'AzureAssignedIdentity',
        metadata,
        spec: {
          azureIdentityRef: { apiVersion, kind: 'AzureIdentity', metadata: { name: '' }, spec: { type: 0 } },
          azureBindingRef: {
            apiVersion,
            kind: 'AzureIdentityBinding',
            metadata: { name: '' },
            spec: { azureIdentity: '', selector: '' },
          },
          ...pod,
        },
        status: { status: '' },
      },
      warnings: [],
    });
  });

  test('is read as the original stored it in 2018, all lower case and with a capital Status', () => {
    const parsed = parseAzureAssignedIdentity({
      metadata,
      spec: {
        azureidentityref: {
          metadata: { name: 'reader', namespace: 'shop' },
          spec: {
            type: 1,
            clientid: 'c',
            tenantid: 't',
            clientpassword: { Name: 'secret', Namespace: 'shop' },
          },
        },
        azurebindingref: {
          metadata: { name: 'demo' },
          spec: { azureidentity: 'reader', selector: 'demo-app' },
        },
        pod: 'web-0',
        podnamespace: 'shop',
        nodename: 'node-1',
      },
      Status: { status: 'Created', availableReplicas: 1 },
    });
    expect(parsed).toMatchObject({
      ok: true,
      value: {
        spec: {
          azureIdentityRef: {
            metadata: { name: 'reader' },
            spec: {
              type: 1,
              clientID: 'c',
              tenantID: 't',
              clientPassword: { name: 'secret', namespace: 'shop' },
            },
          },
          azureBindingRef: { spec: { azureIdentity: 'reader', selector: 'demo-app' } },
          ...pod,
        },
        status: { status: 'Created', availableReplicas: 1 },
      },
    });
  });

  test('that an old upgrade gave copies of the wrong kind is read with the right ones', () => {
    const spec = {
      azureIdentityRef: { ...azureIdentityRef, kind: 'AzureIdentityList' },
      azureBindingRef,
      ...pod,
    };
    expect(parseAzureAssignedIdentity({ metadata, spec })).toMatchObject({
      value: { spec: { azureIdentityRef: { kind: 'AzureIdentity' } } },
    });
  });

  test('with a copy that has a long key of a label quotes a part of it in its warnings', () => {
    const key = `\n${'k'.repeat(10_000)}`;
    const matchExpressions = ['Exists', 'DoesNotExist'].map((operator) => ({ key, operator }));
    const copy = { spec: { allowedNamespaces: { selector: { matchExpressions } } } };
    const parsed = parseAzureAssignedIdentity({ metadata, spec: { azureIdentityRef: copy } });
    const texts = parsed.ok ? parsed.warnings.map(({ message }) => message) : [];
    expect(texts).toContainEqual(expect.stringMatching(/^is "\\nk+\.\.\.", which no label can have/));
    expect(Math.max(...texts.map(({ length }) => length))).toBeLessThan(500);
  });

  test('with a broken copy can still be read, so that it can be removed', () => {
    const broken = { metadata: { name: 5 }, spec: { type: 9, resourceID: [] } };
    const parsed = parseAzureAssignedIdentity({
      metadata,
      spec: { azureIdentityRef: broken, azureBindingRef: 3, ...pod },
    });
    expect(parsed.ok && parsed.warnings.map(({ path }) => path)).toEqual([
      'spec.azureIdentityRef.metadata.name',
      'spec.azureIdentityRef.spec.type',
      'spec.azureIdentityRef.spec.resourceID',
      'spec.azureBindingRef',
    ]);
  });

  test('in an unknown state does not count as usable', () => {
    expect(parseAzureAssignedIdentity({ metadata, spec: pod, status: { status: 'Ready' } })).toMatchObject({
      value: { status: { status: 'Created' } },
      warnings: [{ path: 'status.status' }],
    });
  });

  test('whose pod is not a string is refused', () => {
    expect(parseAzureAssignedIdentity({ metadata, spec: { pod: 1 } })).toMatchObject({
      ok: false,
      problems: [{ path: 'spec.pod' }],
    });
  });
});

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
const podName = fc.oneof(
  label,
  fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) =>
    labels
      .join('.')
      .slice(0, 253)
      .replace(/[.-]+$/, ''),
  ),
);
const parts = fc.record({
  podNamespace: label,
  podName,
  identityNamespace: label,
  identityName: podName,
  podUid: fc.uuid(),
});

describe('the name of an assignment', () => {
  test('is that of the original', () => {
    expect(assignedIdentityName({ podNamespace: 'shop', podName: 'web-0', identityName: 'reader' })).toBe(
      'web-0-shop-reader',
    );
  });

  // In JavaScript: "undefined-shop-reader" would be the name of another object.
  test('is not made of parts that are missing or have another name', () => {
    const given = { podNamespace: 'shop', pod: 'web-0', identityName: 'reader' } as never;
    expect(() => assignedIdentityName(given)).toThrow(new TypeError('podName must be a string'));
    const known = { podNamespace: 'shop', podName: 'web-0', identityName: 'reader' };
    const more = { identityNamespace: 'ids', uid: 'u' } as never;
    expect(() => distinctAssignedIdentityName(Object.assign({}, known, more))).toThrow(
      new TypeError('podUid must be a string'),
    );
  });

  const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

  test('made distinct is a name that the API server accepts', () => {
    fc.assert(
      fc.property(parts, (of) => {
        const name = distinctAssignedIdentityName(of);
        expect(name.length).toBeLessThanOrEqual(253);
        expect(name).toMatch(dnsSubdomain);
      }),
    );
  });

  test('made distinct begins with as much of the original name as fits', () => {
    const of = {
      podNamespace: 'shop',
      podName: 'web-0',
      identityNamespace: 'ids',
      identityName: 'reader',
      podUid: 'u',
    };
    expect(distinctAssignedIdentityName(of)).toMatch(/^web-0-shop-reader-[0-9a-f]{16}$/);
    expect(distinctAssignedIdentityName({ ...of, podName: 'a'.repeat(253) })).toMatch(
      /^a{236}-[0-9a-f]{16}$/,
    );
  });

  test('made distinct does not keep a dot before the hash', () => {
    const of = {
      podNamespace: 'shop',
      podName: `${'a'.repeat(235)}.b`,
      identityNamespace: 'i',
      identityName: 'r',
      podUid: 'u',
    };
    expect(distinctAssignedIdentityName(of)).toMatch(/^a{235}-[0-9a-f]{16}$/);
  });

  test('made distinct is the same for the same assignment, and another for every other', () => {
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        expect(distinctAssignedIdentityName({ ...one })).toBe(distinctAssignedIdentityName(one));
        for (const key of Object.keys(one) as (keyof typeof one)[]) {
          const changed = { ...one, [key]: other[key] };
          const isSame = one[key] === other[key];
          expect(distinctAssignedIdentityName(changed) === distinctAssignedIdentityName(one)).toBe(isSame);
        }
      }),
    );
  });

  test('W-S14 is distinct where two assignments share the original one', () => {
    const one = {
      podNamespace: 'c',
      podName: 'a-b',
      identityName: 'i',
      identityNamespace: 'n',
      podUid: 'u1',
    };
    const other = {
      podNamespace: 'b-c',
      podName: 'a',
      identityName: 'i',
      identityNamespace: 'n',
      podUid: 'u2',
    };
    expect(assignedIdentityName(one)).toBe(assignedIdentityName(other));
    expect(distinctAssignedIdentityName(one)).not.toBe(distinctAssignedIdentityName(other));
  });
});

describe('an assignment lives', () => {
  const identity = (annotations: Record<string, string>): AzureIdentity => ({
    apiVersion,
    kind: 'AzureIdentity',
    metadata: { name: 'reader', namespace: 'shop', annotations },
    spec: { type: 0 },
  });
  const namespaced = { 'aadpodidentity.k8s.io/Behavior': 'namespaced' };
  test.each([
    { where: 'in default', annotations: {}, forceNamespaced: false, namespace: 'default' },
    {
      where: 'with its identity, when all are namespaced',
      annotations: {},
      forceNamespaced: true,
      namespace: 'shop',
    },
    {
      where: 'with its identity, when that is',
      annotations: namespaced,
      forceNamespaced: false,
      namespace: 'shop',
    },
  ])('$where', ({ annotations, forceNamespaced, namespace }) => {
    expect(assignedIdentityNamespace(identity(annotations), { forceNamespaced })).toBe(namespace);
  });

  test('in default when the identity has no namespace', () => {
    const identityWithout = { ...identity({}), metadata: { name: 'reader' } };
    expect(assignedIdentityNamespace(identityWithout, { forceNamespaced: true })).toBe('default');
  });
});
