// The acting half of a term: what is written where, and who is told of what came of it.
import { resources, type AzureAssignedIdentity, type ResourceId } from '@pod-identity/crd-types';
import { createBudgets } from '@pod-identity/kit/core';
import { createResource, type LeaderTerm, type LeftOut } from '@pod-identity/kit/kube';
import { createAssignmentsApplier, type AssignmentsApplier } from '../apply/apply-assignments.ts';
import { createHostApplier, type HostApplier, type HostResult } from '../apply/apply-host.ts';
import { createAssignedIdentityWriter } from '../apply/assigned-identity-writer.ts';
import type { ConditionsWriter } from '../tell/conditions-writer.ts';
import { createEchoes } from '../apply/echoes.ts';
import type { Ledger } from '../apply/ledger.ts';
import type { HostMemory } from '../apply/memory.ts';
import type { Report } from '../tell/events.ts';
import { reportLeftOut } from '../tell/report-left-out.ts';
import { reportHost, type Affected } from '../tell/report-host.ts';
import { reportSkip, reportStep } from '../tell/report.ts';
import type { ControllerDeps } from './deps.ts';
import type { Meter } from '../tell/meter.ts';
import { skipsOf } from '../plan/desired.ts';
import { saysAssigned } from '../plan/diff.ts';
import type { AssignedView, PodKey } from '../snapshot/views.ts';
import type { ClusterIndex, SharedKind } from '../snapshot/index/cluster-index.ts';
import type { ClusterView } from '../snapshot/watch/cluster-view.ts';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import { isCarried } from '../snapshot/facts/host-facts.ts';

export interface TermState {
  readonly term: LeaderTerm;
  readonly view: ClusterView;
  readonly index: ClusterIndex;
  readonly memory: HostMemory;
  readonly ledger: Ledger;
}

/** Who is told of what was done, besides people. */
export interface Told {
  readonly meter: Meter;
  readonly conditions: ConditionsWriter;
}

export interface Appliers {
  readonly assignments: AssignmentsApplier;
  readonly hosts: HostApplier;
  readonly onPlanned: (pods: readonly PodKey[]) => void;
}

/**
 * Lines on pods that get nothing, since each change of an identity or binding tells all its pods again; and on objects that are
 * removed.
 */
const linesOfNamespace = { burst: 100, perSecond: 5 };

export function createAppliers(deps: ControllerDeps, state: TermState, told: Told): Appliers {
  const publish = ({ events, lines }: Report) => {
    for (const { level, fields, message } of lines) deps.log[level](fields, message);
    // An Event is a write as well: none after the term, however long it has waited by then. The next leader tells it.
    for (const event of events) deps.events.record(event, undefined, () => state.term.holds());
  };
  const voice = { ...told, publish };
  tellLeftOut(state, voice);
  const budgets = createBudgets(linesOfNamespace);
  const removals = createBudgets(linesOfNamespace);
  const publishRemoval = (namespace: string, report: Report) =>
    publish(removals.take(namespace, deps.clock.now()) ? report : { ...report, lines: [] });
  return {
    assignments: createAssignments(deps, state, { ...voice, publishRemoval }),
    hosts: createHosts(deps, state, voice),
    onPlanned(pods) {
      for (const skip of pods.flatMap((pod) => skipsOf(state.index, pod))) {
        const report = reportSkip(skip);
        const isWritten = report.lines.length > 0 && budgets.take(skip.pod.namespace, deps.clock.now());
        publish(isWritten ? report : { ...report, lines: [] });
      }
    },
  };
}

/** The objects that are left out already, and those that will be. */
function tellLeftOut({ view, term }: TermState, { conditions, publish }: Voice): void {
  const tell = (kind: SharedKind, object: LeftOut) => {
    publish(reportLeftOut(kind, object));
    conditions.concern(kind, [object.key]);
  };
  term.signal.addEventListener('abort', view.leftOut.tell(tell), { once: true });
}

type Voice = Told & { readonly publish: (report: Report) => void };

/** Of an object in a namespace, whose editor may write any number of them for MIC to remove. */
type RemovalVoice = Voice & { readonly publishRemoval: (namespace: string, report: Report) => void };

function createAssignments(
  deps: ControllerDeps,
  state: TermState,
  { meter, publish, publishRemoval }: RemovalVoice,
): AssignmentsApplier {
  const { clock, settings, transport } = deps;
  const { index, memory, term, view } = state;
  const now = () => clock.now();
  const echoes = createEchoes(now);
  const stopListening = view.onAssigned((key, object) => echoes.heard(key, object));
  term.signal.addEventListener('abort', stopListening, { once: true });
  const resource = createResource<AzureAssignedIdentity>(transport, resources.AzureAssignedIdentity);
  return createAssignmentsApplier({
    writer: createAssignedIdentityWriter({ resource, term }),
    echoes,
    writesAtOnce: settings.writesPerHost,
    memory,
    seen: (key) => index.assigned(key),
    now,
    recordAfterMs: settings.recordAfterMs,
    onNameTaken: (key) => view.nameTaken(key),
    report(result, host) {
      meter.step(result);
      const { forceNamespaced } = index.rules;
      const report = reportStep(result, { host, micPrincipalId: settings.principalId(), forceNamespaced });
      if (result.step.kind === 'delete') publishRemoval(result.step.current.namespace, report);
      else publish(report);
    },
  });
}

function createHosts(deps: ControllerDeps, state: TermState, { conditions, publish }: Voice): HostApplier {
  const { index, memory, ledger, term } = state;
  return createHostApplier({
    identities: deps.hosts,
    ledger,
    memory,
    term,
    now: () => deps.clock.now(),
    random: deps.random,
    isNeeded: (host, identity) => index.need(host).has(identity),
    needed: (host) => index.need(host).keys(),
    claimants: (identity) => index.claimants(identity),
    onLedgerTrouble: (host, outcome) =>
      deps.log.warn({ host: host.id, outcome }, 'host record was not written'),
    report(result: HostResult) {
      publish(
        reportHost(result, (ids) => ({
          ...affectedBy(index, result.host.id, ids),
          micPrincipalId: deps.settings.principalId(),
        })),
      );
      conditions.concern('AzureIdentity', index.concernedBy(result.host.id));
      index.markDirty(podsMisled(index, result.host.id, result.after));
    },
  });
}

/** Whom to tell that identities were refused on a host: their AzureIdentities, and the pods whose objects wait already. */
function affectedBy(
  index: ClusterIndex,
  host: ResourceId,
  ids: ReadonlySet<ResourceId>,
): Omit<Affected, 'micPrincipalId'> {
  // Others may name the same resource: what was refused on a host is told to those whose pods use it there.
  const users = index.concernedBy(host);
  const identities = [...ids].flatMap((resourceId) =>
    [...index.identitiesFor(resourceId).intersection(users)].flatMap((key) => {
      const view = index.identity(key);
      if (view?.kind !== 'valid') return [];
      const { namespace = '', name, uid } = view.identity.metadata;
      return [{ resourceId, namespace, name, ...(uid === undefined ? {} : { uid }) }];
    }),
  );
  const pods = [...index.waitingOn(host)].flatMap((key) => {
    const pod = index.pod(key);
    const refused = index
      .assignedOf(key)
      .find(({ resourceId }) => resourceId !== undefined && ids.has(resourceId));
    return pod && refused?.resourceId ? [{ pod, resourceId: refused.resourceId }] : [];
  });
  return { identities, pods };
}

/** Pods with a record that says Assigned of what the host lacks. The others wait already, and are planned with each pass. */
function podsMisled(index: ClusterIndex, host: ResourceId, facts: HostFacts): readonly PodKey[] {
  const lacking = new Set([...index.need(host).keys()].filter((id) => !isCarried(facts, id)));
  if (facts.present === undefined || lacking.size === 0) return [];
  const misleads = (view: AssignedView) =>
    view.resourceId !== undefined && lacking.has(view.resourceId) && saysAssigned(view);
  return [...index.podKeysOn(host)].filter((key) => index.assignedOf(key).some(misleads));
}
