import { describe, expect, test } from 'vitest';
import { accessTargetKey, accessTargetsOf, machineTarget, parseAccessTarget } from './access.ts';
import { parseAzureIdentity, type AzureIdentity, type AzureIdentitySpec } from '../objects/azure-identity.ts';

const group = '/subscriptions/0F-1/resourceGroups/MC_shop_(west).1';
const reader = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/Reader_1`;
const compute = `${group}/providers/Microsoft.Compute`;
const clientID = 'ABCDEF00-0000-0000-0000-00000000000A';

function identity(spec: AzureIdentitySpec): AzureIdentity {
  return {
    apiVersion: 'aadpodidentity.k8s.io/v1',
    kind: 'AzureIdentity',
    metadata: { namespace: 'pay', name: 'reader' },
    spec,
  };
}

const principal = (spec: Partial<AzureIdentitySpec>) =>
  accessTargetsOf(identity({ type: 1, clientID, tenantID: 'contoso.com', ...spec }));

describe('what a pod must be allowed to use', () => {
  test('for a managed identity: its id, or its group, or its subscription, in lower case', () => {
    expect(accessTargetsOf(identity({ type: 0, resourceID: `${reader}/` }))).toEqual({
      ok: true,
      value: [
        {
          resource: 'managedidentities',
          names: [
            '/subscriptions/0f-1/resourcegroups/mc_shop_(west).1/providers/microsoft.managedidentity/userassignedidentities/reader_1',
            '/subscriptions/0f-1/resourcegroups/mc_shop_(west).1',
            '/subscriptions/0f-1',
          ],
        },
      ],
      warnings: [],
    });
  });

  test('for a managed identity: nothing else that its object says', () => {
    const spec = { type: 0, resourceID: reader, clientID, tenantID: 'x', auxiliaryTenantIDs: ['y'] } as const;
    expect(accessTargetsOf(identity(spec))).toEqual(
      accessTargetsOf(identity({ type: 0, resourceID: reader })),
    );
  });

  test.each([1, 2] as const)('for a service principal of type %d: its client id in its tenant', (type) => {
    const parsed = principal({ type, tenantID: 'Contoso.Com', resourceID: reader });
    expect(parsed).toMatchObject({
      value: [{ resource: 'applications', names: [`contoso.com/${clientID.toLowerCase()}`, 'contoso.com'] }],
    });
  });

  test('for a service principal: the same in each auxiliary tenant, once', () => {
    const parsed = principal({ auxiliaryTenantIDs: ['Fabrikam.com', 'CONTOSO.com', 'fabrikam.com'] });
    const names = parsed.ok && parsed.value.map((target) => target.names[1]);
    expect(names).toEqual(['contoso.com', 'fabrikam.com']);
  });

  test.each([
    ['no resource id', { type: 0 }, 'spec.resourceID'],
    ['the id of something else', { type: 0, resourceID: `${compute}/virtualMachines/vm` }, 'spec.resourceID'],
    ['a scope', { type: 0, resourceID: group }, 'spec.resourceID'],
    ['no client id', { type: 1, tenantID: 't' }, 'spec.clientID'],
    ['a client id that is no GUID', { type: 1, clientID: 'x', tenantID: 't' }, 'spec.clientID'],
    ['a client id in braces', { type: 1, clientID: `{${clientID}}`, tenantID: 't' }, 'spec.clientID'],
    ['no tenant', { type: 2, clientID }, 'spec.tenantID'],
    ['a tenant with a slash', { type: 1, clientID, tenantID: 'a/b' }, 'spec.tenantID'],
    ['an endless tenant', { type: 1, clientID, tenantID: 'a'.repeat(254) }, 'spec.tenantID'],
    [
      'an invalid auxiliary tenant',
      { type: 1, clientID, tenantID: 't', auxiliaryTenantIDs: ['u', '..', '%2e'] },
      'spec.auxiliaryTenantIDs',
    ],
    [
      'four auxiliary tenants',
      { type: 1, clientID, tenantID: 't', auxiliaryTenantIDs: ['a', 'b', 'c', 'd'] },
      'spec.auxiliaryTenantIDs',
    ],
  ] as const)('is not known with %s', (_, spec, path) => {
    const parsed = accessTargetsOf(identity(spec));
    expect(parsed.ok ? parsed.value : parsed.problems.map((problem) => problem.path)).toEqual([path]);
  });

  test.each([
    ['KELVIN SIGN, which is k in lower case', reader.replace('g', '\u212a'), 'U+212A'],
    ['LONG S, which is S in upper case', reader.replace('s', '\u017f'), 'U+017F'],
    ['a Cyrillic letter', reader.replace('e', '\u0435'), 'U+0435'],
    ['a letter outside the basic plane', `${reader}\u{1d41a}`, 'U+1D41A'],
    ['a letter of a group that Azure allows', reader.replace('shop', 'größe'), 'U+00F6'],
    ['an invisible character', `${reader}\u200b`, 'U+200B'],
    ['a line break', `${reader}\n`, 'U+000A'],
  ])('is not known with %s, and the problem says so in ASCII', (_, resourceID, code) => {
    const parsed = accessTargetsOf(identity({ type: 0, resourceID }));
    expect(parsed).toMatchObject({
      ok: false,
      problems: [{ path: 'spec.resourceID', message: expect.stringContaining(code) }],
    });
    expect(JSON.stringify(parsed)).toMatch(/^[\x20-\x7e]*$/);
  });

  test.each([
    ['contoso.com', []],
    ['adfs', []],
    [clientID, []],
    ['contoso', ['spec.tenantID', 'spec.auxiliaryTenantIDs']],
    ['contoso..com', ['spec.tenantID', 'spec.auxiliaryTenantIDs']],
    ['a..contoso.com', ['spec.tenantID', 'spec.auxiliaryTenantIDs']],
    ['contoso.com..a', ['spec.tenantID', 'spec.auxiliaryTenantIDs']],
    ['myadfs', ['spec.tenantID', 'spec.auxiliaryTenantIDs']],
    ['adfs2', ['spec.tenantID', 'spec.auxiliaryTenantIDs']],
    [`${'a.'.repeat(125)}com`, []],
  ])('is known for the tenant %j, with the warnings that the parser has', (tenantID, paths) => {
    const spec = { type: 1, clientID, tenantID, auxiliaryTenantIDs: [tenantID] } as const;
    const targets = accessTargetsOf(identity(spec));
    const parsed = parseAzureIdentity({
      metadata: { name: 'a' },
      spec: { ...spec, clientPassword: { name: 's' } },
    });
    expect(targets.ok && targets.warnings.map(({ path }) => path)).toEqual(paths);
    expect(targets.ok && targets.warnings).toEqual(parsed.ok && parsed.warnings);
    expect(parseAccessTarget(`${tenantID}/${clientID}`)).toMatchObject({
      ok: true,
      warnings: paths.slice(0, 1).map(() => ({ path: '', message: expect.stringContaining(tenantID) })),
    });
  });

  test.each(['', '.a', 'a/b', 'a.', '-a', 'a b', 'ä', 'a'.repeat(254), `${'a.'.repeat(126)}com`])(
    'is not known for the tenant %j, about which the parser warns too',
    (tenantID) => {
      const spec = { type: 1, clientID, tenantID, clientPassword: { name: 's' } } as const;
      expect(accessTargetsOf(identity(spec))).toMatchObject({ ok: false });
      expect(parseAzureIdentity({ metadata: { name: 'a' }, spec })).toMatchObject({
        warnings: [{ path: 'spec.tenantID' }],
      });
    },
  );

  test.each([
    { clientID: clientID.replace('A', '\uff21') },
    { tenantID: 'cont\u043eso.com' },
    { auxiliaryTenantIDs: ['\u212a'] },
  ])('is not known with look-alikes in a service principal: %j', (spec) => {
    expect(principal(spec)).toMatchObject({ problems: [{ message: expect.stringContaining('ASCII') }] });
  });
});

describe('the target that stands for a machine', () => {
  const scaleSet = `${compute}/virtualMachineScaleSets/Pool-1`;
  test.each([
    ['a virtual machine', `${compute}/virtualMachines/VM-0`, `${compute}/virtualMachines/vm-0`],
    ['a scale set', scaleSet, scaleSet],
    ['a scale set with a slash at its end', `${scaleSet}/`, scaleSet],
    ['an instance of a scale set', `${scaleSet}/virtualMachines/3`, scaleSet],
  ])('is that of %s', (_, id, machine) => {
    expect(machineTarget(id)).toEqual({
      ok: true,
      value: {
        resource: 'machines',
        names: [machine, group, group.slice(0, group.indexOf('/resourceGroups'))].map((name) =>
          name.toLowerCase(),
        ),
      },
      warnings: [],
    });
  });

  test.each([
    ['nothing', ''],
    ['a managed identity', reader],
    ['a part of an instance', `${scaleSet}/virtualMachines/3/extensions/e`],
    ['a part of a machine', `${compute}/virtualMachines/vm/extensions/e`],
    ['a scale set with two slashes', `${scaleSet}//`],
    ['another scheme', `azure://${scaleSet}`],
    ['a look-alike', scaleSet.replace('S', '\u017f')],
  ])('is none for %s', (_, id) => {
    expect(machineTarget(id)).toMatchObject({ ok: false, problems: [{ path: '' }] });
  });
});

describe('a target as people write it', () => {
  test.each([
    ['managedidentities', reader],
    ['machines', `${compute}/virtualMachines/vm`],
    ['machines', `${compute}/virtualMachineScaleSets/pool/virtualMachines/0`],
    ['applications', `Contoso.com/${clientID}`],
  ])('is one of the %s', (resource, text) => {
    const parsed = parseAccessTarget(text);
    expect(parsed).toMatchObject({ ok: true, value: { resource } });
    if (parsed.ok) expect(parseAccessTarget(parsed.value.names[0])).toEqual(parsed);
  });

  test.each(['', 'reader', `contoso.com/${clientID}/x`, `/${clientID}`, 'contoso.com/x', '/', group])(
    'is refused: %s',
    (text) => {
      expect(parseAccessTarget(text)).toMatchObject({ ok: false });
    },
  );

  test('is that of the identity', () => {
    const [target] = (() => {
      const parsed = principal({});
      return parsed.ok ? parsed.value : [];
    })();
    const written = parseAccessTarget(`CONTOSO.com/${clientID}`);
    expect(written.ok && target && accessTargetKey(written.value) === accessTargetKey(target)).toBe(true);
  });
});
