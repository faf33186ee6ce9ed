// From a managed identity on the machines (type 0) to a federated one (type 3).
import { federatedTarget, type AzureIdentity } from '@pod-identity/crd-types';
import { shellWord } from '@pod-identity/policy';
import { isAttested, unattested } from './attested.ts';
import { azCommand, credentialWords } from './credential.ts';
import { plugIn, type Exchange, type Plan, type Step } from './plan.ts';
import { exchangeCommand, rightsStep, servedStep } from './shared-steps.ts';
import {
  rivalOf,
  type IdentitySight,
  type Issuer,
  type PodSight,
  type RightsSight,
  type ServicesSight,
} from './sight.ts';
import { removeTwinStep, type TwinSight } from './twin.ts';
import { basisOf, commandsOf, patchCommand, type Write } from './writes.ts';

export interface FederatedSight {
  readonly identity: IdentitySight;
  readonly services: ServicesSight;
  readonly issuer: Issuer;
  /** All that use the identity and may. */
  readonly pods: readonly PodSight[];
  /** Undefined while tenant or client id are not known. */
  readonly rights: RightsSight | undefined;
  readonly twin: TwinSight;
}

/** From the options; empty if not given. */
export interface FederatedIds {
  readonly tenant: string;
  readonly clientId: string;
}

export function toFederated(sight: FederatedSight, given: FederatedIds): Plan {
  const { identity: seen, pods } = sight;
  const { target } = seen;
  const subject = `${target.namespace ?? ''}/${target.name}`;
  const namespaces = [...new Set(pods.map(({ account }) => account.namespace))].sort();
  return {
    name: 'to-federated',
    subject,
    title: `AzureIdentity ${subject}: to type 3 (federated)`,
    steps: stepsOf(sight, given),
    notes: [
      ...(pods.length === 0
        ? ['no pod uses it now: grant the right to ServiceAccounts whose pods come later (--accounts)']
        : []),
      ...(namespaces.some((name) => name !== target.namespace)
        ? [
            `pods of several namespaces use it: ${namespaces.join(', ')}; the change is for all of them at once`,
          ]
        : []),
      'ServiceAccounts whose pods run at times only (CronJobs) are not seen: name them with --accounts',
    ],
    back: plugIn(`migrate to-attached ${shellWord(subject)} --apply`),
  };
}

function stepsOf(sight: FederatedSight, given: FederatedIds): readonly Step[] {
  const { identity: seen, services } = sight;
  const first = [brokerStep(services)];
  if ('problems' in seen.identity)
    return [...first, fault(`the AzureIdentity is not valid: ${seen.identity.problems.join('; ')}`)];
  const refused = whyNot(seen, sight.pods);
  if (refused !== undefined) return [...first, fault(refused)];
  const ids = idsOf(seen.identity.spec, given);
  const wrong = idsFault(ids, given);
  if (wrong !== undefined) return [...first, fieldsUnknown(seen, wrong)];
  if (isTaken(sight, given) && (sight.rights?.refused.length ?? 0) > 0)
    return [...first, { ...clientIdStep, ...unattested(seen, '--client-id') }];
  return [...first, ...changeSteps({ ...sight, isTaken: isTaken(sight, given) }, seen.identity, ids)];
}

const clientIdStep = { id: 'fields', title: 'the client id is that of the managed identity' };

/** The client id is that of the object, and nobody else says that it is right. */
function isTaken({ identity: seen, pods }: FederatedSight, given: FederatedIds): boolean {
  if (given.clientId !== '' || isAttested(seen)) return false;
  // Who has the right on it loses nothing and gains nothing by what else the object says.
  const isFederated = 'spec' in seen.identity && seen.identity.spec.type === 3;
  return !(isFederated && pods.some(({ account }) => account.namespace === seen.target.namespace));
}

type Judged = FederatedSight & { readonly isTaken: boolean };

function changeSteps(sight: Judged, identity: AzureIdentity, ids: FederatedIds): readonly Step[] {
  const { identity: seen, services, twin } = sight;
  const isFederated = identity.spec.type === 3;
  const exchange = {
    namespace: services.broker?.namespace ?? 'aad-pod-identity-broker',
    name: services.broker?.name ?? 'broker',
    identity: `${ids.tenant}/${ids.clientId}`,
  };
  return [
    ...(isFederated ? [] : [fieldsStep(seen, ids)]),
    ...(sight.rights ? [rightsStep(sight.rights)] : []),
    ...(isFederated ? [] : [credentialStep(sight, ids, exchange)]),
    typeStep(seen, ids),
    servedStep(sight.pods),
    ...removeTwinStep(twin),
  ];
}

const fault = (why: string): Step => ({
  id: 'identity',
  title: 'the AzureIdentity can become one of type 3',
  state: 'blocked',
  why,
});

const setUp = 'docs/administrator/federated.md has the steps';

function brokerStep({ broker, agentsWithoutBroker, hasAgent, unknown }: ServicesSight): Step {
  const title = 'the broker runs, and every NMI knows it';
  const blocked = (why: string): Step => ({ id: 'broker', title, state: 'blocked', why });
  if ((broker === undefined || !hasAgent) && unknown.length > 0) return blocked(unknown.join('; '));
  if (broker === undefined) return blocked(`no broker was found: ${setUp}`);
  if (!hasAgent)
    return blocked('no NMI of this project was found: kubectl azure-pod-identity migrate to-ours');
  if (agentsWithoutBroker.length > 0)
    return blocked(
      `without --broker: ${agentsWithoutBroker.join(', ')}; an older NMI gives type 3 no token: ${setUp}`,
    );
  if (!broker.isReady)
    return blocked(
      `no replica of ${broker.namespace}/${broker.name} is ready: kubectl azure-pod-identity status says why`,
    );
  return { id: 'broker', title, state: 'done', why: `${broker.namespace}/${broker.name}` };
}

/** Why type 3 would take tokens away from pods. */
function whyNot(
  { identity, isOfOldSpelling, target }: IdentitySight,
  pods: readonly PodSight[],
): string | undefined {
  const { spec } = identity as AzureIdentity;
  if (isOfOldSpelling)
    return 'it has the field names of 2018: MIC writes it again with those of today if it has the right, or apply it anew';
  if (spec.type === 1 || spec.type === 2)
    return `it is of type ${spec.type} (a service principal): remove clientPassword, auxiliaryTenantIDs and adEndpoint and set type 3 in one change of your own`;
  const key = `${target.namespace ?? ''}/${target.name}`;
  for (const pod of pods) {
    const rival = rivalOf(key, pod);
    if (rival !== undefined)
      return `pod ${pod.key} has the same Azure identity also by AzureIdentity ${rival}, which would count as another one then: requests that name none would be refused; change or remove that one first`;
  }
  return undefined;
}

/** Those of the object, and where it states none those given. */
export function idsOf(
  { clientID = '', tenantID = '' }: Partial<AzureIdentity['spec']>,
  given: FederatedIds,
): FederatedIds {
  return {
    tenant: (tenantID === '' ? given.tenant : tenantID).toLowerCase(),
    clientId: (clientID === '' ? given.clientId : clientID).toLowerCase(),
  };
}

/** What is missing or wrong. */
function idsFault(ids: FederatedIds, given: FederatedIds): string | undefined {
  for (const key of ['tenant', 'clientId'] as const)
    if (given[key] !== '' && given[key].toLowerCase() !== ids[key])
      return `${given[key]} was given, and the AzureIdentity says ${ids[key]}: correct one of them`;
  const parsed = federatedTarget(ids.tenant, ids.clientId);
  return parsed.ok
    ? undefined
    : `${parsed.problems.map(({ path, message }) => `${path} ${message}`).join('; ')}; give --tenant and --client-id, as Azure has them:`;
}

function fieldsUnknown({ identity }: IdentitySight, why: string): Step {
  const { resourceID = '' } = (identity as AzureIdentity).spec;
  return {
    id: 'fields',
    title: 'the AzureIdentity states tenant and client id',
    state: 'blocked',
    why,
    commands: [`az identity show --ids ${shellWord(resourceID)} --query '{tenant:tenantId,client:clientId}'`],
  };
}

function fieldsStep({ target, object, identity }: IdentitySight, ids: FederatedIds): Step {
  const { spec } = identity as AzureIdentity;
  const title = 'the AzureIdentity of type 0 states tenant and client id';
  const missing = {
    ...((spec.tenantID ?? '') === '' && { tenantID: ids.tenant }),
    ...((spec.clientID ?? '') === '' && { clientID: ids.clientId }),
  };
  if (Object.keys(missing).length === 0) return { id: 'fields', title, state: 'done' };
  const patch = { spec: missing };
  const writes: Write[] = [{ verb: 'patch', target, basis: basisOf(object, ['spec']), patch }];
  return {
    id: 'fields',
    title,
    state: 'to do',
    commands: commandsOf(writes),
    back: [
      patchCommand(target, { spec: Object.fromEntries(Object.keys(missing).map((key) => [key, null])) }),
    ],
    action: { kind: 'write', writes },
  };
}

function credentialStep(
  { identity, services, issuer, isTaken: isUnsure }: Judged,
  ids: FederatedIds,
  exchange: Exchange,
): Step {
  const { broker } = services;
  const az = credentialWords({
    name: 'aad-pod-identity-broker',
    issuer,
    subject: `system:serviceaccount:${exchange.namespace}:${broker?.account ?? 'broker'}`,
    audience: broker?.audience ?? 'api://AzureADTokenExchange',
    resourceId: (identity.identity as AzureIdentity).spec.resourceID ?? '',
    clientId: ids.clientId,
  });
  const isKnown = issuer !== undefined && !isUnsure;
  return {
    id: 'credential',
    title: 'Microsoft Entra gives the broker a token for it, which is thrown away',
    state: 'to do',
    why: `if the federated credential is missing, create it by the second command${isKnown ? ', which --run-az runs' : whyNotRun(issuer)}`,
    commands: [exchangeCommand(exchange), azCommand(az)],
    action: { kind: 'exchange', az: isKnown ? az : undefined, exchange },
  };
}

const whyNotRun = (issuer: Issuer) =>
  issuer === undefined
    ? ' with the issuer of the cluster: you may not read its /.well-known/openid-configuration'
    : ', if clientID and resourceID are of one identity; --run-az runs it if you give --client-id';

/** Empty fields count as missing. */
function stated(spec: object = {}): object {
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== ''));
}

function typeStep({ target, object, identity }: IdentitySight, ids: FederatedIds): Step {
  const { spec } = identity as AzureIdentity;
  const title =
    'the AzureIdentity is of type 3: NMI requests new tokens from the broker, and MIC detaches the identity later';
  if (spec.type === 3) return { id: 'type', title, state: 'done' };
  const raw = object as { readonly spec?: object };
  const patch = { spec: { type: 3 } };
  // The fields that an earlier step of this plan has written are part of what this one is made of.
  const expected = {
    ...raw,
    spec: { tenantID: ids.tenant, clientID: ids.clientId, ...stated(raw.spec) },
  };
  const writes: Write[] = [{ verb: 'patch', target, basis: basisOf(expected, ['spec']), patch }];
  return {
    id: 'type',
    title,
    state: 'to do',
    commands: commandsOf(writes),
    back: [plugIn(`migrate to-attached ${shellWord(`${target.namespace ?? ''}/${target.name}`)} --apply`)],
    action: { kind: 'write', writes },
  };
}
