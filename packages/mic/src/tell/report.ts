// Room: what MIC says: Events, conditions, remedies, metrics.
// It must not decide anything, or write anything but Events and conditions.
//
// Reports of steps: Events on the users' objects, and log lines.
import { defaultAssignedNamespace, type Host } from '@pod-identity/crd-types';
import type { EventDraft } from '@pod-identity/kit/kube';
import {
  explainUnbound,
  nameMissingRight,
  spareFinding,
  type MissingRight,
  type Unbound,
} from '@pod-identity/policy';
import {
  describeHost,
  event,
  line,
  namedByKey,
  nothing,
  onBinding,
  onPod,
  rejection,
  said,
  type EventReason,
  type LogLine,
  type Report,
} from './events.ts';
import { saysAssigned, saysTheSame } from '../plan/diff.ts';
import type { Assignment, Skip, SkipReason } from '../plan/types.ts';
import { keyOf } from '../snapshot/keys.ts';
import type { AssignedView, PodView } from '../snapshot/views.ts';
import type { StepResult } from '../apply/apply-assignments.ts';
import type { Waiting } from '../apply/assignment-state.ts';

export interface Scene {
  readonly host: Host | undefined;
  /** The object id of MIC's own identity if known, for commands in remedies. */
  readonly micPrincipalId: string | undefined;
  /** Objects are always in the namespace of their identity and binding. */
  readonly forceNamespaced: boolean;
}

export function reportStep(result: StepResult, at: Scene): Report {
  const { step, outcome } = result;
  switch (outcome.kind) {
    case 'fenced':
      return nothing;
    case 'stale':
      return {
        ...line(
          'debug',
          { ...fieldsOf(result), why: outcome.message },
          'object changed under the plan; planning again',
        ),
        events: step.kind === 'delete' ? [] : refused(result, step.assignment, outcome.message),
      };
    case 'failed':
      return stepFailed(result, outcome.message, at);
    case 'written':
    case 'removed':
      return step.kind === 'delete'
        ? removed(step.current, step.why, at)
        : stepWritten(result, step.assignment, at);
  }
}

/** A pod that lacks an identity for a reason that needs action. */
export function reportSkip(skip: Skip): Report {
  const { pod, reason: why, unbound } = skip;
  const words = unbound ? unboundWords(pod, unbound) : skipWords[why]?.(skip);
  return words ? podEvent(pod, words, { podNamespace: pod.namespace, pod: pod.name, why }) : nothing;
}

interface Words {
  readonly reason: EventReason;
  readonly message: string;
}

function unboundWords(pod: PodView, unbound: Unbound): Words {
  const more = pod.labelsLeftOut === true ? ` ${noRoomForLabels}` : '';
  return { reason: 'IdentityNotFound', message: `${explainUnbound(keyOf(pod), unbound)}${more}` };
}

const notBound = (message: string): Words => ({ reason: 'IdentityNotBound', message });

/** Nobody has to act for the other reasons. */
const skipWords: Readonly<Partial<Record<SkipReason, (skip: Skip) => Words | undefined>>> = {
  'access-denied': (skip) => ({ reason: 'AccessDenied', message: nameMissingRight(missingRightOf(skip)) }),
  'access-warned': (skip) => ({
    reason: 'AccessWouldBeDenied',
    message: `In mode rbac: ${nameMissingRight(missingRightOf(skip))}`,
  }),
  'access-unknown': ({ leftOut = false, identity = '' }) =>
    leftOut
      ? {
          reason: 'AccessNotReviewed',
          message: `${manyRights}. One of them is AzureIdentity ${identity} for this pod`,
        }
      : undefined,
  'not-listed': ({ pod }) => notBound(notListed(pod.namespace)),
  'node-missing': ({ pod }) =>
    notBound(`${pod.nodeName} does not exist; the pod will be removed with its node`),
  'node-without-host': ({ identity = '', detail = '' }) =>
    notBound(
      `AzureIdentity ${identity} is a managed identity, which only an Azure host can carry; run the pod on an Azure node: ${detail}`,
    ),
  'too-many-bindings': (skip) => {
    const { text, remedy } = spareFinding(skip);
    return notBound(`${text}; ${remedy?.text ?? ''}`);
  },
};

const notListed = (namespace: string) =>
  `MIC has not listed all pods of namespace ${namespace} yet, which has bindings by podSelector or serviceAccountName: until then its pods keep what they have; it goes on by itself; the log of MIC says why a list fails`;

const noRoomForLabels =
  'MIC has no room for the labels of this pod, so that no podSelector selects it: the pods of its namespace have too many different labels, or those of all namespaces together; give the pods fewer labels or delete pods; the labels are read again with the next change of the pod.';

const manyRights =
  'Pods of this namespace need more rights than MIC asks about for one namespace (10,000 pairs of ServiceAccount and identity): for the others nothing is attached or detached until pods go';

function missingRightOf({ pod, identity = '', access, detail }: Skip): MissingRight {
  const { subject = { namespace: pod.namespace, name: pod.serviceAccount }, targets = [] } = access ?? {};
  return { identity, subject, targets, problem: detail };
}

function stepWritten(result: StepResult, assignment: Assignment, at: Scene): Report {
  if (result.outcome.kind === 'removed') return nothing;
  if (result.state === 'Assigned') return isNews(result) ? applied(assignment) : rewritten(result);
  return result.waiting ? waits(assignment, result.waiting, at) : nothing;
}

/** False if the pod had it before and only the object has changed, by removal of the original's finalizer. */
function isNews({ step }: StepResult): boolean {
  if (step.kind !== 'update') return true;
  const { assignment, current } = step;
  return !saysAssigned(current) || !saysTheSame(assignment, current);
}

function rewritten(result: StepResult): Report {
  return line('debug', fieldsOf(result), 'object of a pod that has its identity rewritten');
}

function applied({ binding, pod, objectName, objectNamespace }: Assignment): Report {
  const message = `Binding ${binding.metadata.name} applied on node ${pod.nodeName} for pod ${pod.name}`;
  const fields = { podNamespace: pod.namespace, objectNamespace, objectName };
  return said('binding applied', message, { on: onBinding(binding.metadata), ...fields });
}

function removed(current: AssignedView, why: string, at: Scene): Report {
  const message = `Binding ${namedByKey(current.binding).name} removed from node ${current.nodeName} for pod ${current.podName}`;
  return said('binding removed', message, {
    on: bindingOf(current, at),
    podNamespace: current.podNamespace,
    why,
  });
}

/** The Event is on the waiting pod, where its owner looks. */
function waits(
  { pod, identity, resourceId, binding }: Assignment,
  waiting: Waiting,
  { host, micPrincipalId }: Scene,
): Report {
  const name = keyOf(identity.metadata);
  const hostText = host ? describeHost(host) : `node ${pod.nodeName}`;
  const fields = { podNamespace: pod.namespace, pod: pod.name, identity: name };
  const report = (reason: EventReason, message: string) => podEvent(pod, { reason, message }, fields);
  switch (waiting.why) {
    case 'late':
      return report('WaitingForIdentity', `identity ${name} is being attached to ${hostText}`);
    case 'host': {
      const text = `identity ${name} cannot be attached to ${hostText} yet: ${waiting.message}`;
      return report('WaitingForIdentity', text);
    }
    case 'rejected': {
      const named = { name, hostText, id: resourceId, micPrincipalId };
      const reported = report('IdentityRejected', rejection(waiting.quarantine, named));
      const message = `failed to apply binding ${keyOf(binding.metadata)} node ${pod.nodeName} for pod ${keyOf(pod)}, error: ${waiting.quarantine.message}`;
      return {
        ...reported,
        events: [...reported.events, event('binding apply error', message, onBinding(binding.metadata))],
      };
    }
  }
}

/**
 * The binding that an object names, if MIC itself would have written the object. Otherwise editors of one namespace could cause Events in
 * another one, by an object that names a binding there.
 */
function bindingOf(
  { namespace, binding }: AssignedView,
  { forceNamespaced }: Scene,
): EventDraft['involved'] | undefined {
  const named = namedByKey(binding);
  const isShared = !forceNamespaced && namespace === defaultAssignedNamespace;
  return isShared || named.namespace === namespace ? onBinding(named) : undefined;
}

function stepFailed(result: StepResult, why: string, at: Scene): Report {
  const { step } = result;
  const reported = line(
    'warn',
    { ...fieldsOf(result), why },
    'write of an AzureAssignedIdentity failed; it will be tried again',
  );
  if (step.kind === 'delete') {
    const { current } = step;
    const pod = `${current.podNamespace}/${current.podName}`;
    const message = `failed to remove AzureIdentityBinding ${current.binding} from node ${current.nodeName} for pod ${pod}, error: ${why}`;
    const involved = bindingOf(current, at);
    return { ...reported, events: involved ? [event('binding remove error', message, involved)] : [] };
  }
  const { assignment } = step;
  const object = `${assignment.objectNamespace}/${assignment.objectName}`;
  const verb = step.kind === 'create' ? 'create' : 'update';
  const message = `failed to ${verb} AzureAssignedIdentity ${object} for pod ${keyOf(assignment.pod)}, error: ${why}`;
  const onBindings = event('binding apply error', message, onBinding(assignment.binding.metadata));
  return { ...reported, events: [...refused(result, assignment, why), onBindings] };
}

/** About an hour, after which the API server deletes Events. */
const refusalsPerEvent = 60;

/** A refusal usually lasts: the owner of the pod looks there, and one binding has room for few Events. */
function refused(result: StepResult, { pod, identity, ...object }: Assignment, why: string): EventDraft[] {
  const { outcome, refusals = 0 } = result;
  if (!('isRefusal' in outcome)) return [];
  const name = `AzureAssignedIdentity ${object.objectNamespace}/${object.objectName}`;
  const on = onPod(pod);
  if (outcome.kind === 'stale') {
    const message = `${name} has the name of the one for identity ${keyOf(identity.metadata)}, but is of another pod: delete it if nothing needs it; MIC tries again`;
    // Not at the first attempt: usually the next plan sees the object that has the name, and chooses another one.
    return refusals % refusalsPerEvent === 1 ? [event('WaitingForIdentity', message, on)] : [];
  }
  // A pod that has its identity does not wait: only its object is rewritten.
  const isWaiting = result.state !== 'Assigned' || isNews(result);
  const message = `the API server refuses ${name} for identity ${keyOf(identity.metadata)}; MIC tries again. The reason: ${why}`;
  return isWaiting && refusals % refusalsPerEvent === 0 ? [event('WaitingForIdentity', message, on)] : [];
}

function podEvent(pod: PodView, { reason, message }: Words, fields: LogLine['fields']): Report {
  return said(reason, message, { on: onPod(pod), ...fields });
}

function fieldsOf({ step, state }: StepResult): LogLine['fields'] {
  const name =
    step.kind === 'delete'
      ? step.current
      : { namespace: step.assignment.objectNamespace, name: step.assignment.objectName };
  return { step: step.kind, state, objectNamespace: name.namespace, objectName: name.name };
}
