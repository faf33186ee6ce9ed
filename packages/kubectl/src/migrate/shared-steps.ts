// Steps of several plans.
import { rolesFor, type AccessRole, type AccessRoleBinding } from '@pod-identity/crd-types';
import { clusterKinds } from '@pod-identity/kit/core';
import { shellWord } from '@pod-identity/policy';
import { plugIn, type Exchange, type Step } from './plan.ts';
import { accountKey, type PodSight, type RightsSight } from './sight.ts';
import { commandsOf, deleteCommand, type Write } from './writes.ts';

/** The roles that `mic access` prints too. */
export function rightsStep({ target, refused, unknown }: RightsSight): Step {
  const title = `the ServiceAccounts of its pods have the right ${target.resource}/${target.names[0]}`;
  if (unknown.length > 0)
    return { id: 'rights', title, state: 'blocked', why: `not known: ${unknown.join('; ')}` };
  if (refused.length === 0) return { id: 'rights', title, state: 'done' };
  const writes = createRoles(rolesFor({ subjects: refused, targets: [target] }).objects);
  const bindings = writes.filter((write) => write.target.kind === clusterKinds.clusterRoleBindings);
  const rights = refused.map((account) => ({ account, resource: target.resource, name: target.names[0] }));
  return {
    id: 'rights',
    title,
    state: 'to do',
    why: `missing for ${refused.map(accountKey).join(', ')}`,
    commands: commandsOf(writes),
    back: bindings.map((write) => deleteCommand(write.target)),
    action: { kind: 'until-granted', writes, rights },
  };
}

const roleKinds = {
  ClusterRole: clusterKinds.clusterRoles,
  ClusterRoleBinding: clusterKinds.clusterRoleBindings,
};

function createRoles(objects: readonly (AccessRole | AccessRoleBinding)[]): Write[] {
  return objects.map((object) => ({
    verb: 'create',
    target: { kind: roleKinds[object.kind], name: object.metadata.name },
    object,
  }));
}

/** One pod for each ServiceAccount. */
export function servedStep(pods: readonly PodSight[]): Step {
  const title = 'NMI would give its pods a token';
  const one = new Map(pods.map((pod) => [accountKey(pod.account), pod.key]));
  if (one.size === 0) return { id: 'served', title, state: 'done', why: 'no pod uses it' };
  return {
    id: 'served',
    title,
    state: 'to do',
    commands: [...one.values()].map((pod) => plugIn(`explain ${shellWord(pod)}`)),
    action: { kind: 'served', pods: [...one.values()] },
  };
}

/** Only a pod of the broker has the token that Entra exchanges, so this is a command in it. */
export const exchangeWords = ({ namespace, name, identity }: Exchange): readonly string[] => [
  ...['-n', namespace, 'exec', `deploy/${name}`, '--'],
  ...['node', '/app/nmi.js', 'check-federated', identity],
];

export const exchangeCommand = (exchange: Exchange) =>
  ['kubectl', ...exchangeWords(exchange)].map(shellWord).join(' ');
