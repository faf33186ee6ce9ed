import type { Finding } from '@pod-identity/policy';
import { graceLeftMs, longestForMissingMs } from '../authorize/grace.ts';
import { isWorthWaiting } from '../authorize/refusal.ts';
import type { Decision } from '../authorize/types.ts';
import type { Selector } from '../request/token-request.ts';
import { failureOf, refusalOf, type Failure } from '../respond/refusals.ts';
import { decideNow } from './explain-access.ts';
import type { ExplainWorld } from './world.ts';

/** The response to a request now. */
export interface ExpectedResponse {
  /** As in the query; '' for none. */
  readonly selector: string;
  readonly status: number;
  readonly text: string;
  /** Whose token it gives; absent: none, or one of the machine's. */
  readonly identity?: string;
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
  const { key: pod } = world.pod;
  const refused = (failure: Failure) => {
    const { status, description } = refusalOf(failure, world.notAssignedStatus);
    return { selector: query, status, text: description };
  };
  if (locationFailure) return refused(locationFailure);
  const { decision, lack } = decideNow(selector, world);
  const isRefused = decision.kind === 'deny' || decision.kind === 'unusable';
  const failure = lack ?? (isRefused ? failureOf(decision, pod) : undefined);
  if (!failure) return given(query, decision);
  const graceMs = graceLeftMs(world.pod, world);
  if (failure.kind !== 'denied' || graceMs === 0 || !isWorthWaiting(decision, failure.denial))
    return refused(failure);
  // The request waits for a part of --hold, or until --binding-grace ends if that is sooner.
  const waitMs = Math.min(world.holdMs, longestForMissingMs);
  const isFresh = graceMs > waitMs;
  const { denial } = failure;
  return {
    ...refused(isFresh ? { kind: 'not-assigned', pod, seen: 'unbound', denial } : failure),
    afterMs: Math.min(waitMs, graceMs),
    waitsFor: 'objects',
  };
}

function given(selector: string, decision: Decision): ExpectedResponse {
  if (decision.kind !== 'allow')
    return { selector, status: 200, text: 'what the metadata service of the machine answers' };
  const { kind, name: identity } = decision.identity;
  const text = `a token of AzureIdentity ${identity}, if ${givers[kind]} gives one`;
  return { selector, status: 200, text, identity };
}

const givers = {
  identity: 'the machine has it and Azure',
  'service-principal': 'Microsoft Entra',
  federated: 'the broker',
} as const;

const parameters = {
  'client-id': 'client_id',
  'object-id': 'object_id',
  'resource-id': 'msi_res_id',
} as const;

function queryOf(selector: Selector): string {
  return selector.by === 'nothing' ? '' : `${parameters[selector.by]}=${selector.value}`;
}

export function responseFinding({ selector, status, text, afterMs }: ExpectedResponse): Finding {
  const query = selector === '' ? 'without selector' : selector;
  const after = afterMs === undefined ? '' : ` after ${afterMs / 1000} s without what is missing`;
  const verdict = status === 200 ? 'ok' : afterMs === undefined ? 'problem' : 'waiting';
  return { topic: 'answer', verdict, text: `${query}: ${status}${after}, ${text}` };
}
