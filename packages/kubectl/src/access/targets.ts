// Which Azure identities are meant: those that are named on the command line, or by AzureIdentities.
import {
  parseAccessTarget,
  problemTexts,
  rolesFor,
  type AccessSubject,
  type AccessTarget,
} from '@pod-identity/crd-types';
import { targetsOf } from '@pod-identity/policy';
import { parseObjectName } from '../cli/arguments.ts';
import { CommandProblem, type Session } from '../cli/command.ts';
import { keyOf } from '../cluster/fields.ts';
import { itemsOf, unknownOf } from '../cluster/lists.ts';
import type { ClusterRead } from '../cluster/read-cluster.ts';
import { rightIn, type Reviews } from '../rights/verdicts.ts';

/** A target, and the AzureIdentity (`namespace/name`) that names it; '': none. */
export interface Named {
  readonly target: AccessTarget;
  readonly by: string;
}

/** How one is named on the command line. */
export const identityArgument =
  'the ARM id of a managed identity or machine, TENANT/CLIENT-ID, federatedidentities/TENANT/CLIENT-ID, or an AzureIdentity by NAMESPACE/NAME';

/** What rights are needed for an Azure identity, or for that of an AzureIdentity. */
export function targetsNamed(text: string, read: ClusterRead, session: Session): readonly Named[] {
  const parsed = parseAccessTarget(text);
  if (parsed.ok) {
    for (const { message } of parsed.warnings) session.err(`${text} ${message}`);
    return [{ target: parsed.value, by: '' }];
  }
  // No id of Azure has this shape.
  if (!/^[-.a-z0-9]+(\/[-.a-z0-9]+)?$/.test(text))
    throw new CommandProblem(problemTexts(parsed.problems).join('; '));
  const key = keyOf(parseObjectName(text, 'AzureIdentity', session));
  const targets = targetsIn(read, key);
  if (targets.length > 0) return targets;
  const why = `no valid AzureIdentity ${key} that anybody can be given the right to use was found; name ${identityArgument}`;
  throw new CommandProblem([why, ...unknownOf(read.identities)].join('; '));
}

/** Of the AzureIdentity with this key, or of all that are shown. */
export function targetsIn({ identities, namespace }: ClusterRead, key?: string): readonly Named[] {
  const isMeant = (of: string) =>
    key === undefined ? namespace === undefined || of.startsWith(`${namespace}/`) : of === key;
  return itemsOf(identities).flatMap(({ view }) =>
    view.kind === 'valid' && isMeant(view.key)
      ? targetsOf(view.identity).targets.map((target) => ({ target, by: view.key }))
      : [],
  );
}

/** Fields of the JSON. */
export type IdentityEntry = Awaited<ReturnType<typeof identityEntry>>;

export async function identityEntry(subject: AccessSubject, { target, by }: Named, review: Reviews) {
  const verdict = await review(subject, target);
  const [{ resource, names }, right] = [target, rightIn(verdict)];
  const on = verdict.review.kind === 'allowed' ? (names[verdict.review.level] ?? '') : '';
  const roles = right === 'refused' ? rolesFor({ subjects: [subject], targets: [target] }).yaml : '';
  const warning =
    roles === '' || by === ''
      ? ''
      : `editors of its namespace wrote ${resource} ${names[0]} into AzureIdentity ${by}: with these roles pods of ServiceAccount ${keyOf(subject)} act as that identity in Azure, whoever it belongs to. Apply them only if its owner wants that`;
  return { right, name: names[0], by, resource, on, roles, warning };
}
