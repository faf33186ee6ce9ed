import {
  accessGroup,
  accessTargetKey,
  accessVerb,
  type AccessResource,
  type AccessSubject,
  type AccessTarget,
} from './access.ts';
import { sha256Hex } from '../ids/sha256.ts';

const rbacGroup = 'rbac.authorization.k8s.io';
const rbacVersion = 'rbac.authorization.k8s.io/v1';

/** A ClusterRole for the use of one Azure identity. */
export interface AccessRole {
  /** Of RBAC since Kubernetes 1.8. */
  readonly apiVersion: 'rbac.authorization.k8s.io/v1';
  /** Not a Role: rights on Azure identities belong to no namespace. */
  readonly kind: 'ClusterRole';
  /** `name`: `pod-identity-use-`, a readable part and a hash of the target. */
  readonly metadata: { readonly name: string };
  /** One rule, for one target. */
  readonly rules: readonly [
    {
      /** Not the group of the custom resources. */
      readonly apiGroups: readonly [typeof accessGroup];
      /** The kind of the target. */
      readonly resources: readonly [AccessResource];
      /** The narrowest name of the target, in lower case. */
      readonly resourceNames: readonly [string];
      /** `use` alone. */
      readonly verbs: readonly [typeof accessVerb];
    },
  ];
}

/** Grants the role to one ServiceAccount. */
export interface AccessRoleBinding {
  /** Of RBAC since Kubernetes 1.8. */
  readonly apiVersion: 'rbac.authorization.k8s.io/v1';
  /** Not a RoleBinding: it grants nothing here, since the review of a right names no namespace. */
  readonly kind: 'ClusterRoleBinding';
  /** `name`: `pod-identity-use-`, a readable part and a hash of target and subject. */
  readonly metadata: { readonly name: string };
  /** The AccessRole of the target. The API server does not let it be changed. */
  readonly roleRef: {
    /** Of the role: without a version. */
    readonly apiGroup: 'rbac.authorization.k8s.io';
    /** Of the role. */
    readonly kind: 'ClusterRole';
    /** `metadata.name` of the AccessRole. */
    readonly name: string;
  };
  /** One ServiceAccount. */
  readonly subjects: readonly [
    { readonly kind: 'ServiceAccount'; readonly namespace: string; readonly name: string },
  ];
}

/** Missing rights: each subject on each target. */
export interface AccessNeed {
  /** ServiceAccounts that get the right on every target. */
  readonly subjects: readonly AccessSubject[];
  /** What they may not use yet, as `accessTargetsOf` or `machineTarget` returns it. */
  readonly targets: readonly AccessTarget[];
}

/** The objects that grant the missing rights. */
export interface AccessRemedy {
  /** For each target its ClusterRole, followed by a ClusterRoleBinding for each subject. */
  readonly objects: readonly (AccessRole | AccessRoleBinding)[];
  /** The same objects, to paste into `kubectl apply -f -`. */
  readonly yaml: string;
}

/**
 * A ClusterRole for each target, by its narrowest name, and a ClusterRoleBinding for each subject. The names depend only on target and
 * subject, so applying them again or in part removes no right.
 *
 * @example
 * ```ts
 * const { yaml } = rolesFor({ subjects: [{ namespace: 'pay', name: 'web' }], targets });
 * console.log(yaml);
 * ```
 */
export function rolesFor({ subjects, targets }: AccessNeed): AccessRemedy {
  const objects = targets.flatMap((target) => [
    roleOf(target),
    ...subjects.map((subject) => bindingOf(subject, target)),
  ]);
  return { objects, yaml: objects.map(yamlOf).join('---\n') };
}

function roleOf(target: AccessTarget): AccessRole {
  const { resource, names } = target;
  return {
    apiVersion: rbacVersion,
    kind: 'ClusterRole',
    metadata: { name: roleName(target) },
    rules: [
      { apiGroups: [accessGroup], resources: [resource], resourceNames: [names[0]], verbs: [accessVerb] },
    ],
  };
}

function bindingOf(subject: AccessSubject, target: AccessTarget): AccessRoleBinding {
  const { namespace, name } = subject;
  const of = [accessTargetKey(target), namespace, name];
  return {
    apiVersion: rbacVersion,
    kind: 'ClusterRoleBinding',
    metadata: { name: distinctName([namespace, name, lastPart(target)], of) },
    roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: roleName(target) },
    subjects: [{ kind: 'ServiceAccount', namespace, name }],
  };
}

function roleName(target: AccessTarget): string {
  return distinctName([lastPart(target)], [accessTargetKey(target)]);
}

const longestWords = 60;

/** A readable part, and a hash over everything that distinguishes it. */
function distinctName(words: readonly string[], of: readonly string[]): string {
  const hash = sha256Hex(JSON.stringify(of)).slice(0, 16);
  const readable = words
    .join('-')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '')
    .slice(0, longestWords)
    .replace(/-$/, '');
  return [`pod-identity-use`, readable, hash].filter((part) => part !== '').join('-');
}

function lastPart({ names: [name] }: AccessTarget): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

function yamlOf(object: AccessRole | AccessRoleBinding): string {
  const { apiVersion, kind, metadata } = object;
  return (
    `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: ${flow(metadata)}\n` +
    (kind === 'ClusterRole'
      ? `rules:\n${list(object.rules)}`
      : `roleRef: ${flow(object.roleRef)}\nsubjects:\n${list(object.subjects)}`)
  );
}

function list(items: readonly object[]): string {
  return items.map((item) => `  - ${flow(item)}\n`).join('');
}

/** YAML in flow style, with quotes only if needed. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return word(String(value));
  return `{ ${Object.entries(value)
    .map(([key, inner]) => `${key}: ${flow(inner)}`)
    .join(', ')} }`;
}

/** Without quotes if YAML reads it as the same string. */
function word(text: string): string {
  const isPlain =
    /^[a-z][a-z0-9]*(?:[.-][a-z0-9]+)*$/i.test(text) &&
    !/^(?:y|n|yes|no|on|off|true|false|null)$/i.test(text);
  return isPlain ? text : JSON.stringify(text);
}
