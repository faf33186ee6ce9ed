// Reads what the plans are made of.
import {
  canonicalise,
  parseAzureIdentity,
  problemTexts,
  resources,
  type AccessSubject,
  type AccessTarget,
  type AzureIdentity,
} from '@pod-identity/crd-types';
import { clusterKinds } from '@pod-identity/kit/core';
import { createAccessReviewer } from '@pod-identity/kit/kube';
import { targetsOf } from '@pod-identity/policy';
import { CommandProblem } from '../cli/command.ts';
import { fieldAt, keyOf, listAt, type ObjectName } from '../cluster/fields.ts';
import { getAllowed, itemsOf, unknownOf, type ClusterReader } from '../cluster/lists.ts';
import { readCluster, type ClusterRead } from '../cluster/read-cluster.ts';
import { audienceOf, ownOf, type Services } from '../cluster/services.ts';
import { createMatching } from '../judge/matching.ts';
import { rulesOf } from '../rights/modes.ts';
import { createReviews } from '../rights/verdicts.ts';

/** A live pod and its AzureIdentities. */
export type BoundPod = Awaited<ReturnType<typeof readBound>>['pods'][number];
/** An AzureIdentity that is to be changed. `isStatusOfMic`: editors of its namespace can't write its status, as they can with the original's definition. */
export type StoredIdentity = Awaited<ReturnType<typeof readStoredIdentity>>;
export type ServiceFacts = ReturnType<typeof serviceFacts>;
/** Which ServiceAccounts lack the right on a target, and of whom that is not known, with the reason. */
export type ReviewedRights = Awaited<ReturnType<typeof reviewRightsOn>>;

/** `pods`: all live ones and what bindings give them, by MIC's rules with the flags of this cluster. */
export async function readBound({ kube, signal }: ClusterReader) {
  const read = await readCluster({ kube, signal, namespace: undefined });
  // Without one of them pods, or the mode that counts for them, would be missed.
  const [unread] = [read.identities, read.bindings, read.pods, read.namespaces].flatMap(unknownOf);
  if (unread !== undefined) throw new CommandProblem(unread);
  const rules = rulesOf(read.services);
  const matching = createMatching(read, rules.isKnown ? rules : { ...rules, mode: 'namespace' });
  const live = itemsOf(read.pods).filter(({ isFinished }) => !isFinished);
  const pods = live.map((pod) => ({
    key: keyOf(pod),
    account: { namespace: pod.namespace, name: pod.serviceAccount },
    // Whether rights decide for its namespace, also about identities of type 0.
    isRbac: matching.modeOf(pod.namespace) === 'rbac',
    identities: matching.of(pod).matches.map(({ identity }) => keyOf(identity.metadata)),
  }));
  return { read, pods };
}

export const usersOf = (pods: readonly BoundPod[], identity: string) =>
  pods.filter(({ identities }) => identities.includes(identity));

export const accountsOf = (pods: readonly BoundPod[]): readonly AccessSubject[] => [
  ...new Map(pods.map(({ account }) => [keyOf(account), account])).values(),
];

export async function readStoredIdentity(reading: ClusterReader, key: ObjectName) {
  const target = { ...key, kind: resources.AzureIdentity };
  const name = `azureidentities.${resources.AzureIdentity.group}`;
  const [got, definition] = await Promise.all([
    getAllowed({ ...reading, ...target }),
    getAllowed({ ...reading, kind: clusterKinds.definitions, name }),
  ]);
  if (got.kind !== 'read')
    throw new CommandProblem(got.why === 'absent' ? `there is no AzureIdentity ${keyOf(key)}` : got.text);
  // A definition that may not be read counts as one without the subresource.
  const versions = definition.kind === 'read' ? listAt(definition.object, 'spec.versions') : [];
  const hasStatus = (version: unknown) => fieldAt(version, 'subresources.status') !== undefined;
  return { target, ...storedIn(got.object), isStatusOfMic: versions.length > 0 && versions.every(hasStatus) };
}

/** Texts that it does not state, or of an object that is not valid, are empty. */
export function storedIn(object: unknown) {
  const parsed = parseAzureIdentity(object);
  const spec: Partial<AzureIdentity['spec']> = parsed.ok ? parsed.value.spec : {};
  const { type, clientID = '', tenantID = '', resourceID = '' } = spec;
  return {
    object,
    spec: { type, clientID, tenantID, resourceID },
    problems: parsed.ok ? [] : problemTexts(parsed.problems),
    /** The right that who uses it needs now. */
    needed: parsed.ok ? targetsOf(parsed.value).targets[0] : undefined,
    /** It has the field names of 2018: a patch would write a second spelling beside them. */
    isOfOldSpelling: canonicalise(object).changed,
  };
}

export function serviceFacts({ nmi, broker: [broker], unknown }: Services) {
  const isWithout = ({ isOriginal, config }: Services['nmi'][number]) =>
    isOriginal || 'problems' in config || !config.hasBroker;
  return {
    broker: broker && {
      namespace: broker.namespace,
      name: broker.name,
      account: broker.account,
      isReady: broker.replicas.ready > 0,
      audience: audienceOf(broker),
    },
    // Those of the original too.
    agentsWithoutBroker: nmi.filter(isWithout).map(keyOf),
    hasAgent: ownOf(nmi).length > 0,
    unknown,
  };
}

export async function reviewRightsOn(
  { kube, signal }: ClusterReader,
  target: AccessTarget,
  accounts: readonly AccessSubject[],
) {
  const review = createReviews({ reviewer: createAccessReviewer(kube) }, { signal });
  const verdicts = await Promise.all(accounts.map((subject) => review(subject, target)));
  return {
    target,
    refused: verdicts.flatMap(({ subject, review: { kind } }) => (kind === 'refused' ? [subject] : [])),
    unknown: verdicts.flatMap(({ subject, review: of }) =>
      of.kind === 'unanswered' ? [`${keyOf(subject)}: ${of.why ?? 'no verdict'}`] : [],
    ),
  };
}

/** By the rights of now: a migration gives none to who has none. Editors of a namespace write what its pods are bound to. */
export async function readUsers(
  reading: ClusterReader,
  { needed, spec }: StoredIdentity,
  bound: readonly BoundPod[],
) {
  const accounts = accountsOf(bound.filter(({ isRbac }) => isRbac || spec.type === 3));
  if (needed === undefined || accounts.length === 0) return { pods: bound, refused: [], unknown: [] };
  const { refused, unknown } = await reviewRightsOn(reading, needed, accounts);
  const left = new Set(refused.map(keyOf));
  return { pods: bound.filter(({ account }) => !left.has(keyOf(account))), refused, unknown };
}

/** Those that are valid and name the AzureIdentity. */
export const bindingsOf = ({ bindings }: ClusterRead, { namespace, name }: ObjectName) =>
  itemsOf(bindings).flatMap(({ view }) =>
    view.kind === 'valid' &&
    view.binding.metadata.namespace === namespace &&
    view.binding.spec.azureIdentity === name
      ? [view.binding]
      : [],
  );
