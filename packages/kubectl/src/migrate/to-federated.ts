// From a managed identity on the machines (type 0) to a federated one (type 3).
import { federatedTarget } from '@pod-identity/crd-types';
import { azCommand, inPlugIn, shellWord } from '@pod-identity/policy';
import { brokerCredential, credentialWords } from '../cluster/credential.ts';
import { keyOf } from '../cluster/fields.ts';
import { isConfirmedByMic, unconfirmedIds } from './confirmed-ids.ts';
import {
  isMissing,
  patchCommand,
  rightsSteps,
  servedStep,
  whyNot,
  type Given,
  type Plan,
  type Step,
} from './plan.ts';
import type { BoundPod, ReviewedRights, ServiceFacts, StoredIdentity } from './read-facts.ts';

export interface FederatedFacts {
  readonly identity: StoredIdentity;
  readonly services: ServiceFacts;
  /** All that use the identity and may. */
  readonly pods: readonly BoundPod[];
  /** On what it becomes; undefined if that is not known, or nobody needs it. */
  readonly rights: ReviewedRights | undefined;
  /** Of the API server; undefined if it may not be read. */
  readonly issuer: string | undefined;
}

type Ids = Pick<Given, 'tenant' | 'clientId'>;
type Choice = Ids & Pick<Given, 'isCredentialThere'>;

export function toFederated(facts: FederatedFacts, given: Choice): Plan {
  const { target, spec } = facts.identity;
  const before = { type: 0, ...(spec.resourceID === '' && { resourceID: 'RESOURCE-ID' }) };
  return {
    title: `AzureIdentity ${keyOf(target)}: to type 3 (federated)`,
    steps: stepsOf(facts, given),
    notes: [
      `ServiceAccounts without pods now (CronJobs) are not seen: ${inPlugIn('access NAMESPACE/SERVICEACCOUNT federatedidentities/TENANT/CLIENT-ID')} prints the roles of one`,
    ],
    back: patchCommand(target, { spec: before }),
  };
}

function stepsOf(facts: FederatedFacts, given: Choice): readonly Step[] {
  const { identity: seen, pods, rights, services, issuer } = facts;
  const runs = brokerStep(services);
  const ids = idsOf(seen, given);
  const isSure = given.clientId !== '' || isConfirmedByMic(seen);
  const fault = faultOf(seen, given) ?? (isSure || !isMissing(rights) ? undefined : unsure(seen));
  if (services.broker === undefined || fault !== undefined) return [runs, ...(fault ? [fault] : [])];
  const { type, resourceID: resourceId } = seen.spec;
  const spec = { type: 3, tenantID: ids.tenant, clientID: ids.clientId };
  const change: Step = {
    id: 'type',
    title: 'it is of type 3: NMI requests new tokens from the broker',
    state: type === 3 ? 'done' : 'to do',
    commands: [patchCommand(seen.target, { spec })],
  };
  const trust = { resourceId, broker: services.broker, issuer, isSure };
  const credential = type === 3 ? [] : [credentialStep(trust, { ...given, ...ids })];
  return [runs, ...rightsSteps(rights), ...credential, change, servedStep(pods)];
}

const unsure = (seen: StoredIdentity): Step => ({
  id: 'fields',
  title: 'the client id is that of the managed identity',
  ...unconfirmedIds(seen, '--client-id'),
});

function brokerStep({ broker, agentsWithoutBroker, hasAgent, unknown }: ServiceFacts): Step {
  const head = { id: 'broker', title: 'the broker runs, and every NMI knows it' };
  const blocked = (why: string): Step => ({ ...head, state: 'blocked', why });
  const setUp = 'docs/administrator/federated.md has the steps';
  if ((broker === undefined || !hasAgent) && unknown.length > 0) return blocked(unknown.join('; '));
  if (broker === undefined) return blocked(`no broker was found: ${setUp}`);
  if (!hasAgent) return blocked('no NMI of this project was found: docs/administrator/from-the-original.md');
  if (agentsWithoutBroker.length > 0)
    return blocked(
      `without --broker: ${agentsWithoutBroker.join(', ')}; an older NMI gives type 3 no token: ${setUp}`,
    );
  return broker.isReady
    ? { ...head, state: 'done', why: keyOf(broker) }
    : blocked(`no replica of ${keyOf(broker)} is ready: ${inPlugIn('status')} says why`);
}

/** Those of the object, and where it states none those given. */
export function idsOf({ spec: { clientID, tenantID } }: Pick<StoredIdentity, 'spec'>, given: Ids): Ids {
  return {
    tenant: (tenantID === '' ? given.tenant : tenantID).toLowerCase(),
    clientId: (clientID === '' ? given.clientId : clientID).toLowerCase(),
  };
}

function faultOf(seen: StoredIdentity, given: Ids): Step | undefined {
  const why = whyNot(seen);
  if (why !== undefined)
    return { id: 'identity', title: 'it can become one of type 3', state: 'blocked', why };
  const wrong = idsFault(idsOf(seen, given), given);
  const query = `${shellWord(seen.spec.resourceID)} --query '{tenant:tenantId,client:clientId}'`;
  return wrong === undefined
    ? undefined
    : {
        id: 'fields',
        title: 'tenant and client id are known',
        state: 'blocked',
        why: wrong,
        commands: [`az identity show --ids ${query}`],
      };
}

/** What is missing or wrong. */
function idsFault(ids: Ids, given: Ids): string | undefined {
  for (const key of ['tenant', 'clientId'] as const)
    if (given[key] !== '' && given[key].toLowerCase() !== ids[key])
      return `${given[key]} was given, and the AzureIdentity says ${ids[key]}: correct one of them`;
  const parsed = federatedTarget(ids.tenant, ids.clientId);
  if (parsed.ok) return undefined;
  const problems = parsed.problems.map(({ path, message }) => `${path} ${message}`).join('; ');
  return `${problems}; give --tenant and --client-id, as Azure has them:`;
}

interface CredentialFacts extends Pick<FederatedFacts, 'issuer'> {
  readonly broker: NonNullable<ServiceFacts['broker']>;
  readonly resourceId: string;
  /** Somebody else than the object says that its client id is right. */
  readonly isSure: boolean;
}

/** Only a pod of the broker has the token that Entra exchanges, so the test is a command in it. */
function credentialStep({ broker, issuer, resourceId, isSure }: CredentialFacts, given: Choice): Step {
  const head = { id: 'credential', title: 'Test: the broker can get a token' };
  if (given.isCredentialThere) return { ...head, state: 'done' };
  const { namespace, name, account, audience } = broker;
  const { tenant, clientId } = given;
  const exchange = `kubectl -n ${shellWord(namespace)} exec ${shellWord(`deploy/${name}`)} -- node /app/nmi.js check-federated ${shellWord(`${tenant}/${clientId}`)}`;
  const owner = { namespace, name: account };
  const az = credentialWords({
    name: brokerCredential,
    issuer,
    audience,
    clientId,
    account: owner,
    resourceId,
  });
  const how = isSure
    ? 'else create the federated credential by the second'
    : 'give --client-id for the command that creates the federated credential';
  const why = `go on with --credential-exists once the first command prints that it can; ${how}${isSure && issuer === undefined ? ', with the issuer of the cluster, which you cannot read' : ''}`;
  return { ...head, state: 'to do', why, commands: [exchange, ...(isSure ? [azCommand(az)] : [])] };
}
