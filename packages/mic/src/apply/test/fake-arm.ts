// Azure Resource Manager in memory, for one scale set. Responds as ARM does (the simulator's conformance tests name the documents), with
// promises only, so that a fake clock controls it, and fails on demand in every way that leaves a different state.
import type { Host, ResourceId } from '@pod-identity/crd-types';
import type { Clock } from '@pod-identity/kit/core';
import type { ArmResponse, ArmClient } from '../../azure/arm/arm-client.ts';
import { classify, type ArmResult } from '../../azure/arm/arm-errors.ts';
import type { CloudEndpoints } from '../../azure/cloud/clouds.ts';
import { createHostCalls } from '../../azure/hosts/host-calls.ts';
import { createArmHosts } from '../../azure/hosts/arm-hosts.ts';
import { updateBudget } from '../../snapshot/facts/budget.ts';
import type { HostIdentities } from '../host-identities.ts';
import type { Gate } from './fake-kube.ts';

/** Faults of an update. */
export type PatchFault =
  | 'conflict'
  | 'throttled'
  | 'unexplained'
  /** Executed or not, without a response. */
  | 'answer-lost'
  | 'request-lost'
  | 'timeout-done'
  | 'timeout-not-done'
  | 'server-error-done'
  | 'server-error-not-done'
  /** Accepted and listed, but fails in the end. */
  | 'fails-late';

export interface PatchSeen {
  /** Live entries that it removes. */
  readonly living: readonly ResourceId[];
  readonly removed: readonly ResourceId[];
}

export interface FakeArm {
  readonly attached: ReadonlyMap<ResourceId, string>;
  /** The identities that IMDS serves: those of the last successful update. */
  readonly effective: ReadonlySet<ResourceId>;
  readonly isAlive: (id: ResourceId) => boolean;
  /** Ids that MIC has no right to attach. */
  readonly denied: Set<ResourceId>;
  /** For the next updates, one each. */
  readonly faults: PatchFault[];
  rejectsDeadEntries: boolean;
  /** Whether all updates fail late. */
  failsLate: boolean;
  /** Number of next reads that fail with 429. */
  throttledReads: number;
  onPatch: (seen: PatchSeen) => void;
  /** Creates an identity, or a new one of the same name: entries of the old one are dead. */
  create(id: ResourceId, clientId?: string): void;
  remove(id: ResourceId): void;
  /** As an administrator. */
  attach(id: ResourceId): void;
  /** Another client updates the host for so long; then the update succeeds or fails. */
  occupy(ms: number, end?: 'Succeeded' | 'Failed'): void;
  /** Uses up MIC's budget for updates of the host. */
  drain(host: Host): void;
  /** The Azure client of a new process. */
  connect(): HostIdentities;
}

interface Ports {
  readonly clock: Clock;
  readonly gate: Gate;
}

interface Body {
  readonly identity: {
    readonly type: string;
    readonly userAssignedIdentities?: Readonly<Record<string, object | null>>;
  };
}

type Sent = ArmResult<ArmResponse>;

interface FaultAction {
  readonly carriesOut: boolean;
  /** Instead of the normal response. */
  readonly answer?: number | 'lost';
  readonly code?: string;
  readonly end?: 'Failed';
}

const faultActions: Readonly<Record<PatchFault | 'none', FaultAction>> = {
  none: { carriesOut: true },
  conflict: { carriesOut: false, answer: 409, code: 'Conflict' },
  throttled: { carriesOut: false, answer: 429, code: 'TooManyRequests' },
  unexplained: { carriesOut: false, answer: 400, code: 'BadRequest' },
  'answer-lost': { carriesOut: true, answer: 'lost' },
  'request-lost': { carriesOut: false, answer: 'lost' },
  'timeout-done': { carriesOut: true, answer: 408 },
  'timeout-not-done': { carriesOut: false, answer: 408 },
  'server-error-done': { carriesOut: true, answer: 500 },
  'server-error-not-done': { carriesOut: false, answer: 500, code: 'Conflict' },
  'fails-late': { carriesOut: true, end: 'Failed' },
};

const noAnswer: Sent = {
  ok: false,
  failure: { kind: 'unavailable', message: 'no answer', retryAfterMs: 5_000 },
};

const latencyMs = 20_000;
const micPrincipal = 'mic';

export function createFakeArm({ clock, gate }: Ports): FakeArm {
  const identities = new Map<ResourceId, string>();
  const attached = new Map<ResourceId, string>();
  const operations = new Map<string, 'InProgress' | 'Succeeded' | 'Failed'>();
  const fresh = new Set<ResourceId>();
  const effective = new Set<ResourceId>();
  let drainedUntil = 0;
  let state = 'Succeeded';
  let count = 0;
  const isAlive = (id: ResourceId) => attached.has(id) && attached.get(id) === identities.get(id);
  const refuse = (status: number, code: string, message = code): Sent => ({
    ok: false,
    failure: classify({ status, body: { error: { code, message } }, retryAfter: '60' }, clock.now()),
    status,
  });
  const ok = (body: object, headers: Partial<ArmResponse> = {}): Sent => ({
    ok: true,
    value: { status: 200, body, ...headers },
  });

  const hostBody = () => ({
    identity: {
      type: attached.size > 0 ? 'UserAssigned' : 'None',
      userAssignedIdentities: Object.fromEntries(
        [...attached].map(([id, clientId]) => [
          id,
          isAlive(id) && !fresh.has(id) ? { clientId, principalId: id } : {},
        ]),
      ),
    },
    properties: { provisioningState: state },
  });

  const end = (how: 'Succeeded' | 'Failed') => {
    state = arm.failsLate ? 'Failed' : how;
    fresh.clear();
    if (state === 'Failed') return;
    effective.clear();
    for (const id of attached.keys()) effective.add(id);
  };

  const problemOf = (named: readonly (readonly [ResourceId, object | null])[]): Sent | undefined => {
    const added = named.filter(([, value]) => value !== null).map(([id]) => id);
    const removed = new Set(named.filter(([, value]) => value === null).map(([id]) => id));
    const denied = added.filter((id) => arm.denied.has(id));
    if (denied.length > 0)
      return refuse(403, 'LinkedAuthorizationFailed', `linked scope(s) '${denied.join(',')}'`);
    if (state === 'Updating') return refuse(409, 'AnotherOperationInProgress');
    const dead = [...attached.keys()].filter((id) => !removed.has(id) && !isAlive(id));
    const [missing] = [
      ...added.filter((id) => !identities.has(id)),
      ...(arm.rejectsDeadEntries ? dead : []),
    ].sort();
    return missing && refuse(400, 'FailedIdentityOperation', `Resource '${missing}' was not found.`);
  };

  const carryOut = (
    named: readonly (readonly [ResourceId, object | null])[],
    how: 'Succeeded' | 'Failed',
  ): Sent => {
    const problem = problemOf(named);
    if (problem) return problem;
    for (const [id, value] of named) {
      if (value === null) attached.delete(id);
      else if (!attached.has(id)) {
        attached.set(id, identities.get(id) ?? '');
        fresh.add(id);
      }
    }
    state = 'Updating';
    count += 1;
    const url = `/operations/${count}`;
    operations.set(url, 'InProgress');
    clock.after(latencyMs, () => {
      end(how);
      operations.set(url, state === 'Failed' ? 'Failed' : 'Succeeded');
    });
    return ok(hostBody(), { asyncOperation: url });
  };

  const update = (body: Body): Sent => {
    const list =
      body.identity.userAssignedIdentities ??
      Object.fromEntries([...attached.keys()].map((id) => [id, null]));
    const named = Object.entries(list) as [ResourceId, object | null][];
    const removed = named.filter(([id, value]) => value === null && attached.has(id)).map(([id]) => id);
    arm.onPatch({ removed, living: removed.filter(isAlive) });
    const fault = faultActions[arm.faults.shift() ?? 'none'];
    const done = fault.carriesOut ? carryOut(named, fault.end ?? 'Succeeded') : undefined;
    if (fault.answer === 'lost') return noAnswer;
    if (fault.answer === undefined) return done ?? noAnswer;
    return refuse(fault.answer, fault.code ?? 'Oops');
  };

  const read = (url: string): Sent => {
    const path = url.replace(/\?.*/, '');
    const operation = operations.get(path);
    if (operation)
      return ok({ status: operation, error: { code: 'InternalOperationError', message: 'failed' } });
    if (/virtualmachinescalesets\/[^/]+$/.test(path)) {
      if (arm.throttledReads === 0) return ok(hostBody());
      arm.throttledReads -= 1;
      return refuse(429, 'TooManyRequests');
    }
    const id = path.replace(/\/providers\/Microsoft.Authorization.*/, '') as ResourceId;
    const actions = arm.denied.has(id) ? ['*/read'] : ['*'];
    if (id !== path) return ok({ value: [{ actions, notActions: [] }] });
    return identities.has(id) ? ok({}) : refuse(404, 'ResourceNotFound', `'${id}' was not found`);
  };

  const client: ArmClient = {
    send: async ({ method, url, body }) => {
      await Promise.resolve();
      return method === 'GET' ? read(url) : gate('PATCH', () => update(body as Body));
    },
    access: () => ({
      endpoints: { computeApiVersion: '1' } as CloudEndpoints,
      credential: { getToken: () => Promise.resolve(micPrincipal), invalidate: () => undefined },
    }),
    close: () => undefined,
  };

  const arm: FakeArm = {
    attached,
    effective,
    isAlive,
    denied: new Set<ResourceId>(),
    faults: [],
    rejectsDeadEntries: false,
    failsLate: false,
    throttledReads: 0,
    onPatch: () => undefined,
    create(id, clientId) {
      count += 1;
      identities.set(id, clientId ?? `client-${count}`);
    },
    remove: (id) => void identities.delete(id),
    attach(id) {
      attached.set(id, identities.get(id) ?? '');
      effective.add(id);
    },
    occupy(ms, how = 'Succeeded') {
      if (state === 'Updating') return;
      state = 'Updating';
      clock.after(ms, () => end(how));
    },
    drain() {
      drainedUntil = clock.now() + updateBudget.burst * updateBudget.everyMs;
    },
    connect() {
      drainedUntil = 0;
      const hosts = createArmHosts(
        createHostCalls({ client, clock, random: () => 0.5, onCall: () => undefined }),
      );
      return {
        read: (host, signal) => hosts.read(host, signal),
        update(host, change, context) {
          const spentUntil = Math.max(context.spentUntil ?? 0, drainedUntil);
          return hosts.update(host, change, { ...context, spentUntil });
        },
      };
    },
  };
  return arm;
}
