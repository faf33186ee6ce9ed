// Each Azure identity has one canonical name: every spelling of an id results in the same target as its canonical form, or in none.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { accessTargetKey, accessTargetsOf, machineTarget, parseAccessTarget } from './access.ts';
import { parseAzureIdentity, type AzureIdentitySpec } from '../objects/azure-identity.ts';

const reader =
  '/subscriptions/0f-1/resourceGroups/MC_k_(s)/providers/Microsoft.ManagedIdentity/userAssignedIdentities/Reader';
const clientID = 'abcdef00-0000-0000-0000-00000000000a';

function targetsOf(spec: AzureIdentitySpec) {
  return accessTargetsOf({
    apiVersion: 'aadpodidentity.k8s.io/v1',
    kind: 'AzureIdentity',
    metadata: { namespace: 'pay', name: 'reader' },
    spec,
  });
}

const keyOf = (resourceID: string) => {
  const parsed = targetsOf({ type: 0, resourceID });
  return parsed.ok ? parsed.value.map(accessTargetKey).join() : undefined;
};

/** Spellings of an attacker who may not use the identity by its name. */
const respelled = fc
  .array(
    fc.record({
      at: fc.nat(reader.length),
      by: fc.oneof(
        fc.constantFrom('%2F', '%2e', '/', '//', '.', '..', '\\', '?', '#', ';', ' ', '\n', '\0', "'"),
        fc.constantFrom('\u212a', '\u017f', '\u0130', '\u0435', '\uff0f', '\u200b', '\u0301'),
        fc.string({ unit: 'binary', maxLength: 2 }),
      ),
      over: fc.nat(2),
    }),
    { maxLength: 2 },
  )
  .map((changes) =>
    changes.reduce((text, { at, by, over }) => text.slice(0, at) + by + text.slice(at + over), reader),
  );

test('every spelling of an id that Azure takes for the same gives one canonical string', () => {
  fc.assert(
    fc.property(anyCase(reader), fc.constantFrom('', '/'), (id, end) => {
      expect(keyOf(id + end)).toBe(`managedidentities ${reader.toLowerCase()}`);
    }),
  );
});

test('every other text names itself in lower case, in ASCII, or nothing', () => {
  fc.assert(
    fc.property(respelled, (text) => {
      const plain = text.replace(/\/$/, '').replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
      expect([undefined, `managedidentities ${plain}`]).toContain(keyOf(text));
    }),
    { numRuns: 2_000 },
  );
});

test('tenant and client id of an application never run together, whatever their characters', () => {
  const part = fc.oneof(
    fc.constantFrom('contoso.com', clientID, 'a/b', '', '.', `contoso.com/${clientID}`),
    fc.string({ unit: 'binary', maxLength: 4 }),
  );
  fc.assert(
    fc.property(part, part, fc.array(part, { maxLength: 4 }), (tenantID, client, auxiliaryTenantIDs) => {
      const parsed = targetsOf({ type: 1, clientID: client, tenantID, auxiliaryTenantIDs });
      for (const { names } of parsed.ok ? parsed.value : []) {
        const [tenant, own, ...rest] = names[0].split('/');
        expect([own, rest]).toEqual([client.toLowerCase(), []]);
        expect([tenantID, ...auxiliaryTenantIDs].map((id) => id.toLowerCase())).toContain(tenant);
        expect(names).toEqual([`${tenant}/${own}`, tenant]);
        expect(names[0]).toMatch(/^[a-z0-9./-]+$/);
      }
    }),
    { numRuns: 500 },
  );
});

test('a canonical name names itself, and nothing of another kind', () => {
  const text = fc.oneof(
    respelled,
    fc.constantFrom(
      `contoso.com/${clientID}`,
      '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachineScaleSets/P/virtualMachines/1',
    ),
  );
  fc.assert(
    fc.property(text, (written) => {
      const parsed = parseAccessTarget(written);
      if (parsed.ok) expect(parseAccessTarget(parsed.value.names[0])).toEqual(parsed);
      const machine = machineTarget(written);
      if (machine.ok) expect(parsed).toEqual(machine);
    }),
    { numRuns: 500 },
  );
});

test('no object makes it throw', () => {
  const spec = fc.dictionary(
    fc.constantFrom('type', 'resourceID', 'clientID', 'tenantID', 'auxiliaryTenantIDs'),
    fc.oneof(fc.jsonValue(), fc.constantFrom(0, 1, 2), fc.array(fc.string())),
  );
  fc.assert(
    fc.property(spec, (given) => {
      const parsed = parseAzureIdentity({ metadata: { name: 'a', namespace: 'b' }, spec: given });
      const targets = parsed.ok ? accessTargetsOf(parsed.value) : undefined;
      expect(targets?.ok === true ? targets.value.length : 1).toBeGreaterThan(0);
    }),
  );
});

/** The text with each letter in either case. */
function anyCase(text: string): fc.Arbitrary<string> {
  return fc
    .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
    .map((upper) =>
      Array.from(text, (letter, at) => (upper[at] === true ? letter.toUpperCase() : letter)).join(''),
    );
}
