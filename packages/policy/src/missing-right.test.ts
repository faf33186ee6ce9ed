import type { AccessTarget } from '@pod-identity/crd-types';
import { expect, it } from 'vitest';
import { inPlugIn } from './finding.ts';
import {
  accessCheck,
  missingRightFinding,
  nameMissingRight,
  nameMissingRightAndRoles,
  whoDecides,
} from './missing-right.ts';

const targets: readonly AccessTarget[] = [
  { resource: 'applications', names: ['a/x', 'a'] },
  { resource: 'applications', names: ['b/x', 'b'] },
];
const missing = { identity: 'n/i', subject: { namespace: 'n', name: 's' }, targets };

it('a remedy names the checks of all targets', () => {
  expect(missingRightFinding(missing, 'rbac').remedy?.command).toBe(
    `${inPlugIn('access n/s a/x')} && ${inPlugIn('access n/s b/x')}`,
  );
  expect(nameMissingRightAndRoles(missing)).toContain('applications a/x and applications b/x');
});

it('who decides is told with the exception: the right on a federated identity counts in every mode', () => {
  expect(whoDecides.namespace).toMatch(/unless it is of type 3 \(--identity-access=namespace\)$/);
  expect(whoDecides.warn).toMatch(
    /only reported, except those on identities of type 3 \(--identity-access=warn\)$/,
  );
});

it('a check is quoted for a shell', () => {
  const odd: AccessTarget = {
    resource: 'managedidentities',
    names: ['/subscriptions/s/resourcegroups/mc_(west)/i'],
  };
  expect(accessCheck(missing.subject, odd)).toBe(inPlugIn(`access n/s '${odd.names[0]}'`));
});

it('a check of a federated identity names its resource, since an application has the same ids', () => {
  const federated: AccessTarget = { resource: 'federatedidentities', names: ['t/c', 't'] };
  expect(accessCheck(missing.subject, federated)).toBe(inPlugIn('access n/s federatedidentities/t/c'));
});

it('a pod without a ServiceAccount is not told to get a right, which nobody can give it', () => {
  const text = nameMissingRight({ ...missing, subject: { namespace: 'n', name: '' } });
  expect(text).toMatch(
    /^The pod has no ServiceAccount, so it cannot have the right .* use of applications a\/x and/,
  );
  expect(text).not.toContain('administrator');
});

it('a right that nobody can be given is told with the reason, and without roles', () => {
  const problem = 'spec.resourceID is not ASCII';
  expect(nameMissingRightAndRoles({ ...missing, problem })).toBe(
    `nobody can be given the right to use AzureIdentity n/i: ${problem}`,
  );
  expect(missingRightFinding({ ...missing, problem }, 'rbac').remedy).toEqual({
    text: `correct it: ${problem}`,
  });
});
