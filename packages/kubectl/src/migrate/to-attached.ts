// From a federated identity (type 3) back to a managed identity on the machines (type 0).
import { canonicalResourceId, parseIdentityResourceId } from '@pod-identity/crd-types';
import { shellWord } from '@pod-identity/policy';
import { keyOf } from '../cluster/fields.ts';
import { unconfirmedIds } from './confirmed-ids.ts';
import {
  isMissing,
  patchCommand,
  plugIn,
  rightsSteps,
  servedStep,
  whyNot,
  type ChangeFacts,
  type Given,
  type Plan,
  type Step,
} from './plan.ts';

export interface AttachedFacts extends ChangeFacts {
  /** Keys of the pods whose machine has the identity, as MIC has recorded. */
  readonly assigned: ReadonlySet<string>;
}

export function toAttached(facts: AttachedFacts, { resourceId }: Pick<Given, 'resourceId'>): Plan {
  const subject = keyOf(facts.identity.target);
  return {
    title: `AzureIdentity ${subject}: back to type 0 (attached to the machines)`,
    steps: stepsOf(facts, resourceId),
    notes: [
      'until MIC has attached the identity, up to a minute, tokens are refused: docs/administrator/federated.md has the way by a second AzureIdentity of type 0, without a gap',
    ],
    back: plugIn(`migrate to-federated ${shellWord(subject)}`),
  };
}

function stepsOf(facts: AttachedFacts, given: string): readonly Step[] {
  const { identity: seen, pods, rights } = facts;
  const { type, resourceID: stated } = seen.spec;
  const resourceID = stated === '' ? given : stated;
  const head = { id: 'identity', title: 'the AzureIdentity can become one of type 0' };
  const why = whyNot(seen) ?? faultOf(resourceID, given);
  if (why !== undefined) return [{ ...head, state: 'blocked', why }];
  if (given === '' && type === 3 && isMissing(rights))
    return [{ ...head, ...unconfirmedIds(seen, '--resource-id') }];
  const changed: readonly Step[] = [
    ...rightsSteps(rights),
    {
      id: 'type',
      title: 'it is of type 0: NMI requests new tokens from the metadata service',
      state: type === 0 ? 'done' : 'to do',
      commands: [patchCommand(seen.target, { spec: { type: 0, resourceID } })],
    },
  ];
  return pods.length === 0
    ? changed
    : [micStep(facts.services), ...changed, assignedStep(facts), servedStep(pods)];
}

function faultOf(resourceID: string, given: string): string | undefined {
  if (given !== '' && canonicalResourceId(given) !== canonicalResourceId(resourceID))
    return `${given} was given, and the AzureIdentity says ${resourceID}: correct one of them`;
  const parsed = parseIdentityResourceId(resourceID);
  return parsed.ok
    ? undefined
    : `spec.resourceID ${parsed.problems.map(({ message }) => message).join('; ')}: give --resource-id with the ARM id of the managed identity; an application cannot be attached`;
}

function micStep({ hasMic, unknown }: ChangeFacts['services']): Step {
  const head = { id: 'mic', title: 'MIC runs, which attaches the identity to the machines' };
  if (hasMic) return { ...head, state: 'done' };
  const none =
    'no MIC of this project is ready. Without MIC, attach the identity yourself (az vmss identity assign)';
  return { ...head, state: 'blocked', why: unknown.join('; ') || none };
}

function assignedStep({ pods, assigned }: AttachedFacts): Step {
  const head = { id: 'assigned', title: 'MIC has assigned it to all its pods' };
  const lacking = pods.filter(({ key, isPlaced }) => isPlaced && !assigned.has(key));
  const [pod] = lacking;
  if (pod === undefined) return { ...head, state: 'done' };
  const why = `wait, then give the same command again: ${lacking.length} pods are not assigned yet. MIC says why:`;
  return { ...head, state: 'to do', why, commands: [plugIn(`explain ${shellWord(pod.key)}`)] };
}
