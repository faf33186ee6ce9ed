// What each pod waits for, and why.
import type { AzureIdentity, Mismatch } from '@pod-identity/crd-types';
import type { Rules } from '../rights/modes.ts';
import { allowReviews } from '../rights/rights.ts';
import type { Pair, Right } from '../rights/verdicts.ts';
import { keyOf } from '../cluster/fields.ts';
import { itemsOf } from '../cluster/lists.ts';
import type { ClusterRead, PodRead } from '../cluster/read-cluster.ts';
import { isManaged } from '../cluster/services.ts';
import { byState, unknownCause, type Causes, type Found } from './causes.ts';
import { isFederated, missedCredential, type Missed } from './credentials.ts';
import type { Refusal } from './judge-identities.ts';
import { createMatching, isAssigned, recordsByPod, type Matching } from './matching.ts';
import { mismatchCause, misspeltLabel, rightless, unassigned } from './pod-causes.ts';
import type { PodRow } from './report.ts';

export interface Judged {
  readonly read: ClusterRead;
  readonly rules: Rules;
  readonly rightOf: (request: Pair) => Right;
  readonly causes: Causes;
  readonly refusals: ReadonlyMap<string, Refusal>;
  readonly missed?: Missed | undefined;
}

interface World extends Judged {
  readonly matching: Matching;
  readonly recorded: ReturnType<typeof recordsByPod>;
}

export const isDenied = (
  list: ClusterRead['bindings' | 'identities' | 'records' | 'pods' | 'nodes'],
): boolean => list.kind === 'not-read' && list.why === 'denied';

export function judgePods(judged: Judged): readonly PodRow[] {
  const world = worldOf(judged);
  return itemsOf(judged.read.pods)
    .filter(({ isFinished }) => !isFinished)
    .map((pod) => rowOf(pod, world))
    .filter((row) => row !== undefined);
}

const worldOf = (judged: Judged): World => ({
  ...judged,
  matching: createMatching(judged.read, judged.rules),
  recorded: recordsByPod(judged.read),
});

/** For the story of one pod. */
export function judgePod(pod: PodRead, judged: Judged) {
  const world = worldOf(judged);
  const reaches = reachOf(pod, countsAsExempt(pod, world));
  const uses = new Map(
    world.matching
      .of(pod)
      .matches.map(({ identity }) => [keyOf(identity.metadata), useOf(pod, identity, world)] as const),
  );
  const found = reaches === '' ? [...uses.values()].flat() : machineRightless(pod, world);
  return { reaches, uses, doubt: found.find(({ state }) => state === 'unknown') };
}

/** Undefined for a pod that is to have nothing. */
function rowOf(pod: PodRead, world: World): PodRow | undefined {
  const { matching, causes } = world;
  const isExempt = countsAsExempt(pod, world);
  const isMeant = isExempt || matching.isMeant(pod);
  const misspelt = isMeant ? undefined : misspeltLabel(pod);
  if (!isMeant && misspelt === undefined) return undefined;
  const reaches = isMeant ? reachOf(pod, isExempt) : '';
  const found = misspelt ? [misspelt] : foundFor(pod, reaches !== '', world);
  for (const one of found) causes.add(one, keyOf(pod));
  const { state, text: why } = found.toSorted(byState)[0] ?? { state: 'ok', text: reaches };
  const matches = reaches === '' ? matching.of(pod).matches : [];
  const identities = matches.map(({ identity }) => keyOf(identity.metadata));
  const bindings = matches.map(({ binding }) => keyOf(binding.metadata));
  const { serviceAccount, nodeName: node } = pod;
  const host = matching.hostOf(pod);
  return { pod: keyOf(pod), serviceAccount, identities, bindings, host, node, state, why };
}

/** In mode `rbac` bindings count where the ServiceAccount may not use the machine. */
const countsAsExempt = (pod: PodRead, { matching, rightOf }: World): boolean =>
  matching.isExempt(pod) &&
  (matching.of(pod).matches.length === 0 ||
    matching.machineRequests(pod).every((request) => rightOf(request) !== 'refused'));

function reachOf({ isOnHostNetwork }: PodRead, isExempt: boolean): string {
  if (isOnHostNetwork)
    return 'is on the host network: it reaches the machine’s own identities, and NMI does not see it';
  return isExempt ? 'an AzurePodIdentityException lets it reach the machine’s own identities' : '';
}

function machineRightless(pod: PodRead, { matching, read, rightOf, rules }: World): readonly Found[] {
  if (pod.isOnHostNetwork) return [];
  if (isDenied(read.nodes) && matching.modeOf(pod.namespace) === 'rbac') return [noMachine];
  return matching.machineRequests(pod).flatMap((request) => {
    const right = rightOf(request);
    if (right === 'allowed') return [];
    if (right === 'unknown') return [noRights];
    return [rules.isKnown ? rightless(pod, undefined, { targets: [request.target] }) : noFlags];
  });
}

const noMachine: Found = {
  ...unknownCause(
    'whether exempt pods may use the machine of their node is not known: you may not list nodes',
  ),
  key: 'right on machine',
};

function foundFor(pod: PodRead, isReaching: boolean, world: World): readonly Found[] {
  const { matching, read, causes } = world;
  if (isReaching) return machineRightless(pod, world);
  if (isDenied(read.identities) || isDenied(read.bindings)) return [noBindings];
  const { matches, mismatches } = matching.of(pod);
  const misses = mismatches
    .filter(({ reason }) => reason !== 'shadowed' && !(matches.length > 0 && reason === 'other-namespace'))
    .map((mismatch) => missOf(pod, mismatch, world));
  if (matches.length === 0) return misses;
  const ofServices = [`agent ${pod.nodeName}`, 'service nmi'].map((key) => causes.get(key));
  return [
    ...misses,
    ...matches.flatMap(({ identity }) => [
      ...credentialOf(pod, identity, world),
      ...useOf(pod, identity, world),
    ]),
    ...ofServices.filter((cause) => cause !== undefined),
  ];
}

export const noBindings: Found = unknownCause(
  'which bindings select pods is not known: you may not list AzureIdentities and AzureIdentityBindings',
);

/** Of objects of its own the cause is there already. */
function missOf(pod: PodRead, mismatch: Mismatch, { causes, refusals, matching }: World): Found {
  const { reason, binding = '', identity = '' } = mismatch;
  const known =
    reason === 'identity-missing'
      ? (refusals.get(identity)?.cause ?? causes.get(`AzureIdentityBinding ${binding}`))
      : undefined;
  return known ?? mismatchCause(pod, mismatch, matching.lookupOf(pod, mismatch));
}

const credentialOf = (pod: PodRead, identity: AzureIdentity, { missed, read }: World): readonly Found[] =>
  isFederated(identity) && missed?.pods.has(keyOf(pod)) === true
    ? [missedCredential(identity, read, missed)]
    : [];

function useOf(pod: PodRead, identity: AzureIdentity, world: World): readonly Found[] {
  const name = keyOf(identity.metadata);
  const record = recordOf(pod, name, world);
  const refusal = world.refusals.get(name);
  const missing = missingRight(pod, identity, world);
  if (missing !== undefined && missing !== noRights) return [missing];
  if (isAssigned(record)) return refusal?.isFinal === true ? [refusal.cause] : [];
  if (refusal !== undefined && !refusal.isOfRights) return [refusal.cause];
  if (missing !== undefined) return [missing];
  return refusal === undefined ? withoutRecord(pod, name, world) : [refusal.cause];
}

const recordOf = (pod: PodRead, identity: string, { recorded }: World) =>
  recorded.get(keyOf(pod))?.get(identity);

function missingRight(pod: PodRead, identity: AzureIdentity, world: World): Found | undefined {
  const rights = world.matching.requests(pod, identity).map(world.rightOf);
  const isSure = world.rules.isKnown || isFederated(identity);
  if (rights.includes('refused')) return isSure ? rightless(pod, identity) : noFlags;
  return rights.includes('unknown') ? noRights : undefined;
}

const noRights: Found = {
  ...unknownCause('whether ServiceAccounts may use identities is not known: you may not ask'),
  key: 'right unknown',
  remedy: {
    text: 'an administrator can tell, or allow you to ask, with a ClusterRoleBinding of this role to you',
    command: allowReviews,
  },
};

const noFlags: Found = {
  ...unknownCause('whether rights decide about identities is not known: the flags of MIC and NMI are not'),
  key: 'right by flags',
};

function withoutRecord(pod: PodRead, name: string, world: World): readonly Found[] {
  const { read, causes } = world;
  const { services, records } = read;
  const noMic = causes.get('service mic');
  if (noMic !== undefined) return [noMic];
  // The operator attaches identities.
  if (services.mic.length === 0 && (services.nmi.some(isManaged) || services.unknown.length === 0)) return [];
  return isDenied(records)
    ? [unknownCause('what MIC has assigned is not known: you may not list AzureAssignedIdentities')]
    : [unassigned(pod, name, recordOf(pod, name, world))];
}
