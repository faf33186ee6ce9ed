// Whether the caller of a request has the right to make it: https://kubernetes.io/docs/reference/access-authn-authz/authorization/
import type { HttpRequest } from '../http/server.ts';
import { isOn } from './reader.ts';
import type { ResourcePath } from './resource-path.ts';
import { resourceId, StatusError } from './status.ts';
import type { Attributes, Rights } from './rights.ts';

export interface Guard {
  /** Throws Forbidden. */
  check(request: HttpRequest, path: ResourcePath): void;
  /** The rights that this user has made use of, such as `patch azureidentities.aadpodidentity.k8s.io/status`; sorted. */
  usedBy(user: string): readonly string[];
}

type Asked = Extract<Attributes, { kind: 'resource' }>;

/**
 * Whoever calls with the token `system:serviceaccount:NAMESPACE:NAME`, or as an administrator in the name of somebody
 * (`Impersonate-User`), has the rights of that user. All others are administrators.
 */
export function createGuard(rights: Rights): Guard {
  const used = new Map<string, Set<string>>();
  return {
    check: (request, path) => {
      const user = userOf(request);
      if (user === undefined) return;
      const attributes = attributesOf(request, path);
      if (rights.grantOf({ user, groups: groupsOf(user), attributes }) === undefined)
        throw forbidden(user, attributes);
      used.set(user, (used.get(user) ?? new Set<string>()).add(nameOf(attributes)));
    },
    usedBy: (user) => [...(used.get(user) ?? [])].sort(),
  };
}

const accountForm = /^system:serviceaccount:([^:]+):[^:]+$/;

function userOf({ headers }: HttpRequest): string | undefined {
  const [, token = ''] = /^Bearer (.+)$/.exec(headers['authorization'] ?? '') ?? [];
  return headers['impersonate-user'] ?? (accountForm.test(token) ? token : undefined);
}

function groupsOf(user: string): readonly string[] {
  const [, namespace] = accountForm.exec(user) ?? [];
  const account =
    namespace === undefined ? [] : ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
  return [...account, 'system:authenticated'];
}

const writes: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch' };

function attributesOf(request: HttpRequest, path: ResourcePath): Asked {
  const { group, plural, subresource } = path;
  // A namespace is in itself.
  const namespace = path.namespace === '' && plural === 'namespaces' ? path.name : path.namespace;
  const [, named] = /(?:^|,)metadata\.name==?([^,]+)/.exec(request.query.get('fieldSelector') ?? '') ?? [];
  const name = path.name === '' ? (named ?? '') : path.name;
  return {
    kind: 'resource',
    verb: verbOf(request, path),
    group,
    resource: plural,
    subresource,
    namespace,
    name,
  };
}

function verbOf({ method, query }: HttpRequest, { name }: ResourcePath): string {
  if (method === 'DELETE') return name === '' ? 'deletecollection' : 'delete';
  if (method !== 'GET') return writes[method] ?? method.toLowerCase();
  if (isOn(query.get('watch'))) return 'watch';
  return name === '' ? 'list' : 'get';
}

const partOf = ({ resource, subresource }: Asked): string =>
  subresource === '' ? resource : `${resource}/${subresource}`;

function nameOf(asked: Asked): string {
  const { verb, group, resource, subresource } = asked;
  return `${verb} ${resourceId({ plural: resource, group })}${subresource === '' ? '' : `/${subresource}`}`;
}

function forbidden(user: string, asked: Asked): StatusError {
  const { verb, group, resource, name, namespace } = asked;
  const what = `${resourceId({ plural: resource, group })}${name === '' ? '' : ` "${name}"`}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  return new StatusError(
    'Forbidden',
    `${what} is forbidden: User "${user}" cannot ${verb} resource "${partOf(asked)}" in API group "${group}" ${where}`,
    { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind: resource },
  );
}
