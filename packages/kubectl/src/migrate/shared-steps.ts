// Steps of several plans.
import { rolesFor } from '@pod-identity/crd-types';
import { shellWord } from '@pod-identity/policy';
import { blocked, done, plugIn, writeStep, type Step } from './plan.ts';
import { keyOf, type ObjectName } from '../cluster/fields.ts';
import type { BoundPod, ReviewedRights } from './facts.ts';
import { createOf, undoCommandsOf } from './writes.ts';

/** The roles that `access` prints too. */
export function rightsStep({ target, refused, unknown }: ReviewedRights): Step {
  const title = `the ServiceAccounts of its pods have the right ${target.resource}/${target.names[0]}`;
  const head = { id: 'rights', title };
  if (unknown.length > 0) return blocked(head, `not known: ${unknown.join('; ')}`);
  if (refused.length === 0) return done(head);
  const { objects } = rolesFor({ subjects: refused, targets: [target] });
  return writeStep(
    {
      ...head,
      why: `missing for ${refused.map(keyOf).join(', ')}`,
      // Others may hold the role too.
      back: undoCommandsOf(objects.filter(({ kind }) => kind === 'ClusterRoleBinding').map(createOf)),
    },
    objects.map(createOf),
  );
}

/** One pod for each ServiceAccount. */
export function servedStep(all: readonly BoundPod[]): Step {
  const head = { id: 'served', title: 'NMI would give its pods a token' };
  const pods = [...new Map(all.map((pod) => [keyOf(pod.account), pod.key])).values()];
  if (pods.length === 0) return done(head, 'no pod uses it');
  const commands = pods.map((pod) => plugIn(`explain ${shellWord(pod)}`));
  return { ...head, state: 'by hand', commands };
}

/** Only a pod of the broker has the token that Entra exchanges, so this is a command in it. `identity`: `<tenant>/<client id>`. */
export const exchangeCommand = ({ namespace, name }: ObjectName, identity: string) =>
  `kubectl -n ${shellWord(namespace)} exec ${shellWord(`deploy/${name}`)} -- node /app/nmi.js check-federated ${shellWord(identity)}`;
