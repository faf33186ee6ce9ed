import { awaitedBy, graceLeftMs, longestForMissingMs, type Awaited } from '../authorize/grace.ts';
import type { Decision } from '../authorize/types.ts';
import type { Selector } from '../request/token-request.ts';
import { failureOf } from '../respond/failure-of.ts';
import { refusalOf, type Failure } from '../respond/refusals.ts';
import { decideWithAccess } from './explain-access.ts';
import type { ExplainWorld } from './world.ts';

/** The response to a request now. */
export interface ExpectedResponse {
  /** As in the query; '' for none. */
  readonly selector: string;
  readonly status: number;
  readonly text: string;
  /** The response comes after this time: until then the request waits. */
  readonly afterMs?: number;
  /** Objects: an AzureIdentityBinding or AzureIdentity is missing, and the pod has just started. */
  readonly waitsFor?: 'objects';
}

export function expectedResponse(
  selector: Selector,
  world: ExplainWorld,
  locationFailure: Failure | undefined,
): ExpectedResponse {
  const query = queryOf(selector);
  const refused = (failure: Failure) => {
    const { status, description } = refusalOf(failure, world.notAssignedStatus);
    return { selector: query, status, text: description };
  };
  if (locationFailure) return refused(locationFailure);
  const decided = decideWithAccess(selector, world);
  if ('failure' in decided) return refused(decided.failure);
  const { decision } = decided;
  const awaited = awaitedBy(decision, world.pod, world);
  if (awaited) return { ...refused(failureWithin(awaited, world)), ...waitOf(world) };
  switch (decision.kind) {
    case 'allow':
    case 'allow-by-object-id':
    case 'pass-through':
      return { selector: query, status: 200, text: givenBy(decision) };
    case 'deny':
    case 'unusable':
      return refused(failureOf(decision, world.pod.key));
  }
}

/** The request waits for a part of --hold, or until --binding-grace ends if that is sooner. */
function waitOf(world: ExplainWorld): Pick<ExpectedResponse, 'afterMs' | 'waitsFor'> {
  return { afterMs: Math.min(waitMs(world), graceLeftMs(world.pod, world)), waitsFor: 'objects' };
}

function waitMs({ holdMs }: ExplainWorld): number {
  return Math.min(holdMs, longestForMissingMs);
}

function failureWithin({ denial }: Awaited, world: ExplainWorld): Failure {
  const { key: pod } = world.pod;
  return graceLeftMs(world.pod, world) > waitMs(world)
    ? { kind: 'not-assigned', pod, seen: 'unbound', denial }
    : { kind: 'denied', pod, denial };
}

function givenBy(decision: Decision): string {
  if (decision.kind === 'allow') {
    const { kind, name } = decision.identity;
    const isFederated = kind === 'federated';
    return `a token of AzureIdentity ${name}, if ${isFederated ? 'the broker' : 'the machine has it and Azure'} gives one`;
  }
  return 'what the metadata service of the machine answers';
}

const parameters = {
  'client-id': 'client_id',
  'object-id': 'object_id',
  'resource-id': 'msi_res_id',
} as const;

function queryOf(selector: Selector): string {
  return selector.by === 'nothing' ? '' : `${parameters[selector.by]}=${selector.value}`;
}
