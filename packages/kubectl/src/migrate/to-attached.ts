// From a federated identity (type 3) back to a managed identity on the machines (type 0).
import { canonicalResourceId, parseIdentityResourceId } from '@pod-identity/crd-types';
import { shellWord } from '@pod-identity/policy';
import { keyOf } from '../cluster/fields.ts';
import { unconfirmedIds } from './confirmed-ids.ts';
import { specOf, type StoredIdentity, type TypeChangeFacts } from './facts.ts';
import { blocked, done, plugIn, toDo, type Plan, type Step } from './plan.ts';
import { rightsStep, servedStep } from './shared-steps.ts';
import { patchCommand } from './writes.ts';

export interface AttachedFacts extends TypeChangeFacts {
  /** Keys of the pods whose machine has the identity, as MIC has recorded. */
  readonly assigned: ReadonlySet<string>;
}

interface Given {
  readonly resourceId: string;
}

export function toAttached(facts: AttachedFacts, given: Given): Plan {
  const subject = keyOf(facts.identity.target);
  return {
    name: 'to-attached',
    subject,
    title: `AzureIdentity ${subject}: back to type 0 (attached to the machines)`,
    steps: stepsOf(facts, given),
    notes: [
      'until MIC has attached the identity, up to a minute, tokens are refused: docs/administrator/federated.md has the way by a second AzureIdentity of type 0, without a gap',
    ],
    back: plugIn(`migrate to-federated ${shellWord(subject)}`),
  };
}

function stepsOf(facts: AttachedFacts, { resourceId: given }: Given): readonly Step[] {
  const { identity: seen, services, pods, rights } = facts;
  const head = { id: 'identity', title: 'the AzureIdentity can become one of type 0' };
  const { type, resourceID: stated = '' } = specOf(seen);
  const resourceID = stated === '' ? given : stated;
  const fault = faultOf(seen, resourceID, given);
  if (fault !== undefined) return [blocked(head, fault)];
  if (given === '' && givesRight(facts)) return [{ ...head, ...unconfirmedIds(seen, '--resource-id') }];
  const change = { id: 'type', title: 'it is of type 0: NMI requests new tokens from the metadata service' };
  const command = patchCommand(seen.target, 'spec', { type: 0, ...(stated === '' && { resourceID }) });
  const changed = [
    ...(rights ? [rightsStep(rights)] : []),
    type === 0 ? done(change) : toDo(change, command),
  ];
  return pods.length === 0 ? changed : [micStep(services), ...changed, assignedStep(facts), servedStep(pods)];
}

const givesRight = ({ identity, rights }: AttachedFacts) =>
  specOf(identity).type === 3 && rights !== undefined && rights.refused.length > 0;

function faultOf({ identity }: StoredIdentity, resourceID: string, given: string): string | undefined {
  if ('problems' in identity) return `the AzureIdentity is not valid: ${identity.problems.join('; ')}`;
  const { type } = identity.spec;
  if (type === 1 || type === 2) return `it is of type ${type} (a service principal)`;
  if (given !== '' && canonicalResourceId(given) !== canonicalResourceId(resourceID))
    return `${given} was given, and the AzureIdentity says ${resourceID}: correct one of them`;
  const parsed = parseIdentityResourceId(resourceID);
  return parsed.ok
    ? undefined
    : `spec.resourceID ${parsed.problems.map(({ message }) => message).join('; ')}: give --resource-id with the ARM id of the managed identity; an application cannot be attached`;
}

function micStep({ hasMic, unknown }: TypeChangeFacts['services']): Step {
  const mic = { id: 'mic', title: 'MIC runs, which attaches the identity to the machines' };
  if (hasMic) return done(mic);
  return blocked(
    mic,
    unknown.join('; ') ||
      'no MIC of this project is ready. Without MIC, attach the identity yourself (az vmss identity assign)',
  );
}

function assignedStep({ pods, assigned }: AttachedFacts): Step {
  const assigning = { id: 'assigned', title: 'MIC has assigned it to all its pods' };
  const lacking = pods.filter(({ key, isPlaced }) => isPlaced && !assigned.has(key));
  const [pod] = lacking;
  if (pod === undefined) return done(assigning);
  const why = `wait, then give the same command again: ${lacking.length} pods are not assigned yet. MIC says why:`;
  return toDo({ ...assigning, why }, plugIn(`explain ${shellWord(pod.key)}`));
}
