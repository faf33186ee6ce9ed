// Reads the cluster for the plan of one object, and makes the plan.
import { accessTargetsOf, federatedTarget, type AccessTarget } from '@pod-identity/crd-types';
import { parseObjectName } from '../cli/arguments.ts';
import type { Given, Session } from '../cli/command.ts';
import { keyOf, type ObjectName } from '../cluster/fields.ts';
import {
  readStoredIdentity,
  readAssignedPods,
  readBoundPods,
  reviewRightsOn,
  readServiceFacts,
  readTemporaryObjects,
  readIdentityUsers,
  findIssuer,
  usersOf,
} from './read-identity.ts';
import { readWorkloadFacts, readOriginalFacts } from './read-cluster.ts';
import type { Plan } from './plan.ts';
import { accountsOf, type IdentityUsers, type StoredIdentity } from './facts.ts';
import { resourceIdOf, toAttached } from './to-attached.ts';
import { idsOf, toFederated, type FederatedIds } from './to-federated.ts';
import { toOurs } from './to-ours.ts';
import { toWorkloadIdentity } from './to-workload-identity.ts';

export const steps = ['to-ours', 'to-federated', 'to-attached', 'to-workload-identity'] as const;
export type StepName = (typeof steps)[number];

export async function planOf(
  session: Session,
  given: Given,
  { step, namespace, name }: ObjectName & { readonly step: StepName },
): Promise<Plan> {
  if (step === 'to-ours') return toOurs(await readOriginalFacts(session));
  if (step === 'to-workload-identity') {
    const facts = await readWorkloadFacts(session, { namespace, name }, textOf(given, 'identity'));
    const { credentialExists, removeBinding } = given.options;
    return toWorkloadIdentity(facts, {
      clientId: textOf(given, 'clientId'),
      resourceId: textOf(given, 'resourceId'),
      isCredentialThere: credentialExists === true,
      isBindingRemoved: removeBinding === true,
    });
  }
  return identityPlan(session, given, { step, namespace, name });
}

async function identityPlan(
  session: Session,
  given: Given,
  { step, namespace, name }: ObjectName & { readonly step: 'to-federated' | 'to-attached' },
): Promise<Plan> {
  const identity = await readStoredIdentity(session, namespace, name);
  const bound = usersOf(await readBoundPods(session), `${namespace}/${name}`);
  const users = await readIdentityUsers(session, identity, bound);
  const temporary = await readTemporaryObjects(session, namespace, name);
  const seen = { identity, pods: users.pods, temporary, services: await readServiceFacts(session) };
  const rightsOn = async (target: AccessTarget | undefined, accounts: readonly ObjectName[]) => {
    const found = target && (await reviewRightsOn(session, target, accounts));
    return found && { ...found, unknown: [...users.unknown, ...found.unknown] };
  };
  const plan = await (step === 'to-attached' ? back() : forward());
  return { ...plan, notes: [...plan.notes, ...refusedNotes(users)] };

  async function forward(): Promise<Plan> {
    const ids = { tenant: textOf(given, 'tenant'), clientId: textOf(given, 'clientId') };
    const accounts = [...accountsOf(users.pods), ...accountsIn(given)];
    const rights = await rightsOn(federatedTargetOf(identity, ids), accounts);
    const isCredentialThere = given.options['credentialExists'] === true;
    return toFederated({ ...seen, rights, issuer: await findIssuer(session) }, { ...ids, isCredentialThere });
  }

  async function back(): Promise<Plan> {
    const resourceId = textOf(given, 'resourceId');
    const accounts = accountsOf(users.pods.filter(({ isRbac }) => isRbac));
    const target = accounts.length > 0 ? attachedTarget(identity, resourceId) : undefined;
    const rights = await rightsOn(target, accounts);
    const assigned = await readAssignedPods(session, { namespace, name });
    return toAttached({ ...seen, rights, assigned }, { resourceId });
  }
}

function refusedNotes({ refused }: IdentityUsers): readonly string[] {
  if (refused.length === 0) return [];
  const who = refused.map(keyOf).join(', ');
  return [`pods of ${who} are bound to it and have no right on it: they get none by this plan`];
}

function federatedTargetOf({ identity }: StoredIdentity, given: FederatedIds): AccessTarget | undefined {
  const { tenant, clientId } = idsOf('problems' in identity ? {} : identity.spec, given);
  const parsed = federatedTarget(tenant, clientId);
  return parsed.ok ? parsed.value : undefined;
}

function attachedTarget({ identity }: StoredIdentity, given: string): AccessTarget | undefined {
  if ('problems' in identity) return undefined;
  const resourceID = resourceIdOf(identity.spec, given);
  const targets = accessTargetsOf({ ...identity, spec: { type: 0, resourceID } });
  return targets.ok ? targets.value[0] : undefined;
}

const accountsIn = (given: Given): readonly ObjectName[] =>
  textOf(given, 'accounts')
    .split(',')
    .filter(Boolean)
    .map((text) => parseObjectName(text, 'ServiceAccount', { namespace: undefined }));

function textOf({ options }: Given, name: string): string {
  const value = options[name];
  return typeof value === 'string' ? value : '';
}
