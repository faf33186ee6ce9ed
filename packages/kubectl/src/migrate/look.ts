// Reads what the plans for one AzureIdentity are made of.
import {
  accessTargetsOf,
  canonicalise,
  canonicalResourceId,
  isGuestIn,
  parseAzureIdentity,
  parseAzureIdentityBinding,
  problemTexts,
  resources,
  type AccessSubject,
  type AccessTarget,
} from '@pod-identity/crd-types';
import { clusterKinds } from '@pod-identity/kit/core';
import { createAccessReviewer, KubeError, type ResourceKind } from '@pod-identity/kit/kube';
import { accessOnce, livePods, reviewTarget, stringAt } from '../../../mic/src/commands/plug-in.ts';
import { rulesOf } from '../access/modes.ts';
import { CommandProblem, type Session } from '../cli/command.ts';
import { lookAtWorld } from '../cluster/follow-world.ts';
import { getAllowed, listAllowed } from '../cluster/lists.ts';
import { configsOf, type Services } from '../cluster/services.ts';
import { needs } from '../cluster/within-rights.ts';
import {
  accountsOf,
  keyOf,
  type BrokerSight,
  type IdentitySight,
  type Issuer,
  type PodSight,
  type RightsSight,
  type ServicesSight,
  type UsersSight,
} from './sight.ts';
import { twinName, type TwinSight } from './twin.ts';
import { fieldAt, textAt } from './writes.ts';

export type Looking = Pick<Session, 'kube' | 'signal' | 'clock' | 'log' | 'services'>;
export type Reading = Pick<Looking, 'kube' | 'signal'>;

/** Nothing can be planned without them. */
export async function mustList(
  { kube, signal }: Reading,
  kind: ResourceKind,
  namespace: string,
): Promise<readonly unknown[]> {
  const list = await listAllowed({ kube, signal, kind, namespace, trim: (object) => object });
  if (list.kind !== 'read') throw new CommandProblem(list.text);
  return list.items;
}

/** Undefined: there is none. */
async function findIdentity({ kube, signal }: Reading, namespace: string, name: string): Promise<unknown> {
  const got = await getAllowed({ kube, signal, kind: resources.AzureIdentity, namespace, name });
  if (got.kind === 'read') return got.object;
  if (got.why === 'absent') return undefined;
  throw new CommandProblem(got.text);
}

export async function lookAtIdentity(
  reading: Reading,
  namespace: string,
  name: string,
): Promise<IdentitySight> {
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
async function hasOwnStatus(reading: Reading): Promise<boolean> {
  const got = await lookAtDefinition(reading);
  const versions = got.kind === 'read' ? fieldAt(got.object, 'spec.versions') : [];
  return (
    Array.isArray(versions) &&
    versions.length > 0 &&
    versions.every((version) => fieldAt(version, 'subresources.status') !== undefined)
  );
}

/** That of AzureIdentities. */
export const lookAtDefinition = ({ kube, signal }: Reading) =>
  getAllowed({
    kube,
    signal,
    kind: clusterKinds.definitions,
    name: `azureidentities.${resources.AzureIdentity.group}`,
  });

/** All live pods that some binding gives an identity, by MIC's rules with the flags of this cluster. */
export async function lookAtPods(looking: Looking): Promise<readonly PodSight[]> {
  const { forceNamespaced, isKnown, mode } = await rulesOf(looking);
  const { world } = await lookAtWorld({
    ...looking,
    namespace: undefined,
    forceNamespaced,
    access: accessOnce(isKnown ? mode : 'namespace'),
    needs: needs.migrate,
  });
  const { index } = world;
  return Array.from(livePods(index), (pod) => ({
    key: keyOf(pod),
    account: { namespace: pod.namespace, name: pod.serviceAccount },
    isRbac: index.accessMode(pod.namespace) === 'rbac',
    isPlaced: pod.nodeName !== '',
    identities: index.matchSetOf(pod).matches.map(({ identity, identityKey: key }) => ({
      key,
      type: identity.spec.type,
      clientId: (identity.spec.clientID ?? '').toLowerCase(),
      resourceId: canonicalResourceId(identity.spec.resourceID ?? ''),
      isGuest: isGuestIn(pod.namespace, identity),
    })),
  }));
}

export const usersOf = (pods: readonly PodSight[], identity: string) =>
  pods.filter(({ identities }) => identities.some(({ key }) => key === identity));

/** The flags of this project's NMI. */
export const agentConfigOf = ({ nmi }: Services) => configsOf(nmi.filter(({ isOriginal }) => !isOriginal))[0];

export async function lookAtServices({ services }: Pick<Looking, 'services'>): Promise<ServicesSight> {
  const { nmi, mic, broker, unknown } = await services();
  const [first] = broker;
  return {
    broker: first && brokerOf(first),
    agentsWithoutBroker: nmi
      .filter(({ isOriginal, config }) => isOriginal || 'problems' in config || !config.hasBroker)
      .map(keyOf),
    hasAgent: nmi.some(({ isOriginal }) => !isOriginal),
    hasMic: mic.some(({ isOriginal, replicas }) => !isOriginal && replicas.ready > 0),
    unknown,
  };
}

function brokerOf({ namespace, name, replicas, config, object }: Services['broker'][number]): BrokerSight {
  return {
    namespace,
    name,
    isReady: replicas.ready > 0,
    account: textAt(object, 'spec.template.spec.serviceAccountName') || 'default',
    audience: 'problems' in config ? 'api://AzureADTokenExchange' : config.brokerService.cloud.audience,
  };
}

/** Undefined if the user may not read it. */
export async function readIssuer({ kube, signal }: Reading): Promise<Issuer> {
  try {
    const document = await kube.request({ method: 'GET', path: '/.well-known/openid-configuration', signal });
    return stringAt(document, 'issuer') || undefined;
  } catch (error) {
    if (error instanceof KubeError && error.code !== 'transport' && error.code !== 'aborted')
      return undefined;
    throw error;
  }
}

export async function lookAtRights(
  { kube, signal }: Reading,
  target: AccessTarget,
  accounts: readonly AccessSubject[],
): Promise<RightsSight> {
  const reviewer = createAccessReviewer(kube);
  const refused: AccessSubject[] = [];
  const unknown: string[] = [];
  for (const subject of accounts) {
    const review = await reviewTarget({ subject, target }, { reviewer, signal });
    if (review.kind === 'refused') refused.push(subject);
    if (review.kind === 'unanswered') unknown.push(`${keyOf(subject)}: ${review.why ?? 'no verdict'}`);
  }
  return { target, refused, unknown };
}

/** By the rights of now: a migration gives none to who has none. Editors of a namespace write what its pods are bound to. */
export async function lookAtUsers(
  reading: Reading,
  { identity }: Pick<IdentitySight, 'identity'>,
  bound: readonly PodSight[],
): Promise<UsersSight> {
  const targets = 'problems' in identity ? undefined : accessTargetsOf(identity);
  const [target] = targets?.ok === true ? targets.value : [];
  const isFederated = 'spec' in identity && identity.spec.type === 3;
  const accounts = accountsOf(bound.filter(({ isRbac }) => isRbac || isFederated));
  if (target === undefined || accounts.length === 0) return { pods: bound, refused: [], unknown: [] };
  const { refused, unknown } = await lookAtRights(reading, target, accounts);
  const left = new Set(refused.map(keyOf));
  return { pods: bound.filter(({ account }) => !left.has(keyOf(account))), refused, unknown };
}

export async function lookAtTwin(reading: Reading, namespace: string, name: string): Promise<TwinSight> {
  const bindings = await mustList(reading, resources.AzureIdentityBinding, namespace);
  const own = bindingsOf(bindings, name);
  const twins = new Set(own.map(({ metadata }) => twinName(metadata.name)));
  return {
    identity: await findIdentity(reading, namespace, twinName(name)),
    bindings: bindings.filter((object) => twins.has(textAt(object, 'metadata.name'))),
    own,
    bindingsOfNamespace: bindings.length,
  };
}

/** Those that are valid and name the AzureIdentity. */
export const bindingsOf = (objects: readonly unknown[], identity: string) =>
  objects.flatMap((object) => {
    const parsed = parseAzureIdentityBinding(object);
    return parsed.ok && parsed.value.spec.azureIdentity === identity ? [parsed.value] : [];
  });
