import {
  parseAccessTarget,
  parseAzureIdentity,
  problemTexts,
  resources,
  type AccessTarget,
} from '@pod-identity/crd-types';
import { createResource, KubeError } from '@pod-identity/kit/kube';
import { targetsOf } from '@pod-identity/policy';
import { CommandProblem, type Session } from '../cli/command.ts';
import { parseObjectName } from '../cli/arguments.ts';

/** How an Azure identity is named on the command line. */
export const identityArgument =
  'the ARM id of a managed identity or machine, TENANT/CLIENT-ID, federatedidentities/TENANT/CLIENT-ID, or an AzureIdentity by NAMESPACE/NAME';

/** What rights are needed for an Azure identity, or for that of an AzureIdentity. */
export async function readTargets(session: Session, text: string): Promise<readonly AccessTarget[]> {
  const parsed = parseAccessTarget(text);
  if (parsed.ok) {
    for (const { message } of parsed.warnings) session.err(`${text} ${message}`);
    return [parsed.value];
  }
  // No id of Azure has this shape.
  if (!/^[-.a-z0-9]+(\/[-.a-z0-9]+)?$/.test(text))
    throw new CommandProblem(problemTexts(parsed.problems).join('; '));
  const { targets, problem } = targetsOf(await readIdentity(session, text));
  if (problem !== undefined)
    throw new CommandProblem(`nobody can be given the right to use AzureIdentity ${text}: ${problem}`);
  return targets;
}

async function readIdentity(session: Session, text: string) {
  const key = parseObjectName(text, 'AzureIdentity', session);
  try {
    const object = await createResource<unknown>(session.kube, resources.AzureIdentity).get(key, {
      signal: session.signal,
    });
    const parsed = parseAzureIdentity(object);
    if (parsed.ok) return parsed.value;
    throw new CommandProblem(
      `AzureIdentity ${text} is not valid: ${problemTexts(parsed.problems).join('; ')}`,
    );
  } catch (error) {
    if (!(error instanceof KubeError && error.code === 'not-found')) throw error;
    throw new CommandProblem(`there is no AzureIdentity ${text}; name ${identityArgument}`);
  }
}
