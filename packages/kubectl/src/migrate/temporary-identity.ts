// On the way back to type 0: an AzureIdentity of type 0 beside that of type 3, and bindings like its own, so that MIC attaches the identity
// while NMI still serves type 3.
import { createHash } from 'node:crypto';
import {
  apiVersion,
  behaviorAnnotation,
  defaultIdentityAnnotation,
  mostBindingsPerNamespace,
  type AzureIdentity,
  type AzureIdentityBinding,
} from '@pod-identity/crd-types';
import { mapAt, textAt } from '../cluster/fields.ts';
import { writeStep, type Step } from './plan.ts';
import { deleteOf, saysTheSame } from './writes.ts';

const [managedBy, thisPlugIn] = ['app.kubernetes.io/managed-by', 'kubectl-azure-pod-identity'] as const;

/** What is there of the temporary objects, as stored. */
export interface TemporaryObjects {
  readonly identity: unknown;
  readonly bindings: readonly unknown[];
  /** The bindings of the AzureIdentity itself. */
  readonly own: readonly AzureIdentityBinding[];
  /** All of the namespace. */
  readonly bindingsOfNamespace: number;
}

export const temporaryName = (name: string) => shortened(name, '-to-attached');

/** Names of objects have at most 253 characters. */
function shortened(name: string, ending: string): string {
  if (name.length + ending.length <= 253) return name + ending;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 10);
  return `${name.slice(0, 253 - ending.length - 11).replace(/[.-]+$/, '')}-${hash}${ending}`;
}

/** The AzureIdentity first, then its bindings. Of the annotations they have those that count. */
export function temporaryObjects(
  { metadata, spec }: AzureIdentity,
  { own }: TemporaryObjects,
): readonly object[] {
  const { resourceID, clientID, allowedNamespaces } = spec;
  const azureIdentity = temporaryName(metadata.name);
  const offers = allowedNamespaces && { allowedNamespaces };
  return [
    {
      apiVersion,
      kind: 'AzureIdentity',
      metadata: metadataOf(metadata, behaviorAnnotation),
      spec: { type: 0, resourceID, clientID, ...offers },
    },
    ...own.map((binding) => ({
      apiVersion,
      kind: 'AzureIdentityBinding',
      metadata: metadataOf(binding.metadata, defaultIdentityAnnotation),
      spec: { ...binding.spec, azureIdentity },
    })),
  ];
}

function metadataOf({ namespace = '', name, annotations = {} }: AzureIdentity['metadata'], kept: string) {
  const value = annotations[kept];
  return {
    name: temporaryName(name),
    namespace,
    labels: { [managedBy]: thisPlugIn },
    ...(value !== undefined && { annotations: { [kept]: value } }),
  };
}

/** What is in the way of the temporary objects; undefined if nothing. */
export function temporaryFault(wanted: readonly object[], facts: TemporaryObjects): string | undefined {
  const there = [facts.identity, ...facts.bindings].filter((object) => object !== undefined);
  const other = there.find((object) =>
    wanted.some((one) => nameIn(one) === nameIn(object) && !saysTheSame(object, one)),
  );
  if (other !== undefined)
    return `${nameIn(other)} exists and says something else: look at it, and delete or rename it`;
  const added = wanted.length - there.length;
  return facts.bindingsOfNamespace + added > mostBindingsPerNamespace
    ? `the namespace has ${facts.bindingsOfNamespace} bindings, and only the first ${mostBindingsPerNamespace} that select a pod count: more could push others out`
    : undefined;
}

const nameIn = (object: unknown) => `${textAt(object, 'kind')} ${textAt(object, 'metadata.name')}`;

/** What this command has created, and nothing else. */
export const createdOf = ({ identity, bindings }: TemporaryObjects): readonly unknown[] =>
  [identity, ...bindings].filter((object) => mapAt(object, 'metadata.labels')[managedBy] === thisPlugIn);

/** The bindings first, so that none is without its AzureIdentity. */
export function removeTemporarySteps(objects: readonly unknown[]): readonly Step[] {
  if (objects.length === 0) return [];
  const head = {
    id: 'remove-temporary-identity',
    title: 'the second AzureIdentity and its bindings are removed',
  };
  return [
    writeStep(
      head,
      objects.toReversed().map((object) => deleteOf(object)),
    ),
  ];
}
