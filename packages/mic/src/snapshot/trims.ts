// Trims objects of the API server to views.
import {
  assignedIdentityFinalizer,
  nodeLabel,
  canonicalResourceId,
  parseAzureAssignedIdentity,
  parseAzureIdentity,
  parseAzureIdentityBinding,
  podUidAnnotation,
  type AzureAssignedIdentity,
  type AzureIdentity,
  type AzureIdentityBinding,
  type ObjectMeta,
  type Problem,
  type ResourceId,
} from '@pod-identity/crd-types';
import { createIntern, type Intern } from './intern.ts';
import { keptConditions } from './kept-conditions.ts';
import { keyOf } from './keys.ts';
import { assignmentMeaning, bindingMeaning, identityMeaning } from './meaning.ts';
import { memberOf, stringAt } from './raw-object.ts';
import { taintedNode } from './startup-views.ts';
import { trimPod, trimWholePod } from './trim-pod.ts';
import type {
  AssignedView,
  BindingView,
  IdentityView,
  InvalidView,
  NodeView,
  ObjectReference,
  PodView,
} from './views.ts';

/**
 * Functions from objects to views; undefined leaves an object out. `tooLarge`: fields of the object that were not read because they are
 * larger than any valid value.
 */
export interface Trims {
  pod(raw: unknown): PodView | undefined;
  /** With labels, unless they were too large to be read. Also for pods without the binding label, unless finished. */
  wholePod(raw: unknown, isTooLarge: boolean): PodView | undefined;
  node(raw: unknown): NodeView | undefined;
  identity(raw: unknown, tooLarge?: readonly Problem[]): IdentityView | undefined;
  binding(raw: unknown, tooLarge?: readonly Problem[]): BindingView | undefined;
  assigned(raw: unknown, tooLarge?: readonly Problem[]): AssignedView | undefined;
}

/** Use one set of trims for a process: views share strings through it. */
export function createTrims({ startupTaint }: { readonly startupTaint?: string | undefined } = {}): Trims {
  const intern = createIntern();
  return {
    pod: (raw) => trimPod(raw, intern),
    wholePod: (raw, isTooLarge) => trimWholePod(raw, isTooLarge, intern),
    node: (raw) => trimNode(raw, startupTaint),
    identity: (raw, tooLarge = []) =>
      tooLarge.length > 0 ? invalidIdentity(raw, tooLarge) : trimIdentity(raw, intern),
    binding: (raw, tooLarge = []) =>
      tooLarge.length > 0 ? invalidBinding(raw, tooLarge) : trimBinding(raw, intern),
    assigned: (raw, tooLarge = []) => {
      if (tooLarge.length === 0) return trimAssigned(raw, intern);
      return tooLarge.every(isInCopy) ? incomplete(trimAssigned(raw, intern)) : undefined;
    },
  };
}

function trimNode(raw: unknown, startupTaint: string | undefined): NodeView | undefined {
  const name = stringAt(memberOf(raw, 'metadata'), 'name');
  if (name === '') return undefined;
  const tainted = startupTaint === undefined ? undefined : taintedNode(raw, startupTaint);
  return {
    name,
    providerId: stringAt(memberOf(raw, 'spec'), 'providerID'),
    ...(tainted !== undefined && { tainted }),
  };
}

function trimIdentity(raw: unknown, intern: Intern): IdentityView | undefined {
  const parsed = parseAzureIdentity(raw);
  if (!parsed.ok) return invalidIdentity(raw, parsed.problems);
  const identity = lean(parsed.value);
  const { type, resourceID, clientID } = identity.spec;
  return {
    kind: 'valid',
    key: keyOf(identity.metadata),
    identity,
    meaning: intern(identityMeaning(identity)),
    ...(type === 0 && resourceID !== undefined && { resourceId: canonical(resourceID, intern) }),
    ...(clientID !== undefined && { clientId: clientID.toLowerCase() }),
  };
}

function trimBinding(raw: unknown, intern: Intern): BindingView | undefined {
  const parsed = parseAzureIdentityBinding(raw);
  if (!parsed.ok) return invalidBinding(raw, parsed.problems);
  const binding = lean(parsed.value);
  return {
    kind: 'valid',
    key: keyOf(binding.metadata),
    binding,
    identityKey: intern(`${binding.metadata.namespace ?? ''}/${binding.spec.azureIdentity}`),
    meaning: intern(bindingMeaning(binding)),
  };
}

/** Undefined for an object that cannot be parsed: its pod is unknown, so MIC must not delete it. */
function trimAssigned(raw: unknown, intern: Intern): AssignedView | undefined {
  const parsed = parseAzureAssignedIdentity(raw);
  if (!parsed.ok) return undefined;
  const { metadata, spec, status } = parsed.value;
  const { azureIdentityRef: identity, azureBindingRef: binding } = spec;
  const podUid = podUidOf(parsed.value);
  const { resourceID } = identity.spec;
  return {
    namespace: intern(metadata.namespace ?? ''),
    name: metadata.name,
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '',
    podNamespace: intern(spec.podNamespace),
    podName: spec.pod,
    ...(podUid !== undefined && { podUid }),
    nodeName: intern(spec.nodename),
    identity: intern(keyOf(identity.metadata)),
    binding: intern(keyOf(binding.metadata)),
    meaning: intern(assignmentMeaning(identityMeaning(identity), bindingMeaning(binding))),
    ...(identity.spec.type === 0 &&
      resourceID !== undefined && { resourceId: canonical(resourceID, intern) }),
    state: status.status,
    ...mislabelled(parsed.value),
    ...ending(metadata),
    hasFinalizer: metadata.finalizers?.includes(assignedIdentityFinalizer) ?? false,
  };
}

function mislabelled({ metadata, spec }: AzureAssignedIdentity): Pick<AssignedView, 'isMislabelled'> {
  return metadata.labels?.[nodeLabel] === spec.nodename ? {} : { isMislabelled: true };
}

function ending({ deletionTimestamp }: ObjectMeta): Pick<AssignedView, 'isEnding'> {
  return deletionTimestamp === undefined ? {} : { isEnding: true };
}

/** Whether the problem is in the copy of the identity or of the binding: the pod of the record is known without them. */
function isInCopy({ path }: Problem): boolean {
  return /^spec\.azure(?:identity|binding)ref\./i.test(path);
}

/** A view that equals no assignment, so that MIC replaces it while its pod lives and deletes it afterwards, with its finalizer. */
function incomplete(view: AssignedView | undefined): AssignedView | undefined {
  return view && { ...view, meaning: '' };
}

function podUidOf({ metadata }: AzureAssignedIdentity): string | undefined {
  const owner = metadata.ownerReferences?.find(({ kind }) => kind === 'Pod');
  return metadata.annotations?.[podUidAnnotation] ?? owner?.uid;
}

/** Everything except the spec of an object with an invalid spec. Parses the object with a valid placeholder spec. */
function invalidIdentity(raw: unknown, problems: readonly Problem[]): InvalidView | undefined {
  const parsed = parseAzureIdentity({ ...(raw as object), spec: { type: 1 } });
  return parsed.ok ? invalidView(parsed.value, problems) : undefined;
}

function invalidBinding(raw: unknown, problems: readonly Problem[]): InvalidView | undefined {
  const parsed = parseAzureIdentityBinding({
    ...(raw as object),
    spec: { azureIdentity: '-', selector: '-' },
  });
  return parsed.ok ? invalidView(parsed.value, problems) : undefined;
}

function invalidView(
  object: AzureIdentity | AzureIdentityBinding,
  problems: readonly Problem[],
): InvalidView {
  return { kind: 'invalid', key: keyOf(object.metadata), reference: referenceTo(lean(object)), problems };
}

/** A reference for Events and status writes. */
export function referenceTo({
  apiVersion,
  kind,
  metadata,
  status,
}: AzureIdentity | AzureIdentityBinding): ObjectReference {
  const { namespace = '', name, uid, generation } = metadata;
  return {
    apiVersion,
    kind,
    namespace,
    name,
    ...(uid !== undefined && { uid }),
    ...(generation !== undefined && { generation }),
    conditions: status?.conditions ?? [],
  };
}

function lean<T extends AzureIdentity | AzureIdentityBinding>(object: T): T {
  const { status, metadata } = object;
  const conditions = status?.conditions && keptConditions(status.conditions);
  return { ...object, metadata: leanMetadata(metadata), ...(conditions && { status: { conditions } }) };
}

/** Without kubectl's last-applied annotation, which contains the whole object again. */
function leanMetadata(metadata: ObjectMeta): ObjectMeta {
  const { annotations, ...rest } = metadata;
  if (annotations === undefined) return rest;
  const kept = Object.entries(annotations).filter(([key]) => !key.startsWith('kubectl.kubernetes.io/'));
  return { ...rest, annotations: Object.fromEntries(kept) };
}

function canonical(resourceId: string, intern: Intern): ResourceId {
  return intern(canonicalResourceId(resourceId)) as ResourceId;
}
