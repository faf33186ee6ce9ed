// Reads what the plans are made of.
import {
  accessTargetsOf,
  canonicalise,
  canonicalResourceId,
  parseAzureIdentity,
  problemTexts,
  resources,
  type AccessSubject,
  type AccessTarget,
} from '@pod-identity/crd-types';
import { clusterKinds } from '@pod-identity/kit/core';
import { createAccessReviewer } from '@pod-identity/kit/kube';
import { CommandProblem } from '../cli/command.ts';
import { fieldAt, keyOf, listAt, type ObjectName } from '../cluster/fields.ts';
import { readIssuer } from '../cluster/issuer.ts';
import { getAllowed, itemsOf, unknownOf, type ClusterReader } from '../cluster/lists.ts';
import { readCluster, type ClusterRead } from '../cluster/read-cluster.ts';
import { audienceOf, isReady, ownOf, type Services } from '../cluster/services.ts';
import { createMatching } from '../judge/matching.ts';
import { rulesOf } from '../rights/modes.ts';
import { createReviews } from '../rights/verdicts.ts';
import {
  accountsOf,
  type BoundPod,
  type ReviewedRights,
  type ServiceFacts,
  type StoredIdentity,
} from './facts.ts';

/** `pods`: all live ones and what bindings give them, by MIC's rules with the flags of this cluster. */
export async function readBound({ kube, signal }: ClusterReader) {
  const read = await readCluster({ kube, signal, namespace: undefined });
  // Without one of them pods, or the mode that counts for them, would be missed.
  const [unread] = [read.identities, read.bindings, read.pods, read.namespaces].flatMap(unknownOf);
  if (unread !== undefined) throw new CommandProblem(unread);
  const rules = rulesOf(read.services);
  const matching = createMatching(read, rules.isKnown ? rules : { ...rules, mode: 'namespace' });
  const live = itemsOf(read.pods).filter(({ isFinished }) => !isFinished);
  const pods = live.map((pod): BoundPod => ({
    key: keyOf(pod),
    account: { namespace: pod.namespace, name: pod.serviceAccount },
    isRbac: matching.modeOf(pod.namespace) === 'rbac',
    isPlaced: pod.nodeName !== '',
    identities: matching.of(pod).matches.map(({ identity: { metadata, spec } }) => ({
      key: keyOf(metadata),
      resourceId: canonicalResourceId(spec.resourceID ?? ''),
    })),
  }));
  return { read, pods };
}

export const usersOf = (pods: readonly BoundPod[], identity: string) =>
  pods.filter(({ identities }) => identities.some(({ key }) => key === identity));

export async function readStoredIdentity(reading: ClusterReader, key: ObjectName): Promise<StoredIdentity> {
  const [target, name] = [
    { ...key, kind: resources.AzureIdentity },
    `azureidentities.${resources.AzureIdentity.group}`,
  ];
  const [got, definition] = await Promise.all([
    getAllowed({ ...reading, ...target }),
    getAllowed({ ...reading, kind: clusterKinds.definitions, name }),
  ]);
  if (got.kind !== 'read')
    throw new CommandProblem(got.why === 'absent' ? `there is no AzureIdentity ${keyOf(key)}` : got.text);
  const { object } = got;
  const parsed = parseAzureIdentity(object);
  const identity = parsed.ok ? parsed.value : { problems: problemTexts(parsed.problems) };
  // A definition that may not be read counts as one without the subresource.
  const versions = definition.kind === 'read' ? listAt(definition.object, 'spec.versions') : [];
  const isStatusOfMic =
    versions.length > 0 && versions.every((version) => fieldAt(version, 'subresources.status') !== undefined);
  return { target, object, identity, isOfOldSpelling: canonicalise(object).changed, isStatusOfMic };
}

export function serviceFacts({ nmi, mic, broker: [broker], unknown }: Services): ServiceFacts {
  const isWithout = ({ isOriginal, config }: Services['nmi'][number]) =>
    isOriginal || 'problems' in config || !config.hasBroker;
  return {
    broker: broker && { ...broker, isReady: isReady(broker), audience: audienceOf(broker) },
    agentsWithoutBroker: nmi.filter(isWithout).map(keyOf),
    hasAgent: ownOf(nmi).length > 0,
    hasMic: ownOf(mic).some(isReady),
    unknown,
  };
}

/** Undefined if the user may not read it. */
export async function findIssuer(reading: ClusterReader): Promise<string | undefined> {
  const issuer = await readIssuer(reading);
  return 'value' in issuer ? issuer.value : undefined;
}

export async function reviewRightsOn(
  { kube, signal }: ClusterReader,
  target: AccessTarget,
  accounts: readonly AccessSubject[],
): Promise<ReviewedRights> {
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
  { identity }: Pick<StoredIdentity, 'identity'>,
  bound: readonly BoundPod[],
): Promise<Pick<ReviewedRights, 'refused' | 'unknown'> & { readonly pods: readonly BoundPod[] }> {
  const targets = 'problems' in identity ? undefined : accessTargetsOf(identity);
  const [target] = targets?.ok === true ? targets.value : [];
  const isFederated = 'spec' in identity && identity.spec.type === 3;
  const accounts = accountsOf(bound.filter(({ isRbac }) => isRbac || isFederated));
  if (target === undefined || accounts.length === 0) return { pods: bound, refused: [], unknown: [] };
  const { refused, unknown } = await reviewRightsOn(reading, target, accounts);
  const left = new Set(refused.map(keyOf));
  return { pods: bound.filter(({ account }) => !left.has(keyOf(account))), refused, unknown };
}

/** Keys of the pods that have the AzureIdentity as one of type 0. */
export function assignedPods({ records }: ClusterRead, identity: string): ReadonlySet<string> {
  if (records.kind !== 'read') throw new CommandProblem(records.text);
  const own = records.items.filter(
    (record) => record.identity === identity && record.resourceId !== undefined,
  );
  return new Set(
    own.flatMap(({ state, podNamespace, podName }) =>
      state === 'Assigned' ? [`${podNamespace}/${podName}`] : [],
    ),
  );
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
