// The writers of a term and their reports.
import { resources, type AzureAssignedIdentity, type ResourceId } from '@pod-identity/crd-types';
import { createBudgets } from '@pod-identity/kit/core';
import { createResource } from '@pod-identity/kit/kube';
import { createAssignmentsApplier, type AssignmentsApplier } from '../apply/apply-assignments.ts';
import { HostChanger } from '../apply/apply-host.ts';
import { AssignedIdentityWriter } from '../apply/assigned-identity-writer.ts';
import type { Mirror } from '../apply/mirror.ts';
import { affectedBy, podsMisled } from '../plan/affected.ts';
import type { Known } from '../plan/records.ts';
import type { ConditionsWriter } from '../tell/conditions-writer.ts';
import { reportHost } from '../tell/report-host.ts';
import { reportStep } from '../tell/report.ts';
import type { TermParts } from './parts.ts';

/** Lines of a namespace: an editor can forge any number of objects, which MIC removes. */
const linesOfRemovals = { burst: 100, perSecond: 5 };

/** Writes the AzureAssignedIdentities of a host's pods. */
export function createAssignments(parts: TermParts, mirror: Mirror): AssignmentsApplier {
  const { term, index, memory, now, publish, transport, meter, settings } = parts;
  const removals = createBudgets(linesOfRemovals);
  const resource = createResource<AzureAssignedIdentity>(transport, resources.AzureAssignedIdentity);
  return createAssignmentsApplier({
    writer: new AssignedIdentityWriter(resource, term),
    mirror,
    writesAtOnce: settings.writesPerHost,
    memory,
    signal: term.signal,
    now,
    recordAfterMs: settings.recordAfterMs,
    report(result, host) {
      meter.step(result);
      const { forceNamespaced } = index.rules;
      const report = reportStep(result, { host, micPrincipalId: settings.principalId(), forceNamespaced });
      const { step } = result;
      const isQuiet = step.kind === 'delete' && !removals.take(step.current.namespace, now());
      publish(isQuiet ? { ...report, lines: [] } : report);
    },
  });
}

/** Changes the identities of a host in Azure. */
export function createHosts(
  parts: TermParts,
  records: Known['records'],
  conditions: ConditionsWriter,
): HostChanger {
  const { term, index, memory, now, publish, hosts: identities, ledger, random, log, settings } = parts;
  const known = { index, records };
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
    onRecordNotSaved: (host, outcome) => log.warn({ host: host.id, outcome }, 'host record was not written'),
    report(result) {
      const { id } = result.host;
      const affected = (ids: ReadonlySet<ResourceId>) => ({
        ...affectedBy(known, id, ids),
        micPrincipalId: settings.principalId(),
      });
      publish(reportHost(result, affected));
      conditions.concern('AzureIdentity', index.concernedBy(id));
      index.markDirty(podsMisled(known, id, result.after));
    },
  });
}
