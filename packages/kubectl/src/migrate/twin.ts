// On the way back to type 0: an AzureIdentity of type 0 beside that of type 3, and bindings like its own, so that MIC attaches the identity
// while NMI still serves type 3.
import { createHash } from 'node:crypto';
import {
  apiVersion,
  behaviorAnnotation,
  defaultIdentityAnnotation,
  mostBindingsPerNamespace,
  resources,
  type AzureIdentity,
  type AzureIdentityBinding,
} from '@pod-identity/crd-types';
import type { Step } from './plan.ts';
import { basisOf, commandsOf, fieldAt, saysTheSame, textAt, type Write } from './writes.ts';

const managedBy = { 'app.kubernetes.io/managed-by': 'kubectl-azure-pod-identity' };

/** What is there of the twin, as stored. */
export interface TwinSight {
  readonly identity: unknown;
  readonly bindings: readonly unknown[];
  /** The bindings of the AzureIdentity itself. */
  readonly own: readonly AzureIdentityBinding[];
  /** All of the namespace. */
  readonly bindingsOfNamespace: number;
}

export const twinName = (name: string) => shortened(name, '-to-attached');

/** Names of objects have at most 253 characters. */
function shortened(name: string, ending: string): string {
  if (name.length + ending.length <= 253) return name + ending;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 10);
  return `${name.slice(0, 253 - ending.length - 11).replace(/[.-]+$/, '')}-${hash}${ending}`;
}

export function twinWrites({ metadata, spec }: AzureIdentity, { own }: TwinSight): readonly Write[] {
  const { namespace = '', name } = metadata;
  const { resourceID, clientID, allowedNamespaces } = spec;
  const twin = twinName(name);
  const identity = {
    apiVersion,
    kind: 'AzureIdentity',
    metadata: {
      name: twin,
      namespace,
      labels: managedBy,
      ...annotationsOf(metadata.annotations, behaviorAnnotation),
    },
    spec: { type: 0, resourceID, clientID, ...(allowedNamespaces && { allowedNamespaces }) },
  };
  return [
    { verb: 'create', target: { kind: resources.AzureIdentity, namespace, name: twin }, object: identity },
    ...own.map((binding) => bindingOf(binding, twin)),
  ];
}

function bindingOf({ metadata, spec }: AzureIdentityBinding, twin: string): Write {
  const { namespace = '' } = metadata;
  const name = twinName(metadata.name);
  const annotations = annotationsOf(metadata.annotations, defaultIdentityAnnotation);
  return {
    verb: 'create',
    target: { kind: resources.AzureIdentityBinding, namespace, name },
    object: {
      apiVersion,
      kind: 'AzureIdentityBinding',
      metadata: { name, namespace, labels: managedBy, ...annotations },
      spec: { ...spec, azureIdentity: twin },
    },
  };
}

function annotationsOf(all: Readonly<Record<string, string>> = {}, key: string) {
  const value = all[key];
  return value === undefined ? {} : { annotations: { [key]: value } };
}

/** What is in the way of the twin; undefined if nothing. */
export function twinFault(writes: readonly Write[], sight: TwinSight): string | undefined {
  const there = [sight.identity, ...sight.bindings].filter((object) => object !== undefined);
  for (const object of there) {
    const name = textAt(object, 'metadata.name');
    const kind = textAt(object, 'kind');
    const wanted = writes.find(({ target }) => target.kind.kind === kind && target.name === name);
    if (wanted?.verb === 'create' && !saysTheSame(object, wanted.object))
      return `${kind} ${name} exists and says something else: look at it, and delete or rename it`;
  }
  const added = writes.length - there.length;
  return sight.bindingsOfNamespace + added > mostBindingsPerNamespace
    ? `the namespace has ${sight.bindingsOfNamespace} bindings, and only the first ${mostBindingsPerNamespace} that select a pod count: more could push others out`
    : undefined;
}

/** Only of those that this command has created. */
export function removeTwinStep({ identity, bindings }: TwinSight): readonly Step[] {
  const own = [...bindings, identity].filter((object) => isManaged(object));
  if (own.length === 0) return [];
  return [removeStep(own.map((object) => deleteOf(object)))];
}

function isManaged(object: unknown): boolean {
  const [[key, value]] = Object.entries(managedBy) as [[string, string]];
  const labels = fieldAt(object, 'metadata.labels');
  return typeof labels === 'object' && labels !== null && (labels as Record<string, unknown>)[key] === value;
}

function deleteOf(object: unknown): Write {
  const kind =
    fieldAt(object, 'kind') === 'AzureIdentity' ? resources.AzureIdentity : resources.AzureIdentityBinding;
  const name = textAt(object, 'metadata.name');
  const namespace = textAt(object, 'metadata.namespace');
  return { verb: 'delete', target: { kind, namespace, name }, basis: basisOf(object, ['spec']) };
}

export function removeStep(writes: readonly Write[]): Step {
  return {
    id: 'remove-twin',
    title: 'the second AzureIdentity and its bindings are removed',
    state: 'to do',
    commands: commandsOf(writes),
    action: { kind: 'write', writes },
  };
}
