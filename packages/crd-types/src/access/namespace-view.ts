import { frozen } from '../parsing/frozen.ts';
import type { Labels } from '../objects/label-selector.ts';
import { isJsonObject, type JsonObject } from '../parsing/section.ts';

/**
 * Who decides which pod may use which Azure identity. `namespace`: anyone who may write an AzureIdentity in a namespace. `warn`: the
 * same, and refusals that `rbac` would cause are reported. `rbac`: Kubernetes' RBAC, by rights on the identities themselves.
 */
export type AccessMode = 'namespace' | 'warn' | 'rbac';

/** Least strict first. */
export const accessModes: readonly ['namespace', 'warn', 'rbac'] = /* @__PURE__ */ frozen([
  'namespace',
  'warn',
  'rbac',
] as const satisfies readonly AccessMode[]);

/** Annotation of a Namespace: a mode for its pods that is stricter than that of the services. */
export const accessAnnotation = 'aadpodidentity.k8s.io/identity-access';

/** The fields that are read of a Namespace. */
export interface NamespaceView {
  /** `metadata.name`; empty if that is no string. */
  readonly name: string;
  /** Undefined if they are not known: then no label selector selects the namespace, and it accepts no other. */
  readonly labels: Labels | undefined;
  /** Why they are not known, for the owners of its pods. */
  readonly labelsFault?: string;
  /** The mode in its annotation; `rbac` for any unknown value. */
  readonly access: AccessMode | undefined;
  /** A problem of the annotation, for the administrator of the namespace. */
  readonly problem?: string;
}

/** Characters of JSON. Every NMI keeps the labels of all Namespaces, so this is less than Kubernetes allows. */
const mostLabels = 2048;
/** Of the value of the annotation that a problem quotes. */
const mostQuoted = 1024;

/** The stricter of the two: an annotation cannot weaken the flag of the administrator. */
export function strictestMode(flag: AccessMode, annotation: AccessMode | undefined): AccessMode {
  const strictness = Math.max(accessModes.indexOf(flag), accessModes.indexOf(annotation ?? 'namespace'));
  return accessModes[strictness] ?? 'rbac';
}

/** Reads a Namespace. Labels of more than 2048 characters of JSON count as not known. */
export function readNamespaceView(object: unknown): NamespaceView {
  const metadata = recordAt(object, 'metadata');
  const { name: text } = metadata;
  const view = {
    name: typeof text === 'string' ? text : '',
    ...readAccess(metadata),
  };
  const labels = labelsOf(metadata);
  return JSON.stringify(labels).length > mostLabels
    ? { ...view, labels: undefined, labelsFault: `its labels have more than ${mostLabels} characters` }
    : { ...view, labels };
}

function labelsOf(metadata: JsonObject): Labels {
  const labels = Object.entries(recordAt(metadata, 'labels'));
  return Object.fromEntries(
    labels.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function readAccess(metadata: JsonObject): Pick<NamespaceView, 'access' | 'problem'> {
  const annotations = recordAt(metadata, 'annotations');
  if (!Object.hasOwn(annotations, accessAnnotation)) return { access: undefined };
  const value = annotations[accessAnnotation];
  const access = accessModes.find((mode) => mode === value);
  if (access !== undefined) return { access };
  const text = JSON.stringify(value) as string | undefined;
  const found = text !== undefined && text.length > mostQuoted ? 'too long' : text;
  return {
    access: 'rbac',
    problem: `the annotation ${accessAnnotation} is ${found}, so rbac counts: set it to warn or rbac, or remove it`,
  };
}

function recordAt(object: unknown, key: string): JsonObject {
  const value = isJsonObject(object) && Object.hasOwn(object, key) ? object[key] : undefined;
  return isJsonObject(value) ? value : {};
}
