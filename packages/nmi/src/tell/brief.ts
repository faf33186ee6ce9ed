import { refusalOf, type Failure } from '../respond/refusals.ts';
import { withoutIds } from '../tokens/errors.ts';

/**
 * Why nothing was given, for log lines and Events. Ids that Azure wrote are shortened. Those of a missing right stay: they are what
 * the command to check it needs, and the pod's own AzureIdentity names them.
 */
export function briefOf(outcome: Failure): string {
  const { description } = refusalOf(outcome, 503);
  return 'denial' in outcome && outcome.denial.why === 'access-denied'
    ? description
    : withoutIds(description);
}
