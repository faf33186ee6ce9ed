// Steps of several plans.
import { rolesFor } from '@pod-identity/crd-types';
import { shellWord } from '@pod-identity/policy';
import { keyOf } from '../cluster/fields.ts';
import type { BoundPod, ReviewedRights } from './facts.ts';
import { blocked, byHand, done, plugIn, toDo, type Step } from './plan.ts';
import { applyCommand } from './writes.ts';

/** The roles that `access` prints too. */
export function rightsStep({ target, refused, unknown }: ReviewedRights): Step {
  const title = `the ServiceAccounts of its pods have the right ${target.resource}/${target.names[0]}`;
  const head = { id: 'rights', title };
  if (unknown.length > 0) return blocked(head, `not known: ${unknown.join('; ')}`);
  if (refused.length === 0) return done(head);
  const { objects } = rolesFor({ subjects: refused, targets: [target] });
  const why = `missing for ${refused.map(keyOf).join(', ')}`;
  return toDo({ ...head, why }, applyCommand(objects));
}

/** One pod for each ServiceAccount. */
export function servedStep(all: readonly BoundPod[]): Step {
  const head = { id: 'served', title: 'NMI would give its pods a token' };
  const pods = [...new Map(all.map((pod) => [keyOf(pod.account), pod.key])).values()];
  if (pods.length === 0) return done(head, 'no pod uses it');
  return byHand(
    head,
    'each of these says so:',
    pods.map((pod) => plugIn(`explain ${shellWord(pod)}`)),
  );
}
