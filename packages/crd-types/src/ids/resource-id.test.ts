import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  canonicalResourceId,
  hostName,
  parseIdentityResourceId,
  parseProviderId,
  parseResourceId,
} from './resource-id.ts';

const group = '/subscriptions/0f-1/resourceGroups/MC_shop_(west).1';
const identity = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader_1`;
const scaleSet = `${group}/providers/Microsoft.Compute/virtualMachineScaleSets/aks-pool-1`;

describe('C23 an ARM resource id', () => {
  test.each([
    ['nothing', ''],
    ['a plain word', 'identity'],
    ['a part of an id', '/subscriptions/0f-1/resourceGroups/g'],
    ['an id without a name', `${group}/providers/Microsoft.Compute/virtualMachines`],
    ['an id with an empty part', `${group}/providers//virtualMachines/vm`],
    ['a child without a name', `${scaleSet}/virtualMachines`],
    ['text before the id', `x${identity}`],
    ['a line break after the id', `${identity}\n`],
    ['two slashes at the end', `${identity}//`],
    ['a part that climbs', '/subscriptions/s/resourceGroups/../providers/p/t/n'],
    ['a query', `${identity}?api-version=1`],
    ['an encoded slash', `${group}%2Fx/providers/p/t/n`],
    ['a quote', `${identity}'`],
  ])('is refused: %s', (_, text) => {
    expect(parseResourceId(text)).toMatchObject({ ok: false, problems: [{ path: '' }] });
  });

  test('gives its parts as they were spelled', () => {
    expect(parseResourceId(identity)).toEqual({
      ok: true,
      value: {
        subscriptionId: '0f-1',
        resourceGroup: 'MC_shop_(west).1',
        provider: 'Microsoft.ManagedIdentity',
        type: 'userAssignedIdentities',
        name: 'reader_1',
        nested: [],
      },
      warnings: [],
    });
  });

  test('gives its children, outermost first', () => {
    expect(parseResourceId(`${scaleSet}/virtualMachines/3/networkInterfaces/nic/`)).toMatchObject({
      value: {
        name: 'aks-pool-1',
        nested: [
          { type: 'virtualMachines', name: '3' },
          { type: 'networkInterfaces', name: 'nic' },
        ],
      },
    });
  });

  test('is recognised with its keywords in any case', () => {
    expect(parseResourceId('/SUBSCRIPTIONS/s/resourcegroups/g/Providers/p/t/n')).toMatchObject({ ok: true });
  });

  test('that is very long is cut in the message', () => {
    const parsed = parseResourceId('x'.repeat(10_000));
    expect(!parsed.ok && parsed.problems[0]!.message.length).toBeLessThan(400);
  });
});

describe('C15 the id of a managed identity', () => {
  test('is returned in canonical form', () => {
    expect(parseIdentityResourceId(`${identity}/`)).toMatchObject({ value: identity.toLowerCase() });
  });

  test.each([
    ['garbage', 'not-an-id'],
    ['no userAssignedIdentities segment', `${group}/providers/Microsoft.ManagedIdentity/reader`],
    ['another type', `${group}/providers/Microsoft.ManagedIdentity/systemAssignedIdentities/reader`],
    ['another provider', `${group}/providers/Microsoft.Compute/userAssignedIdentities/reader`],
    ['a child of an identity', `${identity}/federatedIdentityCredentials/f`],
    ['nothing', ''],
  ])('is refused with the form it should have: %s', (_, text) => {
    const parsed = parseIdentityResourceId(text);
    expect(!parsed.ok && parsed.problems[0]!.message).toMatch(
      /Microsoft\.ManagedIdentity\/userAssignedIdentities\/<name>/,
    );
  });

  test.each([
    ['a letter of a group that Azure allows', 'größe', 'U+00F6'],
    ['a Cyrillic letter', 'r\u0435ader', 'U+0435'],
    ['KELVIN SIGN, which is k in lower case', '\u212aey', 'U+212A'],
    ['a letter that cannot be seen', 'reader\u3164', 'U+3164'],
    ['a mark', 'reader\u0301', 'U+0301'],
  ])('attack: %s makes no id of an identity, and the problem names it in ASCII', (_, name, code) => {
    const parsed = parseIdentityResourceId(identity.replace('reader_1', name));
    expect(parsed).toMatchObject({
      ok: false,
      problems: [{ path: '', message: expect.stringContaining(code) }],
    });
    expect(JSON.stringify(parsed)).toMatch(/^[ -~]*$/);
  });
});

describe('resource ids', () => {
  test('compare without case and without a trailing slash', () => {
    fc.assert(
      fc.property(anyCase(identity), anyCase(identity), fc.constantFrom('', '/'), (a, b, end) => {
        expect(canonicalResourceId(a)).toBe(canonicalResourceId(b + end));
      }),
    );
    expect(canonicalResourceId(identity)).not.toBe(canonicalResourceId(`${identity}x`));
  });

  const codePoint = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code));
  test('the canonical form of a canonical id is the id itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: codePoint }), (text) => {
        expect(canonicalResourceId(canonicalResourceId(text))).toBe(canonicalResourceId(text));
      }),
    );
  });

  test('a valid id is valid in canonical form', () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        const id = `${group}/providers/p/t/${name}`;
        expect(parseResourceId(canonicalResourceId(id)).ok || !parseResourceId(id).ok).toBe(true);
      }),
    );
  });
});

describe('the host of a node', () => {
  const machine = `${group}/providers/Microsoft.Compute/virtualMachines`;
  test.each([
    { of: 'a virtual machine', id: `azure://${machine}/vm-0`, host: 'vm vm-0' },
    {
      of: 'a uniform scale set: the set',
      id: `azure://${scaleSet}/virtualMachines/3`,
      host: 'vmss aks-pool-1',
    },
    {
      of: 'a flexible scale set: the instance',
      id: `azure://${machine}/pool_0a1b2c3d`,
      host: 'vm pool_0a1b2c3d',
    },
    { of: 'any case', id: `azure://${scaleSet}/virtualMachines/3`.toUpperCase(), host: 'vmss aks-pool-1' },
  ])('is read from its provider id: $of', ({ id, host }) => {
    const parsed = parseProviderId(id);
    expect(parsed.ok && `${parsed.value.kind} ${hostName(parsed.value)}`).toBe(host);
  });

  test('keeps the subscription and group of the provider id, in canonical form', () => {
    expect(parseProviderId(`azure://${scaleSet}/virtualMachines/3`)).toMatchObject({
      value: { id: scaleSet.toLowerCase() },
    });
  });

  test.each([
    ['nothing', ''],
    ['another cloud', 'aws:///eu-west-1a/i-0123'],
    ['no scheme', `${scaleSet}/virtualMachines/3`],
    ['a scale set without an instance', `azure://${scaleSet}`],
    ['something inside an instance', `azure://${scaleSet}/virtualMachines/3/extensions/e`],
    [
      'something inside a machine',
      `azure://${group}/providers/Microsoft.Compute/virtualMachines/vm/extensions/e`,
    ],
    ['another resource', `azure://${group}/providers/Microsoft.Network/virtualMachines/vm`],
  ])('is not guessed: %s', (_, providerId) => {
    expect(parseProviderId(providerId)).toMatchObject({ ok: false, problems: [{ path: '' }] });
  });
});

/** The text with each letter in either case. */
function anyCase(text: string): fc.Arbitrary<string> {
  return fc
    .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
    .map((upper) =>
      Array.from(text, (letter, at) => (upper[at] === true ? letter.toUpperCase() : letter)).join(''),
    );
}

test('letters that only look like those of a keyword make no id', () => {
  for (const id of [
    '/\u017fubscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/x',
    '/subscriptions/s/re\u017fourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/x',
  ])
    expect(parseIdentityResourceId(id)).toMatchObject({ ok: false });
});
