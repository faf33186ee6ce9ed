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
  type Labels,
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
} from './views.ts';

export type Trims = ReturnType<typeof createTrims>;

/**
 * Functions from objects to views, which hold nothing of the object that is not needed; undefined leaves an object out. Use one set for a
 * process: views share strings through it.
 */
export function createTrims({ startupTaint }: { readonly startupTaint?: string | undefined } = {}) {
  const intern = createIntern();
  return {
    pod: (raw: unknown) => trimPod(raw, intern),
    wholePod: (raw: unknown) => trimWholePod(raw, intern),
    node: (raw: unknown) => trimNode(raw, startupTaint),
    identity: (raw: unknown) => trimIdentity(raw, intern),
    binding: (raw: unknown) => trimBinding(raw, intern),
    assigned: (raw: unknown) => trimAssigned(raw, intern),
  };
}

function trimNode(raw: unknown, startupTaint: string | undefined): NodeView | undefined {
  const name = stringAt(memberOf(raw, 'metadata'), 'name');
  if (name === '') return undefined;
  const tainted = startupTaint === undefined ? undefined : taintedNode(raw, startupTaint);
  return {
    name,
    providerId: upTo(longest.resourceId, stringAt(memberOf(raw, 'spec'), 'providerID')),
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
  const meaning = assignmentMeaning(identityMeaning(identity), bindingMeaning(binding));
  return {
    namespace: intern(metadata.namespace ?? ''),
    name: metadata.name,
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '',
    podNamespace: intern(spec.podNamespace),
    podName: spec.pod,
    ...(podUid !== undefined && { podUid }),
    nodeName: intern(spec.nodename),
    identity: intern(upTo(longest.name, keyOf(identity.metadata))),
    binding: intern(upTo(longest.name, keyOf(binding.metadata))),
    meaning: intern(upTo(longest.meaning, meaning)),
    ...resourceIdOf(identity, intern),
    state: status.status,
    ...mislabelled(parsed.value),
    ...ending(metadata),
    hasFinalizer: metadata.finalizers?.includes(assignedIdentityFinalizer) ?? false,
  };
}

function resourceIdOf({ spec }: AzureIdentity, intern: Intern): Pick<AssignedView, 'resourceId'> {
  const resourceID = spec.type === 0 ? upTo(longest.resourceId, spec.resourceID ?? '') : '';
  return resourceID === '' ? {} : { resourceId: canonical(resourceID, intern) };
}

function mislabelled({ metadata, spec }: AzureAssignedIdentity): Pick<AssignedView, 'isMislabelled'> {
  return metadata.labels?.[nodeLabel] === spec.nodename ? {} : { isMislabelled: true };
}

function ending({ deletionTimestamp }: ObjectMeta): Pick<AssignedView, 'isEnding'> {
  return deletionTimestamp === undefined ? {} : { isEnding: true };
}

/** In characters: more than any valid name, id or assignment has. */
const longest = { name: 1024, resourceId: 2048, meaning: 64 * 1024, conditions: 16 * 1024 };

/** Empty if it is longer: a view with it equals no assignment, so that MIC replaces it while its pod lives and deletes it afterwards. */
function upTo(most: number, text: string): string {
  return text.length > most ? '' : text;
}

function podUidOf({ metadata }: AzureAssignedIdentity): string | undefined {
  const owner = metadata.ownerReferences?.find(({ kind }) => kind === 'Pod');
  const uid = metadata.annotations?.[podUidAnnotation] ?? owner?.uid;
  return uid === undefined ? undefined : upTo(longest.name, uid);
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

export function referenceTo({ metadata, status }: AzureIdentity | AzureIdentityBinding): ObjectReference {
  const { generation } = metadata;
  return { ...(generation !== undefined && { generation }), conditions: status?.conditions ?? [] };
}

function lean<T extends AzureIdentity | AzureIdentityBinding>(object: T): T {
  const { status, metadata } = object;
  const isLong = JSON.stringify(status ?? '').length > longest.conditions;
  const conditions = isLong ? undefined : status?.conditions && keptConditions(status.conditions);
  const { annotations, labels, ...rest } = metadata;
  const kept = {
    ...rest,
    finalizers: [],
    ownerReferences: [],
    ...(annotations && { annotations: ours(annotations) }),
    ...(labels && { labels: ours(labels) }),
  };
  return { ...object, metadata: kept, ...(status && { status: conditions ? { conditions } : {} }) };
}

/** Those that the parsers read or warn of: others can hold the whole object again, as kubectl's last-applied annotation does. */
function ours(map: Labels): Labels {
  const kept = Object.entries(map).filter(
    ([key, value]) =>
      /^aadpodidentity\.k8s\.io\/(?:behaviou?r|default-identity)$/i.test(key) && value.length <= longest.name,
  );
  return Object.fromEntries(kept);
}

function canonical(resourceId: string, intern: Intern): ResourceId {
  return intern(canonicalResourceId(resourceId)) as ResourceId;
}
