// Reads the cluster for the plan of one object, and makes the plan.
import { accessTargetsOf, type AzureIdentity } from '@pod-identity/crd-types';
import { CommandProblem, type Given, type Session } from '../cli/command.ts';
import {
  federatedTargetOf,
  lookAtIdentity,
  lookAtPods,
  lookAtRights,
  lookAtServices,
  lookAtTwin,
  lookAtUsers,
  readIssuer,
  usersOf,
} from './look.ts';
import { lookAtAccount, lookAtOriginal } from './look-around.ts';
import type { Plan } from './plan.ts';
import { accountKey, accountsOf, type IdentitySight, type UsersSight } from './sight.ts';
import { resourceIdOf, toAttached } from './to-attached.ts';
import { idsOf, toFederated } from './to-federated.ts';
import { toOurs } from './to-ours.ts';
import { toWorkloadIdentity } from './to-workload-identity.ts';

export const steps = ['to-ours', 'to-federated', 'to-attached', 'to-workload-identity'] as const;
export type StepName = (typeof steps)[number];

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

const objectName = /^(?:([a-z0-9-]+)\/)?([a-z0-9.-]+)$/;

export function nameIn(text: string | undefined, { namespace = 'default' }: Session): ObjectName {
  const [, given, name] = objectName.exec(text ?? '') ?? [];
  if (name === undefined) throw new CommandProblem('name an object as NAMESPACE/NAME');
  return { namespace: given ?? namespace, name };
}

export async function planOf(
  session: Session,
  given: Given,
  { step, namespace, name }: ObjectName & { readonly step: StepName },
): Promise<Plan> {
  if (step === 'to-ours') return toOurs(await lookAtOriginal(session));
  if (step === 'to-workload-identity') {
    const sight = await lookAtAccount(session, { namespace, name }, textOf(given, 'identity'));
    const { credentialExists, removeBinding } = given.options;
    return toWorkloadIdentity(sight, {
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
  const identity = await lookAtIdentity(session, namespace, name);
  const bound = usersOf(await lookAtPods(session), `${namespace}/${name}`);
  const users = await lookAtUsers(session, identity, bound);
  const twin = await lookAtTwin(session, namespace, name);
  const seen = { identity, pods: users.pods, twin, services: await lookAtServices(session) };
  const target =
    step === 'to-attached' ? attachedTarget(identity, given) : federatedTargetIn(identity, given);
  const accounts = [
    ...accountsOf(users.pods.filter(({ isRbac }) => isRbac || step === 'to-federated')),
    ...(step === 'to-federated' ? accountsIn(given) : []),
  ];
  const isLookedAt = step === 'to-federated' || accounts.length > 0;
  const found = target && isLookedAt ? await lookAtRights(session, target, accounts) : undefined;
  const rights = found && { ...found, unknown: [...users.unknown, ...found.unknown] };
  const plan =
    step === 'to-attached'
      ? toAttached({ ...seen, rights }, { resourceId: textOf(given, 'resourceId') })
      : toFederated({ ...seen, rights, issuer: await readIssuer(session) }, idsIn(given));
  return { ...plan, notes: [...plan.notes, ...refusedNotes(users)] };
}

function refusedNotes({ refused }: UsersSight): readonly string[] {
  if (refused.length === 0) return [];
  const who = refused.map(accountKey).join(', ');
  return [`pods of ${who} are bound to it and have no right on it: they get none by this plan`];
}

function federatedTargetIn(identity: IdentitySight, given: Given) {
  const { tenant, clientId } = idsOf(specOf(identity), idsIn(given));
  return federatedTargetOf(tenant, clientId);
}

export function specOf({ identity }: IdentitySight): Partial<AzureIdentity['spec']> {
  return 'problems' in identity ? {} : identity.spec;
}

export const idsIn = (given: Given) => ({
  tenant: textOf(given, 'tenant'),
  clientId: textOf(given, 'clientId'),
});

function attachedTarget({ identity }: IdentitySight, given: Given) {
  if ('problems' in identity) return undefined;
  const resourceID = resourceIdOf(identity.spec, textOf(given, 'resourceId'));
  const targets = accessTargetsOf({ ...identity, spec: { type: 0, resourceID } });
  return targets.ok ? targets.value[0] : undefined;
}

function accountsIn(given: Given): readonly ObjectName[] {
  const texts = textOf(given, 'accounts').split(',').filter(Boolean);
  return texts.map((text) => {
    const [, namespace, name] = objectName.exec(text) ?? [];
    if (namespace === undefined || name === undefined)
      throw new CommandProblem(`--accounts takes ServiceAccounts as NAMESPACE/NAME, not ${text}`);
    return { namespace, name };
  });
}

function textOf({ options }: Given, name: string): string {
  const value = options[name];
  return typeof value === 'string' ? value : '';
}
