// Reads what the plans for one AzureIdentity are made of.
import {
  accessTargetsOf,
  canonicalise,
  canonicalResourceId,
  isGuestIn,
  parseAzureAssignedIdentity,
  parseAzureIdentity,
  parseAzureIdentityBinding,
  problemTexts,
  resources,
  type AccessSubject,
  type AccessTarget,
} from '@pod-identity/crd-types';
import { clusterKinds } from '@pod-identity/kit/core';
import { createAccessReviewer, type ResourceKind } from '@pod-identity/kit/kube';
import { CommandProblem, type Session } from '../cli/command.ts';
import { fieldAt, keyOf, listAt, textAt, type ObjectName } from '../cluster/fields.ts';
import { readIssuer } from '../cluster/issuer.ts';
import { getAllowed, itemsOf, listAllowed, unknownOf, type ClusterReader } from '../cluster/lists.ts';
import { readCluster } from '../cluster/read-cluster.ts';
import { audienceOf, isReady, ownOf, type Services } from '../cluster/services.ts';
import { createMatching } from '../judge/judge-pods.ts';
import { rulesOf } from '../rights/modes.ts';
import { createReviews } from '../rights/verdicts.ts';
import {
  accountsOf,
  type BrokerFacts,
  type StoredIdentity,
  type Issuer,
  type BoundPod,
  type ReviewedRights,
  type ServiceFacts,
  type AttachedFacts,
  type IdentityUsers,
} from './facts.ts';
import { temporaryName, type TemporaryObjects } from './temporary-identity.ts';

export type ReadContext = Pick<Session, 'kube' | 'signal' | 'services'>;

/** Nothing can be planned without them. */
export async function mustList(
  { kube, signal }: ClusterReader,
  kind: ResourceKind,
  namespace: string,
): Promise<readonly unknown[]> {
  const list = await listAllowed({ kube, signal, kind, namespace, trim: (object) => object });
  if (list.kind !== 'read') throw new CommandProblem(list.text);
  return list.items;
}

/** Undefined: there is none. */
async function findIdentity(
  { kube, signal }: ClusterReader,
  namespace: string,
  name: string,
): Promise<unknown> {
  const got = await getAllowed({ kube, signal, kind: resources.AzureIdentity, namespace, name });
  if (got.kind === 'read') return got.object;
  if (got.why === 'absent') return undefined;
  throw new CommandProblem(got.text);
}

export async function readStoredIdentity(
  reading: ClusterReader,
  namespace: string,
  name: string,
): Promise<StoredIdentity> {
  const [object, isStatusOfMic] = await Promise.all([
    findIdentity(reading, namespace, name),
    hasOwnStatus(reading),
  ]);
  if (object === undefined) throw new CommandProblem(`there is no AzureIdentity ${namespace}/${name}`);
  const parsed = parseAzureIdentity(object);
  const identity = parsed.ok ? parsed.value : { problems: problemTexts(parsed.problems) };
  const target = { kind: resources.AzureIdentity, namespace, name };
  return { target, object, identity, isOfOldSpelling: canonicalise(object).changed, isStatusOfMic };
}

/** Whether the definition has the subresource `status`; one that may not be read counts as without. */
async function hasOwnStatus(reading: ClusterReader): Promise<boolean> {
  const got = await readDefinition(reading);
  const versions = got.kind === 'read' ? listAt(got.object, 'spec.versions') : [];
  return (
    versions.length > 0 && versions.every((version) => fieldAt(version, 'subresources.status') !== undefined)
  );
}

/** That of AzureIdentities. */
export const readDefinition = ({ kube, signal }: ClusterReader) =>
  getAllowed({
    kube,
    signal,
    kind: clusterKinds.definitions,
    name: `azureidentities.${resources.AzureIdentity.group}`,
  });

/** All live pods that some binding gives an identity, by MIC's rules with the flags of this cluster. */
export async function readBoundPods({ kube, signal }: ClusterReader): Promise<readonly BoundPod[]> {
  const read = await readCluster({ kube, signal, namespace: undefined });
  // Without one of them pods, or the mode that counts for them, would be missed.
  const [unread] = [read.identities, read.bindings, read.pods, read.namespaces].flatMap(unknownOf);
  if (unread !== undefined) throw new CommandProblem(unread);
  const rules = await rulesOf({ services: () => Promise.resolve(read.services) });
  const matching = createMatching(read, rules.isKnown ? rules : { ...rules, mode: 'namespace' });
  return itemsOf(read.pods)
    .filter(({ isFinished }) => !isFinished)
    .map((pod) => ({
      key: keyOf(pod),
      account: { namespace: pod.namespace, name: pod.serviceAccount },
      isRbac: matching.modeOf(pod.namespace) === 'rbac',
      isPlaced: pod.nodeName !== '',
      identities: matching.of(pod).matches.map(({ identity }) => ({
        key: keyOf(identity.metadata),
        type: identity.spec.type,
        clientId: (identity.spec.clientID ?? '').toLowerCase(),
        resourceId: canonicalResourceId(identity.spec.resourceID ?? ''),
        isGuest: isGuestIn(pod.namespace, identity),
      })),
    }));
}

export const usersOf = (pods: readonly BoundPod[], identity: string) =>
  pods.filter(({ identities }) => identities.some(({ key }) => key === identity));

export async function readServiceFacts({ services }: Pick<ReadContext, 'services'>): Promise<ServiceFacts> {
  const { nmi, mic, broker, unknown } = await services();
  const [first] = broker;
  return {
    broker: first && brokerOf(first),
    agentsWithoutBroker: nmi
      .filter(({ isOriginal, config }) => isOriginal || 'problems' in config || !config.hasBroker)
      .map(keyOf),
    hasAgent: ownOf(nmi).length > 0,
    hasMic: ownOf(mic).some(isReady),
    unknown,
  };
}

const brokerOf = (broker: Services['broker'][number]): BrokerFacts => ({
  namespace: broker.namespace,
  name: broker.name,
  isReady: isReady(broker),
  account: broker.account,
  audience: audienceOf(broker),
});

/** Undefined if the user may not read it. */
export async function findIssuer(reader: ClusterReader): Promise<Issuer> {
  const issuer = await readIssuer(reader);
  return 'value' in issuer ? issuer.value : undefined;
}

export async function reviewRightsOn(
  { kube, signal }: ClusterReader,
  target: AccessTarget,
  accounts: readonly AccessSubject[],
): Promise<ReviewedRights> {
  const read = createReviews({ reviewer: createAccessReviewer(kube) }, { signal });
  const refused: AccessSubject[] = [];
  const unknown: string[] = [];
  for (const subject of accounts) {
    const { review } = await read(subject, target);
    if (review.kind === 'refused') refused.push(subject);
    if (review.kind === 'unanswered') unknown.push(`${keyOf(subject)}: ${review.why ?? 'no verdict'}`);
  }
  return { target, refused, unknown };
}

/** By the rights of now: a migration gives none to who has none. Editors of a namespace write what its pods are bound to. */
export async function readIdentityUsers(
  reading: ClusterReader,
  { identity }: Pick<StoredIdentity, 'identity'>,
  bound: readonly BoundPod[],
): Promise<IdentityUsers> {
  const targets = 'problems' in identity ? undefined : accessTargetsOf(identity);
  const [target] = targets?.ok === true ? targets.value : [];
  const isFederated = 'spec' in identity && identity.spec.type === 3;
  const accounts = accountsOf(bound.filter(({ isRbac }) => isRbac || isFederated));
  if (target === undefined || accounts.length === 0) return { pods: bound, refused: [], unknown: [] };
  const { refused, unknown } = await reviewRightsOn(reading, target, accounts);
  const left = new Set(refused.map(keyOf));
  return { pods: bound.filter(({ account }) => !left.has(keyOf(account))), refused, unknown };
}

export async function readTemporaryObjects(
  reading: ClusterReader,
  namespace: string,
  name: string,
): Promise<TemporaryObjects> {
  const bindings = await mustList(reading, resources.AzureIdentityBinding, namespace);
  const own = bindingsOf(bindings, name);
  const names = new Set(own.map(({ metadata }) => temporaryName(metadata.name)));
  return {
    identity: await findIdentity(reading, namespace, temporaryName(name)),
    bindings: bindings.filter((object) => names.has(textAt(object, 'metadata.name'))),
    own,
    bindingsOfNamespace: bindings.length,
  };
}

/** By the AzureIdentity as one of type 0. */
export async function readAssignedPods(
  { kube, signal }: ClusterReader,
  { namespace, name }: ObjectName,
): Promise<AttachedFacts['assigned']> {
  const kind = resources.AzureAssignedIdentity;
  const list = await listAllowed({ kube, signal, kind, namespace: undefined, trim: (object) => object });
  if (list.kind !== 'read') throw new CommandProblem(list.text);
  const podsOf = (identity: string) =>
    new Set(
      list.items.flatMap((record) => {
        const parsed = parseAzureAssignedIdentity(record);
        if (!parsed.ok) return [];
        const { spec, status } = parsed.value;
        const { metadata, spec: recorded } = spec.azureIdentityRef;
        const isMeant = metadata.namespace === namespace && metadata.name === identity && recorded.type === 0;
        return isMeant && status.status === 'Assigned' ? [`${spec.podNamespace}/${spec.pod}`] : [];
      }),
    );
  return { own: podsOf(name), temporary: podsOf(temporaryName(name)) };
}

/** Those that are valid and name the AzureIdentity. */
export const bindingsOf = (objects: readonly unknown[], identity: string) =>
  objects.flatMap((object) => {
    const parsed = parseAzureIdentityBinding(object);
    return parsed.ok && parsed.value.spec.azureIdentity === identity ? [parsed.value] : [];
  });
