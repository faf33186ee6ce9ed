// From a managed identity on the machines (type 0) to a federated one (type 3).
import { federatedTarget, type AzureIdentity } from '@pod-identity/crd-types';
import { azCommand, shellWord } from '@pod-identity/policy';
import { keyOf } from '../cluster/fields.ts';
import { brokerCredential, credentialWords, usualAudience } from '../cluster/credential.ts';
import { isConfirmedByMic, unconfirmedIds } from './confirmed-ids.ts';
import { blocked, done, plugIn, writeStep, type Plan, type Step } from './plan.ts';
import { exchangeCommand, rightsStep, servedStep } from './shared-steps.ts';
import {
  rivalOf,
  type TypeChangeFacts,
  type StoredIdentity,
  type Issuer,
  type BoundPod,
  type ServiceFacts,
} from './facts.ts';
import { createdOf, removeTemporarySteps } from './temporary-identity.ts';
import { patchOf } from './writes.ts';

export interface FederatedFacts extends TypeChangeFacts {
  readonly issuer: Issuer;
}

/** From the options; empty if not given. */
export interface FederatedIds {
  readonly tenant: string;
  readonly clientId: string;
}

interface Given extends FederatedIds {
  /** `--credential-exists`: the exchange has given a token. */
  readonly isCredentialThere: boolean;
}

export function toFederated(facts: FederatedFacts, given: Given): Plan {
  const { identity, pods } = facts;
  const { target } = identity;
  const subject = keyOf(target);
  const namespaces = [...new Set(pods.map(({ account }) => account.namespace))].sort();
  return {
    name: 'to-federated',
    subject,
    title: `AzureIdentity ${subject}: to type 3 (federated)`,
    steps: stepsOf(facts, given),
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
    back: plugIn(`migrate to-attached ${shellWord(subject)}`),
  };
}

function stepsOf(facts: FederatedFacts, given: Given): readonly Step[] {
  const { identity: seen, services, pods } = facts;
  const first = brokerStep(services);
  if ('problems' in seen.identity)
    return [first, blocked(head, `the AzureIdentity is not valid: ${seen.identity.problems.join('; ')}`)];
  const refused = whyNot(seen, pods);
  if (refused !== undefined) return [first, blocked(head, refused)];
  const { spec } = seen.identity;
  const ids = idsOf(spec, given);
  const wrong = idsFault(ids, given);
  if (wrong !== undefined) return [first, fieldsUnknown(spec, wrong)];
  const isSure = isConfirmed(facts, given);
  if (!isSure && (facts.rights?.refused.length ?? 0) > 0)
    return [first, { ...clientIdStep, ...unconfirmedIds(seen, '--client-id') }];
  return [
    first,
    ...changeSteps(facts, ids, { isSure, isFederated: spec.type === 3, isTrusted: given.isCredentialThere }),
  ];
}

function changeSteps(
  facts: FederatedFacts,
  ids: FederatedIds,
  {
    isSure,
    isFederated,
    isTrusted,
  }: { readonly isSure: boolean; readonly isFederated: boolean; readonly isTrusted: boolean },
): readonly Step[] {
  const { identity, pods, rights, temporary } = facts;
  return [
    ...(isFederated ? [] : [fieldsStep(identity, ids)]),
    ...(rights ? [rightsStep(rights)] : []),
    ...(isFederated ? [] : [isTrusted ? done(credentialHead) : credentialStep(facts, ids, isSure)]),
    typeStep(identity, ids),
    servedStep(pods),
    ...removeTemporarySteps(createdOf(temporary)),
  ];
}

const head = { id: 'identity', title: 'the AzureIdentity can become one of type 3' };
const clientIdStep = { id: 'fields', title: 'the client id is that of the managed identity' };

/** Whether somebody else than the object says that its client id is right. */
function isConfirmed({ identity: seen, pods }: FederatedFacts, given: FederatedIds): boolean {
  if (given.clientId !== '' || isConfirmedByMic(seen)) return true;
  // Who has the right on it loses nothing and gains nothing by what else the object says.
  const isFederated = 'spec' in seen.identity && seen.identity.spec.type === 3;
  return isFederated && pods.some(({ account }) => account.namespace === seen.target.namespace);
}

const setUp = 'docs/administrator/federated.md has the steps';

function brokerStep({ broker, agentsWithoutBroker, hasAgent, unknown }: ServiceFacts): Step {
  const step = { id: 'broker', title: 'the broker runs, and every NMI knows it' };
  if ((broker === undefined || !hasAgent) && unknown.length > 0) return blocked(step, unknown.join('; '));
  if (broker === undefined) return blocked(step, `no broker was found: ${setUp}`);
  if (!hasAgent) return blocked(step, `no NMI of this project was found: ${plugIn('migrate to-ours')}`);
  if (agentsWithoutBroker.length > 0)
    return blocked(
      step,
      `without --broker: ${agentsWithoutBroker.join(', ')}; an older NMI gives type 3 no token: ${setUp}`,
    );
  if (!broker.isReady)
    return blocked(step, `no replica of ${keyOf(broker)} is ready: ${plugIn('status')} says why`);
  return done(step, keyOf(broker));
}

/** Why type 3 would take tokens away from pods. */
function whyNot(
  { identity, isOfOldSpelling, target }: StoredIdentity,
  pods: readonly BoundPod[],
): string | undefined {
  const { spec } = identity as AzureIdentity;
  if (isOfOldSpelling)
    return 'it has the field names of 2018: MIC writes it again with those of today if it has the right, or apply it anew';
  if (spec.type === 1 || spec.type === 2)
    return `it is of type ${spec.type} (a service principal): remove clientPassword, auxiliaryTenantIDs and adEndpoint and set type 3 in one change of your own`;
  for (const pod of pods) {
    const rival = rivalOf(keyOf(target), pod);
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

function fieldsUnknown({ resourceID = '' }: AzureIdentity['spec'], why: string): Step {
  const step = blocked({ id: 'fields', title: 'the AzureIdentity states tenant and client id' }, why);
  const query = "--query '{tenant:tenantId,client:clientId}'";
  return { ...step, commands: [`az identity show --ids ${shellWord(resourceID)} ${query}`] };
}

function fieldsStep({ target, object, identity }: StoredIdentity, ids: FederatedIds): Step {
  const { tenantID, clientID } = stated((identity as AzureIdentity).spec);
  const step = { id: 'fields', title: 'the AzureIdentity of type 0 states tenant and client id' };
  const missing = {
    ...(tenantID === undefined && { tenantID: ids.tenant }),
    ...(clientID === undefined && { clientID: ids.clientId }),
  };
  if (Object.keys(missing).length === 0) return done(step);
  return writeStep(step, [patchOf({ target, object }, 'spec', missing)]);
}

const credentialHead = { id: 'credential', title: 'Test: the broker can get a token' };

function credentialStep(
  { identity, services: { broker }, issuer }: FederatedFacts,
  ids: FederatedIds,
  isSure: boolean,
): Step {
  const { namespace, name, account, audience } = broker ?? usualBroker;
  const exchange = exchangeCommand({ namespace, name }, `${ids.tenant}/${ids.clientId}`);
  const az = credentialWords({
    name: brokerCredential,
    issuer,
    audience,
    account: { namespace, name: account },
    resourceId: (identity.identity as AzureIdentity).spec.resourceID ?? '',
    clientId: ids.clientId,
  });
  return {
    ...credentialHead,
    state: 'to do',
    why: `go on with --credential-exists once the first command prints that it can; ${isSure ? `else create the federated credential by the second${issuer === undefined ? ', with the issuer of the cluster: you cannot read its /.well-known/openid-configuration' : ''}` : 'give --client-id for the command that creates the federated credential'}`,
    commands: [exchange, ...(isSure ? [azCommand(az)] : [])],
  };
}

const usualBroker = {
  namespace: 'aad-pod-identity-broker',
  name: 'broker',
  account: 'broker',
  audience: usualAudience,
};

/** Empty fields count as missing. */
function stated<T extends object>(spec: T): Partial<T> {
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== '')) as Partial<T>;
}

function typeStep({ target, object, identity }: StoredIdentity, ids: FederatedIds): Step {
  const title =
    'the AzureIdentity is of type 3: NMI requests new tokens from the broker, and MIC detaches the identity later';
  if ((identity as AzureIdentity).spec.type === 3) return done({ id: 'type', title });
  const raw = object as { readonly spec?: object };
  // The fields that an earlier step of this plan has written are part of what this one is made of.
  const expected = {
    ...raw,
    spec: { tenantID: ids.tenant, clientID: ids.clientId, ...stated(raw.spec ?? {}) },
  };
  const back = [plugIn(`migrate to-attached ${shellWord(keyOf(target))}`)];
  return writeStep({ id: 'type', title, back }, [patchOf({ target, object: expected }, 'spec', { type: 3 })]);
}
