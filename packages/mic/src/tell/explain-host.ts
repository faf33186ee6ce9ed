import { hostName, type Host, type ResourceId } from '@pod-identity/crd-types';
import { info, ok, problem, waiting, type Finding } from '@pod-identity/policy';
import type { HostFacts, Quarantine, ReportedFailure } from '../snapshot/facts/facts.ts';
import type { ObjectReference } from '../snapshot/views.ts';
import { isCarried, isMisstated } from '../snapshot/facts/host-facts.ts';
import { nextAttemptAt } from '../snapshot/facts/strikes.ts';
import { clientIdRemedy, hostRemedy, remedyFor } from './remedy.ts';

export interface HostCase {
  readonly id: ResourceId;
  readonly host: Host;
  readonly facts: HostFacts | undefined;
  readonly now: number;
  readonly statedClientId?: string | undefined;
  /** The AzureIdentity. */
  readonly identity: Pick<ObjectReference, 'namespace' | 'name' | 'generation'> &
    Partial<Pick<ObjectReference, 'conditions'>>;
  readonly micPrincipalId?: string | undefined;
  readonly lacksRecords?: boolean;
  readonly lacksAzure?: boolean;
}

/** Whether the host has the identity, whether MIC may attach it, and the obstacles. */
export function explainHost(given: HostCase): Finding[] {
  return [
    ...(given.lacksRecords === true ? [recordsLacking] : []),
    ...explainCarrying(given),
    ...(isReportedMisstated(given) ? [misstated(given)] : []),
  ];
}

/** Where the host was not looked at, MIC's condition tells, if it is about the object's last change. */
function isReportedMisstated({ facts, identity: { conditions = [], generation } }: HostCase): boolean {
  if (facts?.present !== undefined) return false;
  return conditions.some(
    ({ type, reason, observedGeneration }) =>
      type === 'Ready' && reason === 'ClientIDMismatch' && observedGeneration === generation,
  );
}

function explainCarrying(given: HostCase): Finding[] {
  const { id, host, facts, statedClientId } = given;
  if (isCarried(facts, id)) {
    const carried = [permitted, attachedBy(given)];
    return isMisstated(facts, id, statedClientId) ? [...carried, misstated(given)] : carried;
  }
  const quarantine = facts?.quarantined.get(id);
  if (quarantine) return refused(quarantine, given);
  const failure = failureOf(facts);
  if (failure) return [unknownPermission, hostFailed(failure, given)];
  if (given.lacksAzure === true) return [unseen(given)];
  if (facts?.present === undefined) {
    return [unknownPermission, waiting('host', `what ${hostName(host)} carries has not been read yet`)];
  }
  return [
    unknownPermission,
    waiting('host', `${hostName(host)} ${comingTo(facts, given)}${held(facts, given)}`),
    ...struck(facts, given),
  ];
}

/** Of this term, else of the record. */
const failureOf = (facts: HostFacts | undefined) => facts?.lastFailure ?? facts?.reportedFailure;

function comingTo(facts: HostFacts, { id }: HostCase): string {
  if (facts.present?.has(id) !== true) return 'does not carry it yet: MIC will attach it';
  if (!facts.unapplied.has(id)) return 'carries what is left of a deleted identity: MIC will attach it';
  return facts.failed
    ? 'lists it, and the update that put it there has failed in Azure: MIC sends it again'
    : 'lists it, and the update that puts it there is not known to have succeeded: MIC waits for its end';
}

const recordsLacking = info('host', 'MIC’s records about its hosts were not found');
/** For a host without a recorded failure. */
const unseen = ({ host }: HostCase): Finding =>
  info(
    'host',
    `what ${hostName(host)} carries was not looked at, since that takes access to Azure; the state of the AzureAssignedIdentity is what MIC has last seen`,
  );
const permitted: Finding = ok('permission', 'Azure let it be attached');
const unknownPermission: Finding = info('permission', 'not known before it was attached once');

function misstated({ id, host, identity }: HostCase): Finding {
  const text = `the AzureIdentity states another clientID than ${hostName(host)} lists for its resourceID`;
  return problem('identity', text, clientIdRemedy(id, identity));
}

function attachedBy({ id, host, facts, lacksRecords }: HostCase): Finding {
  const others =
    lacksRecords === true ? 'by whom is not known' : 'by somebody else: MIC will never remove it';
  return ok(
    'host',
    `${hostName(host)} carries it, attached ${facts?.ours.has(id) === true ? 'by MIC' : others}`,
  );
}

function refused(quarantine: Quarantine, given: HostCase): Finding[] {
  const { code, message, failures } = quarantine;
  const remedy = remedyFor({ ...given, code });
  const isDenied = code === 'LinkedAuthorizationFailed';
  const permission = isDenied
    ? problem('permission', 'MIC has no right to assign this identity')
    : unknownPermission;
  const text = `${hostName(given.host)} does not carry it: Azure refused with ${code}, ${times(failures)}, ${next(quarantine.until, given)}`;
  return [permission, { ...problem('host', text, remedy), quote: message }];
}

function hostFailed({ kind, message, ...why }: ReportedFailure, given: HostCase): Finding {
  const { host, facts } = given;
  const text = `${hostName(host)} could not be read or changed (${kind}), ${next(facts?.notBefore ?? 0, given)}`;
  const remedy = hostRemedy({ ...given, ...why, kind });
  const isWaiting = kind === 'throttled' || kind === 'busy' || kind === 'unavailable';
  return { topic: 'host', verdict: isWaiting ? 'waiting' : 'problem', text, quote: message, remedy };
}

/** Why it may be delayed. */
function struck(facts: HostFacts, { identity: { namespace }, now }: HostCase): Finding[] {
  if (!facts.strikes.has(namespace)) return [];
  const at = nextAttemptAt(facts.strikes, namespace, now);
  const when = at > now ? `, the next one in ${Math.ceil((at - now) / 1000)} s` : '';
  const text = `Azure refused identities of namespace ${namespace} there: what else it asks for is tried apart from others'${when}`;
  return [info('host', text)];
}

function held(facts: HostFacts, given: HostCase): string {
  return facts.notBefore > given.now ? `, ${next(facts.notBefore, given)}` : '';
}

function next(until: number, { now }: HostCase): string {
  if (until <= now) return 'to be tried again now';
  const seconds = Math.ceil((until - now) / 1000);
  return `to be tried again in ${seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`}`;
}

function times(count: number): string {
  return count === 1 ? 'once so far' : `${count} times so far`;
}
