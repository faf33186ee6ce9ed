// From a federated identity (type 3) back to a managed identity on the machines (type 0): attached first, then changed.
import { canonicalResourceId, parseIdentityResourceId, type AzureIdentity } from '@pod-identity/crd-types';
import { shellWord } from '@pod-identity/policy';
import { unattested } from './attested.ts';
import { plugIn, type Plan, type Step } from './plan.ts';
import type { IdentitySight, PodSight, RightsSight, ServicesSight } from './sight.ts';
import { rightsStep, servedStep } from './shared-steps.ts';
import { removeStep, removeTwinStep, twinFault, twinName, twinWrites, type TwinSight } from './twin.ts';
import { basisOf, commandsOf, deleteCommand, type Write } from './writes.ts';

export interface AttachedSight {
  readonly identity: IdentitySight;
  readonly services: ServicesSight;
  /** All that use the identity and may. */
  readonly pods: readonly PodSight[];
  /** On the managed identity, of the ServiceAccounts of namespaces where rights decide; undefined if there are none. */
  readonly rights: RightsSight | undefined;
  readonly twin: TwinSight;
}

export function toAttached(sight: AttachedSight, given: { readonly resourceId: string }): Plan {
  const { namespace = '', name } = sight.identity.target;
  const subject = `${namespace}/${name}`;
  return {
    name: 'to-attached',
    subject,
    title: `AzureIdentity ${subject}: back to type 0 (attached to the machines)`,
    steps: stepsOf(sight, given),
    notes: [],
    back: plugIn(`migrate to-federated ${shellWord(subject)} --apply`),
  };
}

function stepsOf(
  sight: AttachedSight,
  { resourceId: given }: { readonly resourceId: string },
): readonly Step[] {
  const { identity: seen, services, pods, twin } = sight;
  if ('problems' in seen.identity)
    return [blocked(`the AzureIdentity is not valid: ${seen.identity.problems.join('; ')}`)];
  const { spec } = seen.identity;
  if (spec.type === 1 || spec.type === 2)
    return [blocked(`it is of type ${spec.type} (a service principal)`)];
  const resourceID = resourceIdOf(spec, given);
  const fault = resourceFault(sight, { resourceID, given });
  if (fault !== undefined) return [fault];
  const identity: AzureIdentity = { ...seen.identity, spec: { ...spec, resourceID } };
  const isAttached = spec.type === 0;
  const isUsed = pods.length > 0;
  const before = [
    ...(isUsed ? [micStep(services)] : []),
    ...(sight.rights ? [rightsStep(sight.rights)] : []),
  ];
  if (isAttached) return [...before, typeStep(seen, resourceID), ...ending(sight)];
  if (!isUsed) return [...before, typeStep(seen, resourceID), ...removeTwinStep(twin)];
  return [...before, ...attachSteps(identity, twin), typeStep(seen, resourceID), ...ending(sight, identity)];
}

function resourceFault(
  { identity: seen, rights }: AttachedSight,
  { resourceID, given }: { readonly resourceID: string; readonly given: string },
): Step | undefined {
  if (given !== '' && canonicalResourceId(given) !== canonicalResourceId(resourceID))
    return blocked(`${given} was given, and the AzureIdentity says ${resourceID}: correct one of them`);
  const parsed = parseIdentityResourceId(resourceID);
  if (!parsed.ok)
    return blocked(
      `spec.resourceID ${parsed.problems.map(({ message }) => message).join('; ')}: give --resource-id with the ARM id of the managed identity; an application cannot be attached`,
    );
  const isFederated = 'spec' in seen.identity && seen.identity.spec.type === 3;
  const isNewRight = isFederated && (rights?.refused.length ?? 0) > 0;
  return isNewRight && given === '' ? { ...blocked(''), ...unattested(seen, '--resource-id') } : undefined;
}

const blocked = (why: string): Step => ({
  id: 'identity',
  title: 'the AzureIdentity can become one of type 0',
  state: 'blocked',
  why,
});

function micStep({ hasMic, unknown }: ServicesSight): Step {
  const title = 'MIC runs, which attaches the identity to the machines';
  if (hasMic) return { id: 'mic', title, state: 'done' };
  const why =
    unknown.length > 0
      ? unknown.join('; ')
      : 'no MIC of this project is ready. Without MIC, attach the identity to the machines yourself (az vmss identity assign), then change the type by the command below';
  return { id: 'mic', title, state: 'blocked', why };
}

function attachSteps(identity: AzureIdentity, twin: TwinSight): readonly Step[] {
  const writes = twinWrites(identity, twin);
  const { namespace = '', name } = identity.metadata;
  const title = 'a second AzureIdentity, of type 0, makes MIC attach the identity; NMI goes on with type 3';
  const fault = twinFault(writes, twin);
  if (fault !== undefined) return [{ id: 'twin', title, state: 'blocked', why: fault }];
  const isThere = twin.identity !== undefined && twin.bindings.length === writes.length - 1;
  const twinKey = `${namespace}/${twinName(name)}`;
  return [
    {
      id: 'twin',
      title,
      state: isThere ? 'done' : 'to do',
      commands: commandsOf(writes),
      back: writes.map(({ target }) => deleteCommand(target)),
      action: { kind: 'write', writes },
    },
    assignedStep('attached', twinKey),
  ];
}

function assignedStep(id: string, identity: string): Step {
  const [namespace = '', name = ''] = identity.split('/');
  return {
    id,
    title: `MIC has assigned ${name} to all its pods`,
    state: 'to do',
    commands: [
      `kubectl -n ${shellWord(namespace)} get azureidentities.aadpodidentity.k8s.io ${shellWord(name)}`,
      'kubectl get azureassignedidentities.aadpodidentity.k8s.io -A',
    ],
    action: { kind: 'until-assigned', identity },
  };
}

function typeStep({ target, object, identity }: IdentitySight, resourceID: string): Step {
  const { spec } = identity as AzureIdentity;
  const title = 'the AzureIdentity is of type 0: NMI requests new tokens from the metadata service';
  if (spec.type === 0) return { id: 'type', title, state: 'done' };
  const patch = { spec: { type: 0, ...(spec.resourceID !== resourceID && { resourceID }) } };
  const writes: Write[] = [{ verb: 'patch', target, basis: basisOf(object, ['spec']), patch }];
  return {
    id: 'type',
    title,
    state: 'to do',
    commands: commandsOf(writes),
    back: [plugIn(`migrate to-federated ${shellWord(`${target.namespace ?? ''}/${target.name}`)} --apply`)],
    action: { kind: 'write', writes },
  };
}

/** The twin is removed when MIC has assigned the AzureIdentity itself, so that nothing is detached in between. */
function ending(
  { identity: { target }, pods, twin }: AttachedSight,
  planned?: AzureIdentity,
): readonly Step[] {
  const remove = removeTwinStep(twin);
  const removal = planned ? [removeStep(deletesOf(planned, twin))] : remove;
  if (removal.length === 0) return [servedStep(pods)];
  const key = `${target.namespace ?? ''}/${target.name}`;
  return [...(pods.length > 0 ? [assignedStep('kept', key)] : []), servedStep(pods), ...removal];
}

/** Of objects that the same plan creates: their uids are not known yet. */
function deletesOf(identity: AzureIdentity, twin: TwinSight): readonly Write[] {
  return [...twinWrites(identity, twin)]
    .reverse()
    .flatMap((write) =>
      write.verb === 'create'
        ? [{ verb: 'delete', target: write.target, basis: basisOf(write.object, ['spec']) } as const]
        : [],
    );
}

export function resourceIdOf({ resourceID = '' }: AzureIdentity['spec'], given: string): string {
  return resourceID === '' ? given : resourceID;
}
