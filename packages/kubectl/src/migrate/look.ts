// Reads what plans are made of.
import {
  accessTargetsOf,
  canonicalise,
  canonicalResourceId,
  federatedTarget,
  parseAzureIdentity,
  parseAzureIdentityBinding,
  problemTexts,
  resources,
  strictestMode,
  type AccessMode,
  type AccessSubject,
  type AccessTarget,
  type AzureIdentityBinding,
  type MatchingRules,
} from '@pod-identity/crd-types';
import { clusterKinds } from '@pod-identity/kit/core';
import { createAccessReviewer, createResource, KubeError, wholeObject } from '@pod-identity/kit/kube';
import {
  livePods,
  lookAtCluster,
  PairRegistry,
  reviewTarget,
  stringAt,
} from '../../../mic/src/commands/plug-in.ts';
import { CommandProblem, type Session } from '../cli/command.ts';
import { getAllowed, listAllowed } from '../cluster/lists.ts';
import type { Installed, Services } from '../cluster/services.ts';
import {
  accountKey,
  accountsOf,
  type BrokerSight,
  type IdentitySight,
  type Issuer,
  type PodSight,
  type RightsSight,
  type ServicesSight,
  type UsersSight,
} from './sight.ts';
import { twinName, type TwinSight } from './twin.ts';
import { fieldAt, textAt, type Target } from './writes.ts';

export type Looking = Pick<Session, 'kube' | 'signal' | 'clock' | 'log' | 'services'>;

export async function lookAtIdentity(
  { kube, signal }: Looking,
  namespace: string,
  name: string,
): Promise<IdentitySight> {
  const target: Target = { kind: resources.AzureIdentity, namespace, name };
  try {
    const [object, isStatusOfMic] = await Promise.all([
      createResource<unknown>(kube, target.kind).get(target, { signal, fields: wholeObject }),
      hasOwnStatus({ kube, signal }),
    ]);
    const parsed = parseAzureIdentity(object);
    const identity = parsed.ok ? parsed.value : { problems: problemTexts(parsed.problems) };
    return { target, object, identity, isOfOldSpelling: canonicalise(object).changed, isStatusOfMic };
  } catch (error) {
    if (error instanceof KubeError && error.code === 'not-found')
      throw new CommandProblem(`there is no AzureIdentity ${namespace}/${name}`);
    throw error;
  }
}

/** Whether the definition has the subresource `status`; one that may not be read counts as without. */
async function hasOwnStatus({ kube, signal }: Pick<Looking, 'kube' | 'signal'>): Promise<boolean> {
  const got = await lookAtDefinition({ kube, signal });
  const versions = got.kind === 'read' ? fieldAt(got.object, 'spec.versions') : [];
  return (
    Array.isArray(versions) &&
    versions.length > 0 &&
    versions.every((version) => fieldAt(version, 'subresources.status') !== undefined)
  );
}

/** That of AzureIdentities. */
export const lookAtDefinition = ({ kube, signal }: Pick<Looking, 'kube' | 'signal'>) =>
  getAllowed({
    kube,
    signal,
    kind: clusterKinds.definitions,
    name: `azureidentities.${resources.AzureIdentity.group}`,
  });

/** All live pods that some binding gives an identity, by MIC's rules with the flags of this cluster. */
export async function lookAtPods({
  kube,
  signal,
  clock,
  log,
  services,
}: Looking): Promise<readonly PodSight[]> {
  const { forceNamespaced, mode } = rulesOf(await services());
  const registry = new PairRegistry<never>({ pairsPerNamespace: Infinity, recheckMs: Infinity });
  const rules = { forceNamespaced, access: { mode, registry } };
  const index = await lookAtCluster({ rules, transport: kube, clock, log, signal });
  return Array.from(livePods(index), (pod) => ({
    key: `${pod.namespace}/${pod.name}`,
    account: { namespace: pod.namespace, name: pod.serviceAccount },
    isRbac: index.accessMode(pod.namespace) === 'rbac',
    isPlaced: pod.nodeName !== '',
    identities: index.matchSetOf(pod).matches.map(({ identity: { metadata, spec }, identityKey: key }) => ({
      key,
      type: spec.type,
      clientId: (spec.clientID ?? '').toLowerCase(),
      resourceId: canonicalResourceId(spec.resourceID ?? ''),
      isGuest: metadata.namespace !== pod.namespace && spec.allowedNamespaces !== undefined,
    })),
  }));
}

export const usersOf = (pods: readonly PodSight[], identity: string) =>
  pods.filter(({ identities }) => identities.some(({ key }) => key === identity));

interface Rules extends MatchingRules {
  readonly mode: AccessMode;
}

/** The stricter mode if MIC and NMI differ; without any of ours, their defaults. */
function rulesOf({ nmi, mic }: Services): Rules {
  const [agent] = nmi.flatMap(configOf);
  const [controller] = mic.flatMap(configOf);
  return {
    forceNamespaced: agent?.forceNamespaced ?? controller?.forceNamespaced ?? true,
    mode: strictestMode(agent?.identityAccess ?? 'namespace', controller?.access.mode ?? 'namespace'),
  };
}

function configOf<C>({ config }: Installed<C>): readonly C[] {
  return isRead(config) ? [config] : [];
}

function isRead<C>(config: Installed<C>['config']): config is C {
  return !(typeof config === 'object' && config !== null && 'problems' in config);
}

export async function lookAtServices({ services }: Pick<Looking, 'services'>): Promise<ServicesSight> {
  const { nmi, mic, broker, unknown } = await services();
  const [first] = broker;
  return {
    broker: first && brokerOf(first),
    agentsWithoutBroker: nmi
      .filter(({ isOriginal, config }) => isOriginal || !isRead(config) || !config.hasBroker)
      .map(({ namespace, name }) => `${namespace}/${name}`),
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
    audience: isRead(config) ? config.brokerService.cloud.audience : 'api://AzureADTokenExchange',
  };
}

/** Undefined if the user may not read it. */
export async function readIssuer({ kube, signal }: Looking): Promise<Issuer> {
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
  { kube, signal }: Looking,
  target: AccessTarget,
  accounts: readonly AccessSubject[],
): Promise<RightsSight> {
  const reviewer = createAccessReviewer(kube);
  const refused: AccessSubject[] = [];
  const unknown: string[] = [];
  for (const subject of accounts) {
    const review = await reviewTarget({ subject, target }, { reviewer, signal });
    if (review.kind === 'refused') refused.push(subject);
    if (review.kind === 'unanswered') unknown.push(`${accountKey(subject)}: ${review.why ?? 'no verdict'}`);
  }
  return { target, refused, unknown };
}

/** By the rights of now: a migration gives none to who has none. Editors of a namespace write what its pods are bound to. */
export async function lookAtUsers(
  looking: Looking,
  { identity }: Pick<IdentitySight, 'identity'>,
  bound: readonly PodSight[],
): Promise<UsersSight> {
  const targets = 'problems' in identity ? undefined : accessTargetsOf(identity);
  const [target] = targets?.ok === true ? targets.value : [];
  const isFederated = 'spec' in identity && identity.spec.type === 3;
  const accounts = accountsOf(bound.filter(({ isRbac }) => isRbac || isFederated));
  if (target === undefined || accounts.length === 0) return { pods: bound, refused: [], unknown: [] };
  const { refused, unknown } = await lookAtRights(looking, target, accounts);
  const left = new Set(refused.map(accountKey));
  return { pods: bound.filter(({ account }) => !left.has(accountKey(account))), refused, unknown };
}

export function federatedTargetOf(tenant: string, clientId: string): AccessTarget | undefined {
  const parsed = federatedTarget(tenant, clientId);
  return parsed.ok ? parsed.value : undefined;
}

export async function lookAtTwin(looking: Looking, namespace: string, name: string): Promise<TwinSight> {
  const { kube, signal } = looking;
  const bindings = await mustList(looking, namespace);
  const own = bindings.flatMap((object): readonly AzureIdentityBinding[] => {
    const parsed = parseAzureIdentityBinding(object);
    return parsed.ok && parsed.value.spec.azureIdentity === name ? [parsed.value] : [];
  });
  const twins = new Set(own.map(({ metadata }) => twinName(metadata.name)));
  const identity = await createResource<unknown>(kube, resources.AzureIdentity)
    .get({ namespace, name: twinName(name) }, { signal, fields: wholeObject })
    .catch((error: unknown) => {
      if (error instanceof KubeError && error.code === 'not-found') return undefined;
      throw error;
    });
  return {
    identity,
    bindings: bindings.filter((object) => twins.has(textAt(object, 'metadata.name'))),
    own,
    bindingsOfNamespace: bindings.length,
  };
}

async function mustList({ kube, signal }: Looking, namespace: string): Promise<readonly unknown[]> {
  const kind = resources.AzureIdentityBinding;
  const list = await listAllowed({ kube, signal, kind, namespace, trim: (object) => object });
  if (list.kind !== 'read') throw new CommandProblem(list.text);
  return list.items;
}

/** The flags of this project's NMI. */
export function agentConfigOf({ nmi }: Services) {
  return nmi.filter(({ isOriginal }) => !isOriginal).flatMap(configOf)[0];
}
