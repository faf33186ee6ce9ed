// Room: what MIC says: Events, conditions, remedies, metrics.
// It must not decide anything, or write anything but Events and conditions.
//
// Reports of steps: Events on the users' objects, and log lines.
import { defaultAssignedNamespace, type Host } from '@pod-identity/crd-types';
import type { EventDraft } from '@pod-identity/kit/kube';
import { explainUnbound, nameMissingRight } from '@pod-identity/policy';
import { explainSkip, manyRights, missingRightOf, noRoomForLabels, noRoomRemedy } from './explain-skip.ts';
import { saysAssigned, saysTheSame } from '../plan/diff.ts';
import type { Assignment, Skip } from '../plan/types.ts';
import { keyOf } from '../snapshot/keys.ts';
import type { AssignedView, PodView } from '../snapshot/views.ts';
import type { StepResult } from '../apply/apply-assignments.ts';
import type { Waiting } from '../apply/assignment-state.ts';
import {
  describeHost,
  line,
  namedBy,
  namedByKey,
  nothing,
  onBinding,
  onPod,
  rejection,
  warning,
  type LogLine,
  type Named,
  type Report,
} from './events.ts';

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
        events: step.kind === 'delete' ? [] : nameTaken(result, step.assignment),
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
  const fields = { podNamespace: skip.pod.namespace, pod: skip.pod.name, why: skip.reason };
  const report = (reason: string, message: string) => podEvent(skip.pod, { reason, message }, fields);
  if (skip.reason === 'access-denied') return report('AccessDenied', nameMissingRight(missingRightOf(skip)));
  if (skip.reason === 'access-warned')
    return report('AccessWouldBeDenied', `In mode rbac: ${nameMissingRight(missingRightOf(skip))}`);
  if (skip.reason === 'access-unknown') {
    const text = `${manyRights}. One of them is AzureIdentity ${skip.identity ?? ''} for this pod`;
    return skip.leftOut === true ? report('AccessNotReviewed', text) : nothing;
  }
  const { unbound } = skip;
  if (unbound) {
    const more = skip.pod.labelsLeftOut === true ? ` ${noRoomForLabels}; ${noRoomRemedy}.` : '';
    return report('IdentityNotFound', `${explainUnbound(keyOf(skip.pod), unbound)}${more}`);
  }
  const findings = explainSkip(skip).filter(({ verdict }) => verdict === 'problem');
  const texts = findings.map(({ text, remedy }) => (remedy ? `${text}; ${remedy.text}` : text));
  return texts.length === 0 ? nothing : report('IdentityNotBound', texts.join('. '));
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
  const reason = 'binding applied';
  const fields = { event: reason, podNamespace: pod.namespace, objectNamespace, objectName };
  const involved = onBinding(namedBy(binding.metadata));
  return { ...line('info', fields, message), events: [{ type: 'Normal', reason, message, involved }] };
}

function removed(current: AssignedView, why: string, at: Scene): Report {
  const message = `Binding ${namedByKey(current.binding).name} removed from node ${current.nodeName} for pod ${current.podName}`;
  const involved = bindingOf(current, at);
  const reason = 'binding removed';
  const reported = line('info', { event: reason, podNamespace: current.podNamespace, why }, message);
  return { ...reported, events: involved ? [{ type: 'Normal', reason, message, involved }] : [] };
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
  const report = (reason: string, text: string) => podEvent(pod, { reason, message: text }, fields);
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
        events: [...reported.events, bindingProblem(namedBy(binding.metadata), message)],
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
    return { ...reported, events: involved ? [warning('binding remove error', message, involved)] : [] };
  }
  const { assignment } = step;
  const object = `${assignment.objectNamespace}/${assignment.objectName}`;
  const verb = step.kind === 'create' ? 'create' : 'update';
  const message = `failed to ${verb} AzureAssignedIdentity ${object} for pod ${keyOf(assignment.pod)}, error: ${why}`;
  const onBindings = bindingProblem(namedBy(assignment.binding.metadata), message);
  return { ...reported, events: [...refused(result, assignment, why), onBindings] };
}

/** About an hour, after which the API server deletes Events. */
const refusalsPerEvent = 60;

/** A refusal usually lasts: the owner of the pod looks there, and one binding has room for few Events. */
function refused(result: StepResult, { pod, identity, ...object }: Assignment, why: string): EventDraft[] {
  const { outcome, refusals = 0 } = result;
  // A pod that has its identity does not wait: only its object is rewritten.
  const isWaiting = result.state !== 'Assigned' || isNews(result);
  const isNow = isWaiting && refusals % refusalsPerEvent === 0;
  if (outcome.kind !== 'failed' || outcome.isRefusal !== true || !isNow) return [];
  const name = `${object.objectNamespace}/${object.objectName}`;
  const message = `the API server refuses AzureAssignedIdentity ${name} for identity ${keyOf(identity.metadata)}; MIC tries again. The reason: ${why}`;
  return [warning('WaitingForIdentity', message, onPod(pod))];
}

/** Not at the first attempt: usually the next plan sees the object that has the name, and chooses another one. */
function nameTaken(
  { outcome, refusals = 0 }: StepResult,
  { pod, identity, ...object }: Assignment,
): EventDraft[] {
  if (outcome.kind !== 'stale' || outcome.isRefusal !== true || refusals % refusalsPerEvent !== 1) return [];
  const name = `${object.objectNamespace}/${object.objectName}`;
  const message = `AzureAssignedIdentity ${name} has the name of the one for identity ${keyOf(identity.metadata)}, but is of another pod: delete it if nothing needs it; MIC tries again`;
  return [warning('WaitingForIdentity', message, onPod(pod))];
}

function podEvent(
  pod: PodView,
  what: { reason: string; message: string },
  fields: LogLine['fields'],
): Report {
  const reported = line('info', { event: what.reason, ...fields }, what.message);
  return { ...reported, events: [warning(what.reason, what.message, onPod(pod))] };
}

function bindingProblem(binding: Named, message: string): EventDraft {
  return warning('binding apply error', message, onBinding(binding));
}

function fieldsOf({ step, state }: StepResult): LogLine['fields'] {
  const name =
    step.kind === 'delete'
      ? step.current
      : { namespace: step.assignment.objectNamespace, name: step.assignment.objectName };
  return { step: step.kind, state, objectNamespace: name.namespace, objectName: name.name };
}
