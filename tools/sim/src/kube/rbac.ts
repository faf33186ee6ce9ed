// What the API server fills in and refuses in roles and bindings: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
import { isDeepStrictEqual } from 'node:util';
import { isRecord, recordAt, textAt, type Json, type KubeObject } from './object.ts';
import type { Cause } from './status.ts';

const group = 'rbac.authorization.k8s.io';
const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isRecord) : []);
const count = (value: unknown): number => (Array.isArray(value) ? value.length : 0);

const required = (field: string): Cause => ({
  reason: 'FieldValueRequired',
  field,
  message: 'Required value',
});
const invalid = (field: string, value: unknown, why: string): Cause => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
});
const unsupported = (field: string, value: string, supported: readonly string[]): Cause => ({
  reason: 'FieldValueNotSupported',
  field,
  message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported.map((item) => `"${item}"`).join(', ')}`,
});

export const roleCauses = (role: KubeObject): readonly Cause[] =>
  list(role['rules']).flatMap((rule, at) => ruleCauses(rule, `rules[${at}]`, true));

export const clusterRoleCauses = (role: KubeObject): readonly Cause[] =>
  list(role['rules']).flatMap((rule, at) => ruleCauses(rule, `rules[${at}]`, false));

function ruleCauses(rule: Json, field: string, isNamespaced: boolean): Cause[] {
  const paths = count(rule['nonResourceURLs']) > 0;
  const about = ['apiGroups', 'resources', 'resourceNames'].some((key) => count(rule[key]) > 0);
  const causes = count(rule['verbs']) === 0 ? [required(`${field}.verbs`)] : [];
  if (paths && isNamespaced)
    causes.push(
      invalid(
        `${field}.nonResourceURLs`,
        rule['nonResourceURLs'],
        'namespaced rules cannot apply to non-resource URLs',
      ),
    );
  if (paths && about)
    causes.push(
      invalid(
        `${field}.nonResourceURLs`,
        rule['nonResourceURLs'],
        'rules cannot apply to both regular resources and non-resource URLs',
      ),
    );
  if (paths) return causes;
  const missing = ['apiGroups', 'resources'].filter((key) => count(rule[key]) === 0);
  return [...causes, ...missing.map((key) => required(`${field}.${key}`))];
}

export const roleBindingCauses = (binding: KubeObject): readonly Cause[] =>
  bindingCauses(binding, ['ClusterRole', 'Role']);

export const clusterRoleBindingCauses = (binding: KubeObject): readonly Cause[] =>
  bindingCauses(binding, ['ClusterRole']);

function bindingCauses(binding: KubeObject, kinds: readonly string[]): readonly Cause[] {
  const roleRef = recordAt(binding, 'roleRef');
  const [apiGroup, kind, name] = ['apiGroup', 'kind', 'name'].map((key) => textAt(roleRef, key));
  return [
    ...(apiGroup === group ? [] : [unsupported('roleRef.apiGroup', apiGroup ?? '', [group])]),
    ...(kinds.includes(kind ?? '') ? [] : [unsupported('roleRef.kind', kind ?? '', kinds)]),
    ...nameCauses('roleRef.name', name ?? ''),
    ...list(binding['subjects']).flatMap((subject, at) =>
      subjectCauses(subject, `subjects[${at}]`, binding.metadata.namespace !== undefined),
    ),
  ];
}

function nameCauses(field: string, name: string): Cause[] {
  if (name === '') return [required(field)];
  return /[/%]/.test(name) || name === '.' || name === '..'
    ? [invalid(field, name, "may not contain '/' or '%'")]
    : [];
}

const dnsName = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

function subjectCauses(subject: Json, field: string, isNamespaced: boolean): Cause[] {
  const [kind = '', name = ''] = ['kind', 'name'].map((key) => textAt(subject, key));
  if (name === '') return [required(`${field}.name`)];
  if (kind === 'ServiceAccount') return accountCauses(subject, field, isNamespaced);
  if (!['User', 'Group'].includes(kind))
    return [unsupported(`${field}.kind`, kind, ['ServiceAccount', 'User', 'Group'])];
  return groupCauses(subject, field, group);
}

function accountCauses(subject: Json, field: string, isNamespaced: boolean): Cause[] {
  const name = textAt(subject, 'name');
  const isHomeless = !isNamespaced && textAt(subject, 'namespace') === '';
  return [
    ...groupCauses(subject, field, ''),
    ...(dnsName.test(name) ? [] : [invalid(`${field}.name`, name, 'must be a lowercase RFC 1123 subdomain')]),
    ...(isHomeless ? [required(`${field}.namespace`)] : []),
  ];
}

function groupCauses(subject: Json, field: string, expected: string): Cause[] {
  const given = textAt(subject, 'apiGroup');
  return given === expected ? [] : [unsupported(`${field}.apiGroup`, given, [expected])];
}

/** A binding grants one role for as long as it lives. */
export function roleRefCauses(object: KubeObject, old: KubeObject | undefined): readonly Cause[] {
  if (!old?.['roleRef'] || isDeepStrictEqual(object['roleRef'], old['roleRef'])) return [];
  return [invalid('roleRef', object['roleRef'], 'cannot change roleRef')];
}

/** What the server fills in. */
export function withRbacDefaults(object: KubeObject): KubeObject {
  if (!isRecord(object['roleRef'])) return object;
  const subjects = list(object['subjects']).map((subject) =>
    textAt(subject, 'apiGroup') === '' && textAt(subject, 'kind') !== 'ServiceAccount'
      ? { ...subject, apiGroup: group }
      : subject,
  );
  const roleRef = recordAt(object, 'roleRef');
  return {
    ...object,
    roleRef: { ...roleRef, apiGroup: textAt(roleRef, 'apiGroup') || group },
    ...('subjects' in object ? { subjects } : {}),
  };
}
