import { hostName, type Host, type ResourceId } from '@pod-identity/crd-types';
import { info, inMic, ok, problem, waiting, type Finding } from '@pod-identity/policy';
import type { HostFacts, LastFailure, Quarantine } from '../snapshot/facts/facts.ts';
import { isCarried, isMisstated } from '../snapshot/facts/host-facts.ts';
import { nextAttemptAt } from '../snapshot/facts/strikes.ts';
import { clientIdRemedy, hostRemedy, remedyFor } from './remedy.ts';

export interface HostQuestion {
  readonly id: ResourceId;
  readonly host: Host;
  readonly facts: HostFacts | undefined;
  readonly now: number;
  readonly statedClientId?: string | undefined;
  /** Of the AzureIdentity. */
  readonly namespace: string;
  readonly micPrincipalId?: string | undefined;
  readonly lacksRecords?: boolean;
}

/** Whether the host has the identity, whether MIC may attach it, and the obstacles. */
export function explainHost(question: HostQuestion): Finding[] {
  return [...(question.lacksRecords === true ? [recordsLacking] : []), ...explainCarrying(question)];
}

function explainCarrying(question: HostQuestion): Finding[] {
  const { id, host, facts, statedClientId } = question;
  if (isCarried(facts, id)) {
    const carried = [permitted, attachedBy(question)];
    return isMisstated(facts, id, statedClientId) ? [...carried, misstated(question)] : carried;
  }
  const quarantine = facts?.quarantined.get(id);
  if (quarantine) return refused(quarantine, question);
  if (facts?.lastFailure) return [unknownPermission, hostFailed(facts.lastFailure, question)];
  if (facts?.present === undefined) {
    return [unknownPermission, waiting('host', `what ${hostName(host)} carries has not been read yet`)];
  }
  return [
    unknownPermission,
    waiting('host', `${hostName(host)} ${comingTo(facts, question)}${held(facts, question)}`),
    ...struck(facts, question),
  ];
}

function comingTo(facts: HostFacts, { id }: HostQuestion): string {
  if (facts.present?.has(id) !== true) return 'does not carry it yet: MIC will attach it';
  if (!facts.unapplied.has(id)) return 'carries what is left of a deleted identity: MIC will attach it';
  return facts.failed
    ? 'lists it, and the update that put it there has failed in Azure: MIC sends it again'
    : 'lists it, and the update that puts it there is not known to have succeeded: MIC waits for its end';
}

const recordsLacking = info('host', 'MIC’s records about its hosts were not found', {
  text: 'set MIC_POD_NAMESPACE to the namespace of MIC, or ask in its pod',
  command: inMic('explain NAMESPACE/POD'),
});
const permitted: Finding = ok('permission', 'Azure let it be attached');
const unknownPermission: Finding = info('permission', 'not known before it was attached once');

function misstated({ id, host }: HostQuestion): Finding {
  const text = `the AzureIdentity states another clientID than ${hostName(host)} lists for its resourceID`;
  return problem('identity', text, clientIdRemedy(id));
}

function attachedBy({ id, host, facts, lacksRecords }: HostQuestion): Finding {
  const others =
    lacksRecords === true ? 'by whom is not known' : 'by somebody else: MIC will never remove it';
  return ok(
    'host',
    `${hostName(host)} carries it, attached ${facts?.ours.has(id) === true ? 'by MIC' : others}`,
  );
}

function refused(quarantine: Quarantine, question: HostQuestion): Finding[] {
  const { code, message, failures } = quarantine;
  const remedy = remedyFor({ ...question, code });
  const isDenied = code === 'LinkedAuthorizationFailed';
  const permission = isDenied
    ? problem('permission', 'MIC has no right to assign this identity')
    : unknownPermission;
  const text = `${hostName(question.host)} does not carry it: Azure refused with ${code}, ${times(failures)}, ${next(quarantine.until, question)}`;
  return [permission, { ...problem('host', text, remedy), quote: message }];
}

function hostFailed(lastFailure: LastFailure, question: HostQuestion): Finding {
  const { kind, message, lacksToken } = lastFailure;
  const { host, facts } = question;
  const text = `${hostName(host)} could not be read or changed (${kind}), ${next(facts?.notBefore ?? 0, question)}`;
  const remedy = hostRemedy({ ...question, kind, lacksToken });
  const isWaiting = kind === 'throttled' || kind === 'busy' || kind === 'unavailable';
  return { topic: 'host', verdict: isWaiting ? 'waiting' : 'problem', text, quote: message, remedy };
}

/** Why it may be delayed. */
function struck(facts: HostFacts, { namespace, now }: HostQuestion): Finding[] {
  if (!facts.strikes.has(namespace)) return [];
  const at = nextAttemptAt(facts.strikes, namespace, now);
  const when = at > now ? `, the next one in ${Math.ceil((at - now) / 1000)} s` : '';
  const text = `Azure refused identities of namespace ${namespace} there: what else it asks for is tried apart from others'${when}`;
  return [info('host', text)];
}

function held(facts: HostFacts, question: HostQuestion): string {
  return facts.notBefore > question.now ? `, ${next(facts.notBefore, question)}` : '';
}

function next(until: number, { now }: HostQuestion): string {
  if (until <= now) return 'to be tried again now';
  const seconds = Math.ceil((until - now) / 1000);
  return `to be tried again in ${seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`}`;
}

function times(count: number): string {
  return count === 1 ? 'once so far' : `${count} times so far`;
}
