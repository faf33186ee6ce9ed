// From a managed identity on the machines (type 0) to a federated one (type 3).
import { federatedTarget, type AzureIdentity } from '@pod-identity/crd-types';
import { azCommand, shellWord } from '@pod-identity/policy';
import { brokerCredential, credentialWords, usualAudience } from '../cluster/credential.ts';
import { keyOf } from '../cluster/fields.ts';
import { isConfirmedByMic, unconfirmedIds } from './confirmed-ids.ts';
import type { BoundPod, ServiceFacts, StoredIdentity, TypeChangeFacts } from './facts.ts';
import { blocked, done, plugIn, toDo, type Plan, type Step } from './plan.ts';
import { rightsStep, servedStep } from './shared-steps.ts';
import { patchCommand } from './writes.ts';

export interface FederatedFacts extends TypeChangeFacts {
  /** Of the API server; undefined if it may not be read. */
  readonly issuer: string | undefined;
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
  const subject = keyOf(identity.target);
  const namespaces = [...new Set(pods.map(({ account }) => account.namespace))].sort();
  return {
    name: 'to-federated',
    subject,
    title: `AzureIdentity ${subject}: to type 3 (federated)`,
    steps: [brokerStep(facts.services), ...stepsOf(facts, given)],
    notes: [
      ...(namespaces.length > 1 ? [`pods of several namespaces use it: ${namespaces.join(', ')}`] : []),
      'ServiceAccounts without pods now (CronJobs) are not seen: name them with --accounts',
    ],
    back: plugIn(`migrate to-attached ${shellWord(subject)}`),
  };
}

function stepsOf(facts: FederatedFacts, given: Given): readonly Step[] {
  const { identity: seen, pods, rights } = facts;
  const why = whyNot(seen, pods);
  if (why !== undefined) return [blocked({ id: 'identity', title: 'it can become one of type 3' }, why)];
  const { spec } = seen.identity as AzureIdentity;
  const ids = idsOf(spec, given);
  const wrong = idsFault(ids, given);
  if (wrong !== undefined) {
    const query = "--query '{tenant:tenantId,client:clientId}'";
    const commands = [`az identity show --ids ${shellWord(spec.resourceID ?? '')} ${query}`];
    return [{ ...blocked({ id: 'fields', title: 'it states tenant and client id' }, wrong), commands }];
  }
  const isSure = given.clientId !== '' || isConfirmed(facts);
  if (!isSure && rights !== undefined && rights.refused.length > 0) {
    const unconfirmed = unconfirmedIds(seen, '--client-id');
    return [{ id: 'fields', title: 'the client id is that of the managed identity', ...unconfirmed }];
  }
  const type = { id: 'type', title: 'it is of type 3: NMI requests new tokens from the broker' };
  const granted = rights ? [rightsStep(rights)] : [];
  if (spec.type === 3) return [...granted, done(type), servedStep(pods)];
  const command = patchCommand(seen.target, 'spec', { type: 3 });
  const credential = credentialStep(facts, { ...given, ...ids }, isSure);
  return [fieldsStep(seen, ids), ...granted, credential, toDo(type, command), servedStep(pods)];
}

/** Whether somebody else than the object says that its client id is right. */
function isConfirmed({ identity: seen, pods }: FederatedFacts): boolean {
  // Who has the right on a federated one loses nothing and gains nothing by what else the object says.
  const isFederated = 'spec' in seen.identity && seen.identity.spec.type === 3;
  const isOwn = pods.some(({ account }) => account.namespace === seen.target.namespace);
  return isConfirmedByMic(seen) || (isFederated && isOwn);
}

function brokerStep({ broker, agentsWithoutBroker, hasAgent, unknown }: ServiceFacts): Step {
  const step = { id: 'broker', title: 'the broker runs, and every NMI knows it' };
  const setUp = 'docs/administrator/federated.md has the steps';
  if ((broker === undefined || !hasAgent) && unknown.length > 0) return blocked(step, unknown.join('; '));
  if (broker === undefined) return blocked(step, `no broker was found: ${setUp}`);
  if (!hasAgent)
    return blocked(step, 'no NMI of this project was found: docs/administrator/from-the-original.md');
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
  if ('problems' in identity) return `the AzureIdentity is not valid: ${identity.problems.join('; ')}`;
  const { type } = identity.spec;
  if (isOfOldSpelling) return 'it has the field names of 2018: apply it anew with those of today';
  if (type === 1 || type === 2)
    return `it is of type ${type} (a service principal): remove clientPassword, auxiliaryTenantIDs and adEndpoint and set type 3 in one change of your own`;
  for (const { key, identities } of type === 3 ? [] : pods) {
    const own = identities.find((one) => one.key === keyOf(target));
    const twin = identities.find(
      (one) => one !== own && one.resourceId !== '' && one.resourceId === own?.resourceId,
    );
    if (twin)
      return `pod ${key} has the same Azure identity also by AzureIdentity ${twin.key}, which may count as another one then: requests that name none would be refused; change or remove that one first`;
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
  if (parsed.ok) return undefined;
  const problems = parsed.problems.map(({ path, message }) => `${path} ${message}`).join('; ');
  return `${problems}; give --tenant and --client-id, as Azure has them:`;
}

function fieldsStep(seen: StoredIdentity, ids: FederatedIds): Step {
  const { tenantID = '', clientID = '' } = (seen.identity as AzureIdentity).spec;
  const step = { id: 'fields', title: 'the AzureIdentity of type 0 states tenant and client id' };
  if (tenantID !== '' && clientID !== '') return done(step);
  const missing = {
    ...(tenantID === '' && { tenantID: ids.tenant }),
    ...(clientID === '' && { clientID: ids.clientId }),
  };
  return toDo(step, patchCommand(seen.target, 'spec', missing));
}

/** Only a pod of the broker has the token that Entra exchanges, so the test is a command in it. */
function credentialStep(
  { identity, services: { broker }, issuer }: FederatedFacts,
  given: Given,
  isSure: boolean,
): Step {
  const step = { id: 'credential', title: 'Test: the broker can get a token' };
  if (given.isCredentialThere) return done(step);
  const { namespace, name, account, audience } = broker ?? usualBroker;
  const ids = shellWord(`${given.tenant}/${given.clientId}`);
  const exchange = `kubectl -n ${shellWord(namespace)} exec ${shellWord(`deploy/${name}`)} -- node /app/nmi.js check-federated ${ids}`;
  const az = credentialWords({
    name: brokerCredential,
    issuer,
    audience,
    clientId: given.clientId,
    account: { namespace, name: account },
    resourceId: (identity.identity as AzureIdentity).spec.resourceID ?? '',
  });
  const how = isSure
    ? 'else create the federated credential by the second'
    : 'give --client-id for the command that creates the federated credential';
  const why = `go on with --credential-exists once the first command prints that it can; ${how}${isSure && issuer === undefined ? ', with the issuer of the cluster, which you cannot read' : ''}`;
  return toDo({ ...step, why }, exchange, ...(isSure ? [azCommand(az)] : []));
}

const usualBroker = {
  namespace: 'aad-pod-identity-broker',
  name: 'broker',
  account: 'broker',
  audience: usualAudience,
};
