import type { Host, ResourceId } from '@pod-identity/crd-types';
import type { Ambient } from '@pod-identity/kit/serve';
import { spend, updateBudget, waitFor } from '../../snapshot/facts/budget.ts';
import type { ArmResponse, ArmClient } from '../arm/arm-client.ts';
import { isDefinite, type ArmFailure, type ArmResult } from '../arm/arm-errors.ts';
import {
  dropsWholeList,
  isDead,
  readHostState,
  type HostState,
  type IdentityPatch,
} from './identity-patch.ts';
import { followOperation } from '../arm/operation.ts';
import { readAttachable, type Attachable } from './attachable.ts';

type ArmOperation = 'vm_get' | 'vm_update' | 'vmss_get' | 'vmss_update' | 'operation_get';

export interface ArmCall {
  readonly operation: ArmOperation;
  readonly result: 'ok' | ArmFailure['kind'];
  /** Of an update: until the end of its long-running operation. */
  readonly ms: number;
}

export interface HostCalls {
  read(host: Host, signal: AbortSignal): Promise<ArmResult<HostState>>;
  /** Takes one PATCH from a host's budget and returns the used budget, or why none may be sent yet. */
  spend(spentUntil: number): ArmResult<number>;
  /** Sends one PATCH and follows it to its end. Returns the state only if the response contains all of it. */
  patch(host: Host, change: HostPatch, signal: AbortSignal): Promise<PatchResult>;
  /** The failure if the used budget does not allow this number of updates now. */
  budget(spentUntil: number, updates: number): ArmFailure | undefined;
  /** Whether an identity exists and may be attached. */
  attachable(identity: ResourceId, signal: AbortSignal): Promise<Attachable>;
}

export interface HostPatch {
  readonly from: HostState;
  readonly patch: IdentityPatch;
  /** Called right before sending. */
  readonly mayBeSent?: (() => boolean) | undefined;
}

export type PatchResult = ArmResult<HostState | undefined> & {
  /** Whether ARM accepted it: the host may have changed, however the operation ends. */
  readonly begun: boolean;
  /** Whether ARM certainly did not execute it: it was not sent, or was refused. */
  readonly refused: boolean;
};

interface HostCallsOptions extends Pick<Ambient, 'clock' | 'random'> {
  readonly client: ArmClient;
  readonly onCall: (call: ArmCall) => void;
}

export function createHostCalls(options: HostCallsOptions): HostCalls {
  const { client, clock, onCall } = options;

  /** Measures and reports a call. */
  const measured = async <R extends ArmResult<unknown>>(
    operation: ArmOperation,
    call: () => Promise<R>,
  ): Promise<R> => {
    const startedAt = clock.now();
    const result = await call();
    onCall({
      operation,
      result: result.ok ? 'ok' : result.failure.kind,
      ms: clock.now() - startedAt,
    });
    return result;
  };

  return {
    async read(host, signal) {
      const response = await measured(`${host.kind}_get`, () =>
        client.send({ method: 'GET', url: hostUrl(host, client), signal }),
      );
      return response.ok ? { ok: true, value: readHostState(response.value.body) } : response;
    },
    async patch(host, change, signal) {
      return measured(`${host.kind}_update`, () => patchAndFollow(options, host, { ...change, signal }));
    },
    spend(spentUntil) {
      const spent = { spentUntil, now: clock.now() };
      const failure = heldBack(waitFor(updateBudget, spent));
      return failure === undefined ? { ok: true, value: spend(updateBudget, spent) } : { ok: false, failure };
    },
    budget: (spentUntil, updates) =>
      heldBack(waitFor(updateBudget, { spentUntil, now: clock.now() }, updates - 1)),
    attachable: (identity, signal) => readAttachable(client, identity, signal),
  };
}

/** MIC stops polling an operation after this; the host shows its result later. */
const operationLimitMs = 5 * 60_000;

interface PatchRequest extends HostPatch {
  readonly signal: AbortSignal;
}

async function patchAndFollow(
  options: HostCallsOptions,
  host: Host,
  { from, patch, mayBeSent, signal }: PatchRequest,
): Promise<PatchResult> {
  const { client, clock, random } = options;
  // Only a PATCH that drops the list could remove identities that others attached since the read.
  const ifMatch = dropsWholeList(patch) ? from.etag : undefined;
  const response = await client.send({
    method: 'PATCH',
    url: hostUrl(host, client),
    body: patch.body,
    ifMatch,
    signal,
    mayBeSent,
  });
  if (!response.ok) return { ...response, begun: false, refused: isDefinite(response.status) };
  const onPoll = (failure: ArmFailure | undefined, ms: number) =>
    options.onCall({ operation: 'operation_get', result: failure?.kind ?? 'ok', ms });
  const followed = await followOperation(response.value, {
    client,
    clock,
    random,
    signal,
    limitMs: operationLimitMs,
    onPoll,
  });
  if (!followed.ok) return { ...followed, begun: true, refused: false };
  const state = followed.value === 'immediate' ? wholeState(response.value, patch) : undefined;
  return { ok: true, value: state, begun: true, refused: false };
}

function heldBack(retryAfterMs: number): ArmFailure | undefined {
  if (retryAfterMs === 0) return undefined;
  const message = `held back below ARM's limits: next update of this host in ${Math.ceil(retryAfterMs / 1000)} s`;
  return { kind: 'throttled', scope: 'host', retryAfterMs, message };
}

function hostUrl(host: Host, client: ArmClient): string {
  return `${host.id}?api-version=${client.access().endpoints.computeApiVersion}`;
}

/** The identity block of the response, if it matches the request and has the ids of every entry. */
function wholeState(response: ArmResponse, patch: IdentityPatch): HostState | undefined {
  const state = readHostState(response.body);
  const expected = patch.after.present;
  const asRequested =
    state.present.size === expected.size && [...expected.keys()].every((id) => state.present.has(id));
  return asRequested && ![...state.present.values()].some(isDead) ? state : undefined;
}
