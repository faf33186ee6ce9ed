// From a federated identity (type 3) back to a managed identity on the machines (type 0): attached first, then changed.
import { canonicalResourceId, parseIdentityResourceId, type AzureIdentity } from '@pod-identity/crd-types';
import { shellWord } from '@pod-identity/policy';
import { keyOf } from '../cluster/fields.ts';
import { unconfirmedIds } from './confirmed-ids.ts';
import { blocked, done, plugIn, writeStep, type Plan, type Step } from './plan.ts';
import type { BoundPod, AttachedFacts, StoredIdentity, ServiceFacts } from './facts.ts';
import { rightsStep, servedStep } from './shared-steps.ts';
import {
  createdOf,
  removeTemporarySteps,
  temporaryFault,
  temporaryName,
  temporaryObjects,
} from './temporary-identity.ts';
import { createOf, patchOf } from './writes.ts';

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
    notes: [],
    back: wayBack(subject),
  };
}

const wayBack = (subject: string) => plugIn(`migrate to-federated ${shellWord(subject)}`);

function stepsOf(facts: AttachedFacts, { resourceId: given }: Given): readonly Step[] {
  const { identity: seen, services, pods } = facts;
  if ('problems' in seen.identity)
    return [blocked(head, `the AzureIdentity is not valid: ${seen.identity.problems.join('; ')}`)];
  const { spec } = seen.identity;
  if (spec.type === 1 || spec.type === 2)
    return [blocked(head, `it is of type ${spec.type} (a service principal)`)];
  const resourceID = resourceIdOf(spec, given);
  const fault = resourceFault(facts, { resourceID, given });
  if (fault !== undefined) return [fault];
  const attached = { ...seen.identity, spec: { ...spec, resourceID } };
  const before = [
    ...(pods.length > 0 ? [micStep(services)] : []),
    ...(facts.rights ? [rightsStep(facts.rights)] : []),
  ];
  return [...before, ...changeSteps(facts, attached)];
}

function changeSteps(
  { identity: seen, pods, temporary, assigned }: AttachedFacts,
  attached: AzureIdentity,
): readonly Step[] {
  const isUsed = pods.length > 0;
  const { type, resourceID = '' } = attached.spec;
  const isFirstAttached = isUsed && type === 3;
  const wanted = temporaryObjects(attached, temporary);
  // Of objects that the same plan creates the uids are not known yet.
  const removal = removeTemporarySteps(isFirstAttached ? wanted : createdOf(temporary));
  return [
    ...(isFirstAttached ? attachSteps(seen, wanted, { pods, temporary, assigned }) : []),
    typeStep(seen, resourceID),
    // The temporary AzureIdentity is removed when MIC has assigned the AzureIdentity itself, so that nothing is detached in between.
    ...(isUsed && removal.length > 0
      ? [assignedStep('kept', seen.target, lackingOf(pods, assigned.own))]
      : []),
    ...(isUsed || type === 0 ? [servedStep(pods)] : []),
    ...removal,
  ];
}

const head = { id: 'identity', title: 'the AzureIdentity can become one of type 0' };

function resourceFault(
  { identity: seen, rights }: AttachedFacts,
  { resourceID, given }: { readonly resourceID: string; readonly given: string },
): Step | undefined {
  if (given !== '' && canonicalResourceId(given) !== canonicalResourceId(resourceID))
    return blocked(head, `${given} was given, and the AzureIdentity says ${resourceID}: correct one of them`);
  const parsed = parseIdentityResourceId(resourceID);
  if (!parsed.ok)
    return blocked(
      head,
      `spec.resourceID ${parsed.problems.map(({ message }) => message).join('; ')}: give --resource-id with the ARM id of the managed identity; an application cannot be attached`,
    );
  const isFederated = 'spec' in seen.identity && seen.identity.spec.type === 3;
  const isNewRight = isFederated && (rights?.refused.length ?? 0) > 0;
  return isNewRight && given === '' ? { ...head, ...unconfirmedIds(seen, '--resource-id') } : undefined;
}

function micStep({ hasMic, unknown }: ServiceFacts): Step {
  const mic = { id: 'mic', title: 'MIC runs, which attaches the identity to the machines' };
  if (hasMic) return done(mic);
  return blocked(
    mic,
    unknown.join('; ') ||
      'no MIC of this project is ready. Without MIC, attach the identity to the machines yourself (az vmss identity assign), then change the type by the command below',
  );
}

function attachSteps(
  { target }: StoredIdentity,
  wanted: readonly object[],
  { pods, temporary, assigned }: Pick<AttachedFacts, 'pods' | 'temporary' | 'assigned'>,
): readonly Step[] {
  const title = 'a second AzureIdentity, of type 0, makes MIC attach the identity; NMI goes on with type 3';
  const fault = temporaryFault(wanted, temporary);
  if (fault !== undefined) return [blocked({ id: 'temporary-identity', title }, fault)];
  const isThere = temporary.identity !== undefined && temporary.bindings.length === wanted.length - 1;
  const state = isThere ? 'done' : 'to do';
  return [
    writeStep({ id: 'temporary-identity', title, state }, wanted.map(createOf)),
    assignedStep(
      'attached',
      { ...target, name: temporaryName(target.name) },
      lackingOf(pods, assigned.temporary),
    ),
  ];
}

/** Pods on nodes that MIC has not assigned it to yet. */
const lackingOf = (pods: readonly BoundPod[], assigned: ReadonlySet<string>) =>
  pods.filter(({ key, isPlaced }) => isPlaced && !assigned.has(key)).map(({ key }) => key);

function assignedStep(id: string, { name }: StoredIdentity['target'], lacking: readonly string[]): Step {
  const title = `MIC has assigned ${name} to all its pods`;
  const [pod] = lacking;
  if (pod === undefined) return done({ id, title });
  const why = `wait, then give the same command again: ${lacking.length} pods are not assigned yet. MIC says why:`;
  return { id, title, state: 'to do', why, commands: [plugIn(`explain ${shellWord(pod)}`)] };
}

function typeStep({ target, object, identity }: StoredIdentity, resourceID: string): Step {
  const { spec } = identity as AzureIdentity;
  const title = 'the AzureIdentity is of type 0: NMI requests new tokens from the metadata service';
  if (spec.type === 0) return done({ id: 'type', title });
  const changed = { type: 0, ...(spec.resourceID !== resourceID && { resourceID }) };
  return writeStep({ id: 'type', title, back: [wayBack(keyOf(target))] }, [
    patchOf({ target, object }, 'spec', changed),
  ]);
}

export function resourceIdOf({ resourceID = '' }: AzureIdentity['spec'], given: string): string {
  return resourceID === '' ? given : resourceID;
}
