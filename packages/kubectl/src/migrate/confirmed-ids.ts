// Editors of a namespace can write any ids into an AzureIdentity. Before migrate creates rights or trust for them, it needs confirmation by MIC
// or by the user that the resource id and the client id are of one identity.
import { canonicalResourceId } from '@pod-identity/crd-types';
import { shellWord } from '@pod-identity/policy';
import { conditionOf, fieldAt } from '../cluster/fields.ts';
import type { Given, Step } from './plan.ts';
import type { StoredIdentity } from './read-facts.ts';

/** MIC has read the client id of the attached identity from Azure: its condition is about the object as it is now. */
export function isConfirmedByMic({ object, spec, isStatusOfMic }: StoredIdentity): boolean {
  if (!isStatusOfMic || spec.type !== 0) return false;
  const ready = conditionOf(object, 'Ready');
  return (
    fieldAt(ready, 'status') === 'True' &&
    fieldAt(ready, 'reason') === 'Attached' &&
    fieldAt(ready, 'observedGeneration') === fieldAt(object, 'metadata.generation')
  );
}

/** Who has the right on a client id of type 3 may use it; what its object says beside that, the user has to confirm. */
export function areIdsConfirmed(
  seen: StoredIdentity,
  given: Pick<Given, 'clientId' | 'resourceId'>,
): boolean {
  if (isConfirmedByMic(seen)) return true;
  if (seen.problems.length > 0) return false;
  const { type, clientID, resourceID } = seen.spec;
  if (resourceID !== '') return canonicalResourceId(given.resourceId) === canonicalResourceId(resourceID);
  return type === 3 || given.clientId.toLowerCase() === clientID.toLowerCase();
}

/** Blocks until the user gives the id of Azure himself. */
export function unconfirmedIds(
  { spec: { clientID, resourceID } }: StoredIdentity,
  option: '--client-id' | '--resource-id',
): Pick<Step, 'state' | 'why' | 'commands'> {
  const inAzure =
    option === '--resource-id'
      ? `identity list --query ${shellWord(`[?clientId=='${clientID}'].id`)}`
      : resourceID === ''
        ? `ad app show --id ${shellWord(clientID)} --query '{name:displayName,client:appId}'`
        : `identity show --ids ${shellWord(resourceID)} --query clientId`;
  return {
    state: 'blocked',
    why: `which identity it is, an editor of its namespace wrote (clientID ${clientID}, resourceID ${resourceID}), and MIC does not confirm it (after a change of the object it needs some seconds): give the same command again, or ${option}, as Azure has it:`,
    commands: [`az ${inAzure}`],
  };
}
