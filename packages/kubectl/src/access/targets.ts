// Which Azure identities are meant: those that are named on the command line, or by AzureIdentities.
import {
  accessTargetKey,
  fieldLimits,
  parseAccessTarget,
  parseAzureIdentity,
  problemTexts,
  resources,
  type AccessTarget,
} from '@pod-identity/crd-types';
import { targetsOf } from '@pod-identity/policy';
import { parseObjectName } from '../cli/arguments.ts';
import { CommandProblem, type Session } from '../cli/command.ts';
import { keyOf } from '../cluster/fields.ts';
import { getAllowed, itemsOf } from '../cluster/lists.ts';
import type { ClusterRead } from '../cluster/read-cluster.ts';

/** A target, and the AzureIdentities (`namespace/name`) that name it. */
export interface Named {
  readonly target: AccessTarget;
  readonly by: readonly string[];
}

/** How one is named on the command line. */
export const identityArgument =
  'the ARM id of a managed identity or machine, TENANT/CLIENT-ID, federatedidentities/TENANT/CLIENT-ID, or an AzureIdentity by NAMESPACE/NAME';

/** What rights are needed for an Azure identity, or for that of an AzureIdentity. */
export async function readTargets(session: Session, text: string): Promise<readonly Named[]> {
  const parsed = parseAccessTarget(text);
  if (parsed.ok) {
    for (const { message } of parsed.warnings) session.err(`${text} ${message}`);
    return [{ target: parsed.value, by: [] }];
  }
  // No id of Azure has this shape.
  if (!/^[-.a-z0-9]+(\/[-.a-z0-9]+)?$/.test(text))
    throw new CommandProblem(problemTexts(parsed.problems).join('; '));
  const key = parseObjectName(text, 'AzureIdentity', session);
  const [kind, fields] = [resources.AzureIdentity, fieldLimits.AzureIdentity];
  const got = await getAllowed({ ...session, kind, fields, ...key });
  if (got.kind === 'not-read')
    throw new CommandProblem(
      got.why === 'absent' ? `there is no AzureIdentity ${text}; name ${identityArgument}` : got.text,
    );
  const identity = parseAzureIdentity(got.object);
  if (!identity.ok)
    throw new CommandProblem(
      `AzureIdentity ${text} is not valid: ${problemTexts(identity.problems).join('; ')}`,
    );
  const { targets, problem } = targetsOf(identity.value);
  if (problem !== undefined)
    throw new CommandProblem(`nobody can be given the right to use AzureIdentity ${text}: ${problem}`);
  return targets.map((target) => ({ target, by: [keyOf(key)] }));
}

/** Of the AzureIdentities that are shown, each target once, sorted. */
export function namedIn({ identities, namespace }: ClusterRead): readonly Named[] {
  const uses = itemsOf(identities).flatMap(({ view }) =>
    view.kind === 'valid' && (namespace === undefined || view.key.startsWith(`${namespace}/`))
      ? targetsOf(view.identity).targets.map((target) => ({ target, by: view.key }))
      : [],
  );
  return [...Map.groupBy(uses, ({ target }) => accessTargetKey(target))]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, of]) => of.slice(0, 1).map(({ target }) => ({ target, by: of.map(({ by }) => by).sort() })));
}
