// The Ready condition of AzureIdentities and AzureIdentityBindings. It contains no counts of pods or hosts and no messages of ARM (which
// have times and request ids), so that new pods and retries cause no writes.
import {
  bindingLabel,
  describeSelection,
  hasOwnConditions,
  hostName,
  type AzureIdentity,
  type AzureIdentityBinding,
  type Condition,
  type ResourceId,
} from '@pod-identity/crd-types';
import { adviceOf, modeForIdentity, nameMissingRightAndRoles } from '@pod-identity/policy';
import { clientIdRemedy, hostRemedy, remedyFor, type ObjectName } from './remedy.ts';
import { addWarnings, boundMessage, listProblems, removeWarnings } from './spec-texts.ts';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import { isCarried, isMisstated } from '../snapshot/facts/host-facts.ts';
import { keptMessage } from '../snapshot/kept-conditions.ts';
import { namespaceOf } from '../snapshot/keys.ts';
import { referenceTo } from '../snapshot/trims.ts';
import type { BindingView, IdentityView, InvalidView, ObjectReference } from '../snapshot/views.ts';

export type ConditionDraft = Omit<Condition, 'lastTransitionTime'>;

export interface World {
  readonly index: ClusterIndex;
  readonly facts: ReadonlyMap<ResourceId, HostFacts>;
  /** The object id of MIC's own identity, for commands in remedies. */
  readonly micPrincipalId?: string | undefined;
}

type Judgement = Pick<Condition, 'status' | 'reason' | 'message'>;

const ready = (reason: string, message: string): Judgement => ({ status: 'True', reason, message });
const unready = (reason: string, message: string): Judgement => ({ status: 'False', reason, message });

const attached = ready('Attached', 'attached to the hosts of the pods that use it');
const attaching: Judgement = {
  status: 'Unknown',
  reason: 'Attaching',
  message: 'is being attached to the hosts of the pods that use it',
};
const notInUse = ready('NotInUse', 'valid, and used by no running pod');
const principal = ready(
  'NoAttachmentNeeded',
  'a service principal: its tokens need nothing attached to a host',
);
const federated = ready(
  'NoAttachmentNeeded',
  'a federated identity: its tokens come from the broker and need nothing attached to a host',
);

/**
 * Concerns only hosts where pods use this object: an editor whose object names the resource of others does not learn where, or whether,
 * it is attached for them.
 */
export function identityCondition(view: IdentityView, world: World): ConditionDraft {
  if (view.kind === 'invalid') return draft(view.reference, invalidSpec(view));
  const reference = referenceTo(view.identity);
  const judgement =
    view.resourceId === undefined
      ? view.identity.spec.type === 3
        ? federated
        : principal
      : judgeResource({ ...view, id: view.resourceId }, world);
  const reported = current(reference);
  // The last leader's condition may already include rights and warnings.
  const lasting = judgement ?? (reported && !isAboutAccess(reported) ? reported : attaching);
  return draft(reference, withWarnings(withAccess(view.key, lasting, world), view.identity));
}

function isAboutAccess({ reason }: Judgement): boolean {
  return reason === 'AccessDenied' || reason === 'AccessWouldBeDenied';
}

/** Adds denied ServiceAccounts of the identity's own namespace only. */
function withAccess(key: string, judgement: Judgement, { index }: World): Judgement {
  const [first] = index
    .denied(key)
    .filter(({ subject }) => subject.namespace === namespaceOf(key))
    .sort((a, b) => (a.subject.name < b.subject.name ? -1 : 1));
  if (first === undefined) return judgement;
  const message = nameMissingRightAndRoles({ identity: key, ...first });
  if (modeForIdentity(first.match.identity, index.accessMode(namespaceOf(key))) === 'rbac')
    return unready('AccessDenied', message);
  return {
    ...judgement,
    reason: 'AccessWouldBeDenied',
    message: `${judgement.message}. In mode rbac: ${message}`,
  };
}

export function bindingCondition(view: BindingView, world: World): ConditionDraft {
  if (view.kind === 'invalid') return draft(view.reference, invalidSpec(view));
  const { binding, identityKey } = view;
  return draft(referenceTo(binding), withWarnings(judgeBinding(identityKey, binding, world), binding));
}

/** The object's conditions with this one; undefined if unchanged. */
export function nextConditions(
  conditions: readonly Condition[] | undefined,
  wanted: ConditionDraft,
  nowIso: string,
): readonly Condition[] | undefined {
  const before = conditions?.find(({ type }) => type === wanted.type);
  if (before && isSame(before, wanted)) return undefined;
  const lastTransitionTime = before?.status === wanted.status ? before.lastTransitionTime : nowIso;
  const others = conditions?.filter(({ type }) => type !== wanted.type) ?? [];
  return [...others, { ...wanted, lastTransitionTime }];
}

interface Resource extends Pick<Extract<IdentityView, { readonly kind: 'valid' }>, 'identity' | 'clientId'> {
  readonly id: ResourceId;
}

/** Undefined until a relevant host has been read: a new leader must not revoke the condition of the last one. */
function judgeResource({ id, identity, clientId }: Resource, world: World): Judgement | undefined {
  const { namespace = '', name } = identity.metadata;
  const hosts = [...world.index.hostsUsing(`${namespace}/${name}`)].sort();
  if (hosts.length === 0) return notInUse;
  const facts = hosts.flatMap((host) => world.facts.get(host) ?? []);
  if (facts.some((host) => isMisstated(host, id, clientId))) return misstated(id, { namespace, name });
  return judgeHosts(id, facts, world);
}

function judgeHosts(id: ResourceId, facts: readonly HostFacts[], world: World): Judgement | undefined {
  const lacking = facts.filter((host) => !isCarried(host, id));
  const refused = lacking.find(({ quarantined }) => quarantined.has(id));
  if (refused) return rejected(id, refused, world);
  const failing = lacking.find(
    ({ lastFailure }) => lastFailure !== undefined && needsPeople(lastFailure.kind),
  );
  if (failing) return hostRefused(failing, world);
  const failed = lacking.find((host) => host.failed && host.unapplied.has(id));
  if (failed) return hostRefused(failed, world);
  if (lacking.length < facts.length) return attached;
  return facts.some(({ present }) => present !== undefined) ? attaching : undefined;
}

/** Does not affect the host: Azure's client id counts, not that of the AzureIdentity. */
function misstated(id: ResourceId, identity: ObjectName): Judgement {
  const advice = adviceOf(clientIdRemedy(id, identity));
  return unready('ClientIDMismatch', `spec.clientID is not the client id of spec.resourceID; ${advice}`);
}

function rejected(id: ResourceId, { host, quarantined }: HostFacts, { micPrincipalId }: World): Judgement {
  const code = quarantined.get(id)?.code ?? 'Unknown';
  const advice = adviceOf(remedyFor({ code, id, micPrincipalId }));
  return unready('Rejected', `Azure refused to attach it to ${hostName(host)} (${code}). ${advice}`);
}

function hostRefused({ host, lastFailure }: HostFacts, { micPrincipalId }: World): Judgement {
  const kind = lastFailure !== undefined && needsPeople(lastFailure.kind) ? lastFailure.kind : 'failed';
  const advice = adviceOf(hostRemedy({ ...lastFailure, kind, host, micPrincipalId }));
  return unready('HostRefused', `${hostName(host)} could not be changed (${kind}). ${advice}`);
}

function needsPeople(kind: NonNullable<HostFacts['lastFailure']>['kind']): boolean {
  switch (kind) {
    case 'denied':
    case 'gone':
    case 'failed':
      return true;
    case 'throttled':
    case 'busy':
    case 'unavailable':
      return false;
  }
}

function judgeBinding(identityKey: string, binding: AzureIdentityBinding, { index }: World): Judgement {
  const identity = index.objects.identity(identityKey);
  if (identity === undefined)
    return unready(
      'IdentityNotFound',
      `there is no AzureIdentity ${identityKey}: create it, or name another one of this namespace in spec.azureIdentity`,
    );
  if (identity.kind === 'invalid') {
    const problems = listProblems(identity.problems);
    return unready('IdentityInvalid', `AzureIdentity ${identityKey} is invalid: ${problems}`);
  }
  return ready('Bound', `pods ${whichPods(binding)} may act as AzureIdentity ${identityKey}`);
}

function whichPods(binding: AzureIdentityBinding): string {
  const { selector } = binding.spec;
  return hasOwnConditions(binding)
    ? `of this namespace with ${describeSelection(binding)}`
    : `labelled ${bindingLabel}=${selector}`;
}

function invalidSpec({ problems }: InvalidView): Judgement {
  return unready('InvalidSpec', listProblems(problems));
}

function withWarnings(judgement: Judgement, object: AzureIdentity | AzureIdentityBinding): Judgement {
  return { ...judgement, message: addWarnings(judgement.message, object) };
}

function draft({ generation }: ObjectReference, judgement: Judgement): ConditionDraft {
  const message = boundMessage(judgement.message);
  return {
    type: 'Ready',
    ...judgement,
    message,
    ...(generation !== undefined && { observedGeneration: generation }),
  };
}

function current({ conditions }: ObjectReference): Judgement | undefined {
  const known = conditions.find(({ type }) => type === 'Ready');
  const message = removeWarnings(known?.message ?? '');
  // A long message is known by its hash only.
  return known && message !== '' ? { status: known.status, reason: known.reason, message } : undefined;
}

function isSame(a: ConditionDraft, b: ConditionDraft): boolean {
  return (
    a.status === b.status &&
    a.reason === b.reason &&
    keptMessage(a.message) === keptMessage(b.message) &&
    a.observedGeneration === b.observedGeneration
  );
}
