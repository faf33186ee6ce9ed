import { isDeepStrictEqual } from 'node:util';
import { omit, recordAt, textAt, type Json, type KubeObject } from './object.ts';
import { crdType, idOf, type ResourceType } from './resources.ts';
import { prune } from './schema.ts';
import { badRequest, forbidden, type Cause } from './status.ts';
import { validate } from './validate.ts';
import { definitionCauses, establish } from './definitions.ts';
import {
  clusterRoleBindingCauses,
  clusterRoleCauses,
  roleBindingCauses,
  roleCauses,
  withRbacDefaults,
} from './rbac.ts';

/** What the server sets or removes when an object of a built-in kind is created. */
const createdAs: Readonly<Record<string, (object: KubeObject) => KubeObject>> = {
  pods: (pod) => ({ ...pod, status: { phase: 'Pending', qosClass: 'BestEffort' } }),
  namespaces: (namespace) => ({
    ...namespace,
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
    metadata: {
      ...namespace.metadata,
      labels: { 'kubernetes.io/metadata.name': namespace.metadata.name ?? '', ...namespace.metadata.labels },
    },
  }),
  deployments: (workload) => ({ ...workload, status: {} }),
  daemonsets: (workload) => ({ ...workload, status: {} }),
  replicasets: (workload) => ({ ...workload, status: {} }),
  // A kubelet creates its node with a status.
  nodes: (node) => node,
};

/** As the admission plugins: of built-in ones ServiceAccount alone. */
export function admit(type: ResourceType, object: KubeObject): KubeObject {
  return idOf(type) === 'pods' ? withAccount(type, object) : object;
}

/**
 * A pod without a ServiceAccount gets that of the name `default`; the field has an old name, too. The mirror pod of a static pod has
 * none.
 */
function withAccount(type: ResourceType, pod: KubeObject): KubeObject {
  const spec = recordAt(pod, 'spec');
  const named = textAt(spec, 'serviceAccountName') || textAt(spec, 'serviceAccount');
  const { name = '', annotations = {} } = pod.metadata;
  const isMirror = Object.hasOwn(annotations, 'kubernetes.io/config.mirror');
  if (isMirror && named !== '')
    throw forbidden(type, name, 'a mirror pod may not reference service accounts');
  if (isMirror) return pod;
  const account = named || 'default';
  return { ...pod, spec: { ...spec, serviceAccountName: account, serviceAccount: account } };
}

/** Changes to an object of a built-in kind at each write. */
const writtenAs: Readonly<Record<string, (object: KubeObject) => KubeObject>> = {
  secrets: ({ stringData, ...secret }) => ({ type: 'Opaque', ...secret, ...mergedData(secret, stringData) }),
  [idOf(crdType)]: establish,
  'rolebindings.rbac.authorization.k8s.io': withRbacDefaults,
  'clusterrolebindings.rbac.authorization.k8s.io': withRbacDefaults,
};

function mergedData(secret: Json, stringData: unknown): Json {
  if (stringData === undefined) return {};
  const encoded = Object.entries(recordAt(stringData)).map(([key, value]) => [
    key,
    Buffer.from(String(value)).toString('base64'),
  ]);
  return { data: { ...recordAt(secret, 'data'), ...(Object.fromEntries(encoded) as Json) } };
}

const ruledBy: Readonly<Record<string, (object: KubeObject) => readonly Cause[]>> = {
  events: eventCauses,
  [idOf(crdType)]: definitionCauses,
  'roles.rbac.authorization.k8s.io': roleCauses,
  'clusterroles.rbac.authorization.k8s.io': clusterRoleCauses,
  'rolebindings.rbac.authorization.k8s.io': roleBindingCauses,
  'clusterrolebindings.rbac.authorization.k8s.io': clusterRoleBindingCauses,
};

/** An event is in the namespace of its object, or in `default` for a cluster-scoped object. */
function eventCauses(event: KubeObject): readonly Cause[] {
  const namespace = textAt(event, 'involvedObject', 'namespace');
  if (namespace === '' ? event.metadata.namespace === 'default' : event.metadata.namespace === namespace)
    return [];
  const message = `Invalid value: ${JSON.stringify(namespace)}: does not match event.namespace`;
  return [{ reason: 'FieldValueInvalid', field: 'involvedObject.namespace', message }];
}

/** The object without unknown fields and with defaults. */
export function conform(type: ResourceType, object: KubeObject, strict: boolean): KubeObject {
  const written = writtenAs[idOf(type)]?.(object) ?? object;
  if (!type.schema) return written;
  const { value, dropped } = prune(type.schema, written);
  if (strict && dropped.length > 0) {
    const unknown = dropped.map((field) => `unknown field "${field}"`).join(', ');
    const { kind, version } = type;
    throw badRequest(
      `${kind} in version "${version}" cannot be handled as a ${kind}: strict decoding error: ${unknown}`,
    );
  }
  // Pruning keeps the fields that every object has.
  return value as KubeObject;
}

export function causesOf(type: ResourceType, object: KubeObject): readonly Cause[] {
  const ruled = ruledBy[idOf(type)]?.(object) ?? [];
  return type.schema ? [...ruled, ...validate(type.schema, object, '')] : ruled;
}

/** The object at its creation, without a status. */
export function initial(type: ResourceType, object: KubeObject): KubeObject {
  const created = createdAs[idOf(type)];
  if (created) return created(object);
  if (!type.hasStatus || type.builtIn) return object;
  return omit(object, 'status');
}

/** The object after an update: each path writes only its own part. */
export function nextState(of: {
  readonly type: ResourceType;
  readonly given: KubeObject;
  readonly old: KubeObject;
  readonly subresource: 'status' | undefined;
}): KubeObject {
  const { type, given, old, subresource } = of;
  if (!type.hasStatus) return given;
  if (subresource === 'status')
    return withStatus(type.builtIn ? { ...old, metadata: given.metadata } : old, given);
  return withStatus(given, old);
}

function withStatus(object: KubeObject, source: KubeObject): KubeObject {
  const rest = omit(object, 'status');
  return 'status' in source ? { ...rest, status: source['status'] } : rest;
}

/** The part that metadata.generation counts: without metadata, and without status if that is a subresource. */
export function isNewGeneration(type: ResourceType, before: KubeObject, after: KubeObject): boolean {
  const counted = (object: KubeObject) => ({
    ...omit(object, ...(type.hasStatus ? ['status'] : [])),
    metadata: {},
  });
  return !isDeepStrictEqual(counted(before), counted(after));
}
