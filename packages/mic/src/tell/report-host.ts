// Reports of reads and changes of a host: Events for the owners of rejected identities and of waiting pods, and log lines.
import type { ResourceId } from '@pod-identity/crd-types';
import type { Affected } from '../plan/affected.ts';
import type { HostFacts, LastFailure, Quarantine } from '../snapshot/facts/facts.ts';
import { keyOf } from '../snapshot/keys.ts';
import type { HostResult } from '../apply/apply-host.ts';
import { describeHost, event, line, nothing, onIdentity, onPod, rejection, type Report } from './events.ts';

export interface Concerned extends Affected {
  readonly micPrincipalId: string | undefined;
}

export function reportHost(
  result: HostResult,
  affectedBy: (ids: ReadonlySet<ResourceId>) => Concerned,
): Report {
  const { before, after } = result;
  const reports = [
    ...(result.kind === 'changed' ? [changeLine(result)] : []),
    ...(after.lastFailure && after.lastFailure !== before.lastFailure
      ? [failureLine(result, after.lastFailure)]
      : []),
    rejections(result, newlyRejected(before, after), affectedBy),
    ...(isLateNews(result) ? [lateFailure(result, affectedBy)] : []),
  ];
  return { events: reports.flatMap(({ events }) => events), lines: reports.flatMap(({ lines }) => lines) };
}

function changeLine(result: Extract<HostResult, { kind: 'changed' }>): Report {
  const { attach, again = [], renew, detach, withdraw = [] } = result.change;
  const { patches, rejected } = result.outcome;
  const fields = {
    host: result.host.id,
    attach,
    ...(again.length > 0 && { again }),
    ...(renew.length > 0 && { renew }),
    ...(detach.length > 0 && { detach }),
    ...(withdraw.length > 0 && { withdraw }),
    ...(rejected.length > 0 && { rejected: rejected.map(({ id, code }) => ({ id, code })) }),
    patches,
    ms: result.ms,
  };
  const verb = result.outcome.refusal ? 'not changed' : 'changed';
  return line('info', fields, `identities of ${describeHost(result.host)} ${verb}`);
}

function failureLine({ host, after, at }: HostResult, { kind, message }: LastFailure): Report {
  const pause = after.notBefore > at ? { forSeconds: Math.ceil((after.notBefore - at) / 1000) } : {};
  const fields = { host: host.id, kind, why: message, ...pause };
  return line('warn', fields, `${describeHost(host)} is left alone for now`);
}

function rejections(
  { host, at }: HostResult,
  quarantined: ReadonlyMap<ResourceId, Quarantine>,
  affectedBy: (ids: ReadonlySet<ResourceId>) => Concerned,
): Report {
  if (quarantined.size === 0) return nothing;
  const { pods, identities, micPrincipalId } = affectedBy(new Set(quarantined.keys()));
  const hostText = describeHost(host);
  const messageFor = (name: string, id: ResourceId) => {
    const quarantine = quarantined.get(id);
    return quarantine ? rejection(quarantine, { name, hostText, id, micPrincipalId }) : '';
  };
  return {
    events: [
      ...identities.map((identity) =>
        event('IdentityRejected', messageFor(keyOf(identity), identity.resourceId), onIdentity(identity)),
      ),
      ...pods.map(({ pod, resourceId }) =>
        event('IdentityRejected', messageFor(resourceId, resourceId), onPod(pod)),
      ),
    ],
    lines: [...quarantined].map(([id, { code, message, until, failures }]) => ({
      level: 'warn',
      fields: {
        host: host.id,
        identity: id,
        code,
        why: message,
        failures,
        forSeconds: Math.ceil((until - at) / 1000),
      },
      message: 'identity rejected by Azure',
    })),
  };
}

/** Once for each series of failures in a term: later pods get the report when their objects are written. */
function isLateNews({ before, after }: HostResult): boolean {
  return after.lateFailures > before.lateFailures && (before.lateFailures === 0 || !before.lastFailure);
}

/** For pods whose objects were written during the update. */
function lateFailure(
  { host, after }: HostResult,
  affectedBy: (ids: ReadonlySet<ResourceId>) => Concerned,
): Report {
  const why = after.lastFailure?.message ?? '';
  const events = affectedBy(after.unapplied).pods.map(({ pod, resourceId }) =>
    event(
      'WaitingForIdentity',
      `identity ${resourceId} cannot be attached to ${describeHost(host)} yet: ${why}`,
      onPod(pod),
    ),
  );
  return { events, lines: [] };
}

function newlyRejected(before: HostFacts, after: HostFacts): ReadonlyMap<ResourceId, Quarantine> {
  return new Map(
    [...after.quarantined].filter(([id, { failures }]) => before.quarantined.get(id)?.failures !== failures),
  );
}
