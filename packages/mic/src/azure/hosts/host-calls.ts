import type { Host, ResourceId } from '@pod-identity/crd-types';
import type { Ambient } from '@pod-identity/kit/serve';
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
import type { Hold, Throttle, ThrottledAction } from '../arm/throttle.ts';

type ArmOperation = 'vm_get' | 'vm_update' | 'vmss_get' | 'vmss_update' | 'operation_get';

export interface ArmCall {
  readonly operation: ArmOperation;
  readonly result: 'ok' | ArmFailure['kind'];
  /** Of an update: until the end of its long-running operation. */
  readonly ms: number;
}

export interface HostCalls {
  read(host: Host, signal: AbortSignal): Promise<ArmResult<HostState>>;
  /** Takes one PATCH from the host's budget and returns the used budget, or why none may be sent yet. */
  spend(host: Host): ArmResult<number>;
  /** Sets the budget used by a former leader. */
  restore(host: Host, spentUntil: number): void;
  /** Sends one PATCH and follows it to its end. Returns the state only if the response contains all of it. */
  patch(host: Host, change: HostPatch, signal: AbortSignal): Promise<PatchResult>;
  /** The failure if the throttle does not allow this number of updates now; takes no tokens. */
  budget(host: Host, updates: number): ArmFailure | undefined;
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
  readonly throttle: Throttle;
  readonly onCall: (call: ArmCall) => void;
}

export function createHostCalls(options: HostCallsOptions): HostCalls {
  const { client, throttle, clock, onCall } = options;

  /** Measures and reports a call, and applies its Retry-After. */
  const measured = async <R extends ArmResult<unknown>>(
    host: Host,
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
    if (!result.ok && result.failure.kind === 'throttled') throttle.hold(host, result.failure, clock.now());
    return result;
  };

  return {
    async read(host, signal) {
      const held = heldBack(options, host, 'read');
      if (held !== undefined) return { ok: false, failure: held };
      const response = await measured(host, `${host.kind}_get`, () =>
        client.send({ method: 'GET', url: hostUrl(host, client), signal }),
      );
      return response.ok ? { ok: true, value: readHostState(response.value.body) } : response;
    },
    async patch(host, change, signal) {
      return measured(host, `${host.kind}_update`, () =>
        patchAndFollow(options, host, { ...change, signal }),
      );
    },
    spend(host) {
      const failure = heldBack(options, host, 'update');
      return failure === undefined ? { ok: true, value: throttle.spentUntil(host) } : { ok: false, failure };
    },
    budget(host, updates) {
      const hold = throttle.look(host, updates, clock.now());
      return hold && throttledBy(hold, 'update');
    },
    restore: (host, spentUntil) => throttle.restore(host, spentUntil, clock.now()),
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

/** Takes a token for one request, or returns why there is none. */
function heldBack(
  { throttle, clock }: HostCallsOptions,
  host: Host,
  action: ThrottledAction,
): ArmFailure | undefined {
  const hold = throttle.take(host, action, clock.now());
  return hold && throttledBy(hold, action);
}

function throttledBy({ scope, retryAfterMs, why }: Hold, action: ThrottledAction): ArmFailure {
  const who = why === 'own-limit' ? "held back below ARM's limits" : 'ARM asked to wait';
  const message = `${who}: next ${action} of this ${scope} in ${Math.ceil(retryAfterMs / 1000)} s`;
  return { kind: 'throttled', scope, retryAfterMs, message };
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
