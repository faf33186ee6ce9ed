import { at, recordAt, textAt, type Json, type KubeObject } from './object.ts';
import { resourceId, type ResourceName } from './status.ts';
import type { Schema } from './schema.ts';

export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly priority?: number;
  readonly description?: string;
}

/** One resource in one version, with its differences from others. */
export interface ResourceType extends ResourceName {
  readonly version: string;
  readonly singular: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  /** Names for several kinds at once: `all` in `kubectl get all`. */
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly builtIn: boolean;
  /** Written only through its own path. */
  readonly hasStatus: boolean;
  /** Whether metadata.generation counts its changes. */
  readonly hasGeneration: boolean;
  /** Whether a PUT without a resourceVersion is allowed. */
  readonly unconditionalUpdate: boolean;
  readonly createOnUpdate: boolean;
  /** Whether a deletion returns the object instead of a Status. */
  readonly returnsDeleted: boolean;
  /** Whether it is a review, which is created with a result and not stored. */
  readonly isReview: boolean;
  /** Paths for field selectors, beside name and namespace. */
  readonly selectable: readonly string[];
  readonly schema?: Schema;
  readonly columns: readonly PrinterColumn[];
}

export const apiVersionOf = ({ group, version }: ResourceType): string =>
  group === '' ? version : `${group}/${version}`;

/** The name of a type in the storage, the same for all its versions. */
export const idOf = (type: ResourceType): string => resourceId(type);

/** The text before an object's stored text. */
export const headOf = (type: ResourceType): string =>
  `{"kind":"${type.kind}","apiVersion":"${apiVersionOf(type)}",`;

export function fieldsOf(type: ResourceType, object: KubeObject): Record<string, string> {
  const { name = '', namespace } = object.metadata;
  const fields: Record<string, string> = { 'metadata.name': name };
  if (namespace !== undefined) fields['metadata.namespace'] = namespace;
  for (const path of type.selectable) {
    const value = at(object, ...path.split('.'));
    fields[path] = typeof value === 'string' || typeof value === 'boolean' ? String(value) : '';
  }
  return fields;
}

type Traits = Partial<Omit<ResourceType, 'group' | 'version' | 'kind' | 'plural' | 'builtIn'>>;

/** @param of `pods/Pod`: plural and kind. */
function builtIn(groupVersion: string, of: string, traits: Traits = {}): ResourceType {
  const [version = '', group = ''] = groupVersion.split('/').reverse();
  const [plural = '', kind = ''] = of.split('/');
  return {
    group,
    version,
    kind,
    plural,
    singular: kind.toLowerCase(),
    listKind: `${kind}List`,
    shortNames: [],
    categories: [],
    namespaced: true,
    builtIn: true,
    hasStatus: false,
    hasGeneration: false,
    unconditionalUpdate: true,
    createOnUpdate: false,
    returnsDeleted: false,
    isReview: false,
    selectable: [],
    columns: [],
    ...traits,
  };
}

const involved = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];
const categories = ['all'];
const workload: Traits = { hasStatus: true, hasGeneration: true, categories };
const rbac = 'rbac.authorization.k8s.io/v1';

export const crdType = builtIn(
  'apiextensions.k8s.io/v1',
  'customresourcedefinitions/CustomResourceDefinition',
  {
    namespaced: false,
    hasStatus: true,
    hasGeneration: true,
    unconditionalUpdate: false,
    shortNames: ['crd', 'crds'],
  },
);

export const namespaceType = builtIn('v1', 'namespaces/Namespace', {
  namespaced: false,
  hasStatus: true,
  returnsDeleted: true,
  shortNames: ['ns'],
  selectable: ['status.phase'],
});

/** Roles and bindings. */
export const rbacTypes: readonly ResourceType[] = [
  builtIn(rbac, 'roles/Role'),
  builtIn(rbac, 'rolebindings/RoleBinding'),
  builtIn(rbac, 'clusterroles/ClusterRole', { namespaced: false }),
  builtIn(rbac, 'clusterrolebindings/ClusterRoleBinding', { namespaced: false }),
];

/** The built-in types. */
export const builtInTypes: readonly ResourceType[] = [
  namespaceType,
  builtIn('v1', 'nodes/Node', {
    namespaced: false,
    hasStatus: true,
    shortNames: ['no'],
    selectable: ['spec.unschedulable'],
  }),
  builtIn('v1', 'pods/Pod', {
    hasStatus: true,
    returnsDeleted: true,
    shortNames: ['po'],
    categories,
    selectable: [
      ...['spec.nodeName', 'spec.restartPolicy', 'spec.schedulerName', 'spec.serviceAccountName'],
      ...['status.phase', 'status.podIP', 'status.nominatedNodeName'],
    ],
  }),
  builtIn('v1', 'events/Event', {
    createOnUpdate: true,
    shortNames: ['ev'],
    selectable: [
      ...involved.map((field) => `involvedObject.${field}`),
      'reason',
      'reportingComponent',
      'type',
    ],
  }),
  builtIn('v1', 'configmaps/ConfigMap', { shortNames: ['cm'] }),
  builtIn('v1', 'secrets/Secret', { selectable: ['type'] }),
  builtIn('v1', 'serviceaccounts/ServiceAccount', { returnsDeleted: true, shortNames: ['sa'] }),
  builtIn('v1', 'endpoints/Endpoints', { shortNames: ['ep'] }),
  builtIn('v1', 'services/Service', { hasStatus: true, shortNames: ['svc'], categories }),
  builtIn('coordination.k8s.io/v1', 'leases/Lease', { unconditionalUpdate: false, createOnUpdate: true }),
  builtIn('apps/v1', 'deployments/Deployment', { ...workload, shortNames: ['deploy'] }),
  builtIn('apps/v1', 'daemonsets/DaemonSet', { ...workload, shortNames: ['ds'] }),
  builtIn('apps/v1', 'replicasets/ReplicaSet', { ...workload, shortNames: ['rs'] }),
  ...rbacTypes,
  builtIn('authorization.k8s.io/v1', 'subjectaccessreviews/SubjectAccessReview', {
    namespaced: false,
    isReview: true,
  }),
  builtIn('authentication.k8s.io/v1', 'tokenreviews/TokenReview', { namespaced: false, isReview: true }),
  crdType,
];

/** The types that a CustomResourceDefinition defines, one for each served version. */
export function typesOfDefinition(definition: Json): readonly ResourceType[] {
  const spec = recordAt(definition, 'spec');
  const names = recordAt(spec, 'names');
  const versions = (Array.isArray(spec['versions']) ? spec['versions'] : []) as readonly Json[];
  return versions
    .filter((version) => version['served'] === true)
    .map((version) => customType({ spec, names, version }));
}

function customType({
  spec,
  names,
  version,
}: Readonly<Record<'spec' | 'names' | 'version', Json>>): ResourceType {
  const kind = textAt(names, 'kind');
  // The schema was validated when its definition was created.
  const schema = recordAt(version, 'schema', 'openAPIV3Schema') as Schema;
  return {
    group: textAt(spec, 'group'),
    version: textAt(version, 'name'),
    kind,
    plural: textAt(names, 'plural'),
    singular: textAt(names, 'singular') || kind.toLowerCase(),
    listKind: textAt(names, 'listKind') || `${kind}List`,
    shortNames: (names['shortNames'] ?? []) as readonly string[],
    categories: (names['categories'] ?? []) as readonly string[],
    namespaced: spec['scope'] === 'Namespaced',
    builtIn: false,
    hasGeneration: true,
    unconditionalUpdate: false,
    createOnUpdate: false,
    returnsDeleted: false,
    isReview: false,
    hasStatus: at(version, 'subresources', 'status') !== undefined,
    selectable: ((version['selectableFields'] ?? []) as readonly Json[]).map((field) =>
      textAt(field, 'jsonPath').slice(1),
    ),
    schema,
    columns: (version['additionalPrinterColumns'] ?? []) as readonly PrinterColumn[],
  };
}

/** The current resources. */
export interface ResourceTypes {
  all(): readonly ResourceType[];
  find(of: { group: string; version: string; plural: string }): ResourceType | undefined;
  findKind(apiVersion: string, kind: string): ResourceType | undefined;
  /** By a name like `pods` or `azureidentities.aadpodidentity.k8s.io`, or a unique plural. */
  findId(id: string): ResourceType | undefined;
  define(types: readonly ResourceType[]): void;
  undefine(id: string): void;
}

export function createResourceTypes(): ResourceTypes {
  let types = [...builtInTypes];
  return {
    all: () => types,
    find: ({ group, version, plural }) =>
      types.find((type) => type.plural === plural && type.group === group && type.version === version),
    findKind: (apiVersion, kind) =>
      types.find((type) => type.kind === kind && apiVersionOf(type) === apiVersion),
    findId: (id) => types.find((type) => idOf(type) === id) ?? types.find((type) => type.plural === id),
    define: (defined) => {
      const ids = new Set(defined.map(idOf));
      types = [...types.filter((type) => !ids.has(idOf(type))), ...defined];
    },
    undefine: (id) => {
      types = types.filter((type) => idOf(type) !== id);
    },
  };
}
