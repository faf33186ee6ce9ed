import fc from 'fast-check';
import { parseAllDocuments } from 'yaml';
import { describe, expect, test } from 'vitest';
import { rolesFor } from './access-roles.ts';
import { parseAccessTarget, type AccessTarget } from './access.ts';

const group = '/subscriptions/0f-1/resourceGroups/MC_(west)';
const reader = targetOf(`${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/Reader_1`);
const app = targetOf('contoso.com/00000000-0000-0000-0000-000000000001');
const web = { namespace: 'pay', name: 'web' };
const job = { namespace: 'pay', name: 'job' };

function targetOf(text: string): AccessTarget {
  const parsed = parseAccessTarget(text);
  if (!parsed.ok) throw new Error(parsed.problems[0]?.message);
  return parsed.value;
}

const namesOf = (need: Parameters<typeof rolesFor>[0]) =>
  rolesFor(need).objects.map(({ metadata }) => metadata.name);

describe('the roles that are missing', () => {
  test('are a ClusterRole that names the target at its narrowest, and a ClusterRoleBinding to the subject', () => {
    expect(rolesFor({ subjects: [web], targets: [reader] }).yaml)
      .toBe(`apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: pod-identity-use-reader-1-af52b758f98d23fd }
rules:
  - { apiGroups: [azure.aadpodidentity.k8s.io], resources: [managedidentities], resourceNames: ["${reader.names[0]}"], verbs: [use] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: pod-identity-use-pay-web-reader-1-7109df1ac3f2b9aa }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: pod-identity-use-reader-1-af52b758f98d23fd }
subjects:
  - { kind: ServiceAccount, namespace: pay, name: web }
`);
  });

  test('are one role for each target and one binding for each subject of it', () => {
    const { objects } = rolesFor({ subjects: [web, job], targets: [reader, app] });
    expect(objects.map(({ kind }) => kind.slice(7)).join(' ')).toBe(
      'Role RoleBinding RoleBinding Role RoleBinding RoleBinding',
    );
    expect(new Set(objects.map(({ metadata }) => metadata.name)).size).toBe(6);
  });

  test('have names that depend on target and subject alone, so that applying them again removes no right', () => {
    const together = namesOf({ subjects: [web, job], targets: [app, reader] });
    for (const subject of [web, job])
      for (const target of [reader, app])
        expect(together).toEqual(expect.arrayContaining(namesOf({ subjects: [subject], targets: [target] })));
  });

  const subjectName = fc.oneof(
    fc.constantFrom(
      'web',
      'null',
      'true',
      'no',
      '123',
      '1e3',
      '0x1',
      '1.5',
      'a.b',
      '-',
      'y',
      ': x',
      '#',
      "'",
    ),
    fc.string({ unit: 'binary', maxLength: 80 }),
  );
  test('read as the objects when they are pasted, and their names are valid, whatever the subject', () => {
    fc.assert(
      fc.property(subjectName, subjectName, fc.constantFrom(reader, app), (namespace, name, target) => {
        const { objects, yaml } = rolesFor({ subjects: [{ namespace, name }], targets: [target] });
        expect(parseAllDocuments(yaml).map((document) => document.toJS() as unknown)).toEqual(objects);
        for (const { metadata } of objects)
          expect(metadata.name).toMatch(/^(?=.{1,253}$)[a-z0-9]+(?:-[a-z0-9]+)*$/);
      }),
      { numRuns: 500 },
    );
  });
});
