// The writers of a term and their reports.
import { resources, type AzureAssignedIdentity, type ResourceId } from '@pod-identity/crd-types';
import { createBudgets } from '@pod-identity/kit/core';
import { createResource, type KubeTransport, type LeaderTerm } from '@pod-identity/kit/kube';
import type { Ambient } from '@pod-identity/kit/serve';
import { createAssignmentsApplier, type AssignmentsApplier } from '../apply/apply-assignments.ts';
import { HostChanger } from '../apply/apply-host.ts';
import { AssignedIdentityWriter } from '../apply/assigned-identity-writer.ts';
import type { HostIdentities } from '../apply/host-identities.ts';
import type { Ledger } from '../apply/ledger.ts';
import type { HostMemory } from '../apply/memory.ts';
import type { Mirror } from '../apply/mirror.ts';
import { affectedBy, podsMisled } from '../plan/affected.ts';
import type { Known } from '../plan/records.ts';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { ConditionsWriter } from '../tell/conditions-writer.ts';
import type { Meter } from '../tell/meter.ts';
import type { Publish } from '../tell/events.ts';
import { reportHost } from '../tell/report-host.ts';
import { reportStep } from '../tell/report.ts';

interface ApplierOptions {
  readonly term: LeaderTerm;
  readonly index: ClusterIndex;
  readonly memory: HostMemory;
  readonly now: () => number;
  readonly publish: Publish;
  readonly principalId: () => string | undefined;
}

export interface AssignmentsOptions extends ApplierOptions {
  /** Its writes are fenced by the lease. */
  readonly transport: KubeTransport;
  readonly mirror: Mirror;
  readonly writesPerHost: number;
  readonly recordAfterMs: number;
  readonly meter: Meter;
}

/** Lines of a namespace: an editor can forge any number of objects, which MIC removes. */
const linesOfRemovals = { burst: 100, perSecond: 5 };

/** Writes the AzureAssignedIdentities of a host's pods. */
export function createAssignments(options: AssignmentsOptions): AssignmentsApplier {
  const { term, index, memory, now, publish, principalId, transport, mirror, meter } = options;
  const removals = createBudgets(linesOfRemovals);
  const resource = createResource<AzureAssignedIdentity>(transport, resources.AzureAssignedIdentity);
  return createAssignmentsApplier({
    writer: new AssignedIdentityWriter(resource, term),
    mirror,
    writesAtOnce: options.writesPerHost,
    memory,
    signal: term.signal,
    now,
    recordAfterMs: options.recordAfterMs,
    report(result, host) {
      meter.step(result);
      const { forceNamespaced } = index.rules;
      const report = reportStep(result, { host, micPrincipalId: principalId(), forceNamespaced });
      const { step } = result;
      const isQuiet = step.kind === 'delete' && !removals.take(step.current.namespace, now());
      publish(isQuiet ? { ...report, lines: [] } : report);
    },
  });
}

export interface HostsOptions extends ApplierOptions, Pick<Ambient, 'random' | 'log'> {
  readonly records: Known['records'];
  readonly identities: HostIdentities;
  readonly ledger: Pick<Ledger, 'save'>;
  readonly conditions: Pick<ConditionsWriter, 'concern'>;
}

/** Changes the identities of a host in Azure. */
export function createHosts(options: HostsOptions): HostChanger {
  const { term, index, memory, now, publish, principalId, identities, ledger, random } = options;
  return new HostChanger({
    identities,
    ledger,
    memory,
    term,
    now,
    random,
    isNeeded: (host, identity) => index.need(host).has(identity),
    granted: (host) => index.granted(host).keys(),
    claimants: (identity) => index.objects.claimants(identity),
    onRecordNotSaved: (host, outcome) =>
      options.log.warn({ host: host.id, outcome }, 'host record was not written'),
    report(result) {
      const { id } = result.host;
      const affected = (ids: ReadonlySet<ResourceId>) => ({
        ...affectedBy(options, id, ids),
        micPrincipalId: principalId(),
      });
      publish(reportHost(result, affected));
      options.conditions.concern('AzureIdentity', index.concernedBy(id));
      index.markDirty(podsMisled(options, id, result.after));
    },
  });
}
