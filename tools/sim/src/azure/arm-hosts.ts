import type { HttpRequest, HttpResponse } from '../http/server.ts';
import type { Access } from './arm-access.ts';
import { armErrorResponse, armRefusal, isArmRefusal, type ArmRefusal } from './arm-errors.ts';
import { attachedBy, parseIdentityPatch, planIdentities, type IdentityPatch } from './arm-identity.ts';
import type { Limits } from './arm-limits.ts';
import type { Operation, Operations } from './arm-operations.ts';
import type { Host, HostIdentities } from './hosts.ts';
import { parseResourcePath } from './resource-path.ts';
import { json } from './routes.ts';
import { identityBlock, type World } from './world.ts';

export interface HostRules {
  /** How long an accepted update runs. */
  readonly latencyMs: (update: { readonly hostId: string }) => number;
  /** What happens to a second update of a host while one runs. */
  readonly concurrentUpdates: 'conflict' | 'preempt';
  readonly longRunning: 'azure-async-operation' | 'location';
  readonly rejectDeadEntries: boolean;
  readonly anonymousRefusals: boolean;
}

export interface HostPorts {
  readonly world: World;
  readonly operations: Operations;
  readonly limits: Limits;
  readonly rules: HostRules;
  readonly baseUrl: () => string;
}

interface HostCall {
  readonly request: HttpRequest;
  readonly access: Access;
}

/** GET of a virtual machine or scale set. */
export function readHost({ request, access }: HostCall, ports: HostPorts): HttpResponse {
  const denied = access.check(`${typeOf(request.path)}/read`, request.path);
  if (denied !== undefined) return armErrorResponse(denied);
  const host = findHost(request.path, ports.world);
  if (isArmRefusal(host)) return armErrorResponse(host);
  const limited = ports.limits.take('get', { kind: host.kind, hostId: host.id });
  if (!limited.ok) return armErrorResponse(limited.refusal);
  return json(200, hostBody(host, ports.world), { etag: host.etag, ...limited.headers });
}

/** PATCH of a host's identity block: all of it is applied, or nothing. */
export function updateHost({ request, access }: HostCall, ports: HostPorts): HttpResponse {
  const patch = parseIdentityPatch(request.body);
  if (patch !== undefined && isArmRefusal(patch)) return armErrorResponse(patch);
  const denied = accessProblem(request.path, access, patch);
  if (denied !== undefined) return armErrorResponse(denied);
  const locked = lockProblem(request.path, ports.world);
  if (locked !== undefined) return armErrorResponse(locked);
  const host = findHost(request.path, ports.world);
  if (isArmRefusal(host)) return armErrorResponse(host);
  const limited = ports.limits.take('update', { kind: host.kind, hostId: host.id });
  if (!limited.ok) return armErrorResponse(limited.refusal);
  const planned = stateProblem(request, host, ports) ?? planFor(host, patch, ports);
  if (isArmRefusal(planned)) return armErrorResponse({ ...planned, headers: limited.headers });
  const answer = accept(host, planned, ports);
  return { ...answer, headers: { ...answer.headers, ...limited.headers } };
}

function typeOf(id: string): string {
  const path = parseResourcePath(id);
  return `${path?.provider ?? ''}/${path?.type ?? ''}`;
}

function accessProblem(
  scope: string,
  access: Access,
  patch: IdentityPatch | undefined,
): ArmRefusal | undefined {
  const action = `${typeOf(scope)}/write`;
  const assign = 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action';
  const added = patch === undefined ? [] : attachedBy(patch);
  return access.check(action, scope) ?? access.checkLinked(assign, added, { action, scope });
}

function lockProblem(id: string, world: World): ArmRefusal | undefined {
  const lock = world.readOnlyLock(id);
  if (lock === undefined) return undefined;
  return armRefusal(
    409,
    'ScopeLocked',
    `The scope '${id}' cannot perform write operation because following scope(s) are locked: '${lock.scope}'. Please remove the lock and try again.`,
  );
}

function findHost(id: string, world: World): Host | ArmRefusal {
  const host = world.hostRecord(id);
  if (host !== undefined) return host;
  const path = parseResourcePath(id);
  return armRefusal(
    404,
    'ResourceNotFound',
    `The Resource '${typeOf(id)}/${path?.name ?? ''}' under resource group '${path?.resourceGroup ?? ''}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  );
}

function stateProblem(request: HttpRequest, host: Host, ports: HostPorts): ArmRefusal | undefined {
  if (host.provisioningState === 'Deleting')
    return armRefusal(
      409,
      'OperationNotAllowed',
      `Operation 'update' is not allowed on '${host.name}' since it is marked for deletion. You can only retry the Delete operation (or wait for an ongoing one to complete).`,
    );
  const ifMatch = request.headers['if-match'];
  if (ifMatch !== undefined && ifMatch !== '*' && ifMatch !== host.etag)
    return armRefusal(
      412,
      'PreconditionFailed',
      `The etag ${ifMatch} does not match the resource's ${host.etag}.`,
    );
  const running = ports.operations.running(host.id);
  const preempts = running !== undefined && ports.rules.concurrentUpdates === 'preempt';
  const busy = host.provisioningState === 'Updating' || host.provisioningState === 'Creating';
  if (!busy || preempts) return undefined;
  const link =
    running === undefined
      ? ''
      : ` To retrieve status of the operation use uri: ${operationUrl(running, host, ports)}`;
  return armRefusal(
    409,
    'AnotherOperationInProgress',
    `Another operation on this or dependent resource is in progress.${link}`,
  );
}

function planFor(
  host: Host,
  patch: IdentityPatch | undefined,
  ports: HostPorts,
): HostIdentities | ArmRefusal {
  if (patch === undefined) return host.model;
  return planIdentities(patch, {
    hostId: host.id,
    current: host.model,
    identity: (id) => ports.world.findIdentity(id),
    newSystemIdentity: () => ports.world.newSystemIdentity(),
    rejectDeadEntries: ports.rules.rejectDeadEntries,
    anonymousRefusals: ports.rules.anonymousRefusals,
  });
}

function accept(host: Host, identities: HostIdentities, ports: HostPorts): HttpResponse {
  const { world, operations, rules } = ports;
  world.beginUpdate(host.id, identities);
  const latencyMs = rules.latencyMs({ hostId: host.id });
  const operation = operations.start(host.id, latencyMs);
  const url = operationUrl(operation, host, ports);
  const retryAfter = { 'retry-after': `${Math.floor(latencyMs / 1000)}` };
  if (rules.longRunning === 'location')
    return { status: 202, headers: { location: `${url}&monitor=true`, ...retryAfter } };
  const updated = world.hostRecord(host.id) ?? host;
  return json(200, hostBody(updated, world), {
    'azure-asyncoperation': url,
    etag: updated.etag,
    ...retryAfter,
  });
}

function operationUrl(operation: Operation, host: Host, ports: HostPorts): string {
  const subscription = parseResourcePath(host.id)?.subscriptionId ?? '';
  const path = `/subscriptions/${subscription}/providers/Microsoft.Compute/locations/${host.location}/operations/${operation.id}`;
  return `${ports.baseUrl()}${path}?p=${operation.id}&api-version=2024-07-01`;
}

/** GET of an operation: its status, or with `monitor=true` (the Location form) 202 until the resource itself. */
export function readOperation({ request }: HostCall, id: string, ports: HostPorts): HttpResponse {
  const operation = ports.operations.get(id);
  const host = operation && ports.world.hostRecord(operation.hostId);
  if (operation === undefined || host === undefined)
    return armErrorResponse(armRefusal(404, 'NotFound', `The operation ${id} could not be found.`));
  const limited = ports.limits.take('poll', { kind: host.kind, hostId: host.id });
  if (!limited.ok) return armErrorResponse(limited.refusal);
  const latencyMs = ports.rules.latencyMs({ hostId: host.id });
  const headers = { ...limited.headers, 'retry-after': `${Math.floor(latencyMs / 1000)}` };
  return request.query.get('monitor') === 'true'
    ? monitorAnswer(operation, { host, world: ports.world, headers })
    : json(200, operationBody(operation), headers);
}

interface Monitored {
  readonly host: Host;
  readonly world: World;
  readonly headers: Readonly<Record<string, string>>;
}

function monitorAnswer(operation: Operation, { host, world, headers }: Monitored): HttpResponse {
  if (operation.status === 'InProgress') return { status: 202, headers };
  if (operation.error) return armErrorResponse({ status: 409, ...operation.error });
  return json(200, hostBody(host, world), { ...headers, etag: host.etag });
}

function operationBody({ id, status, startedAt, endedAt, error }: Operation): object {
  const time = (at: number) => new Date(at).toISOString();
  return {
    name: id,
    status,
    startTime: time(startedAt),
    ...(endedAt === undefined ? {} : { endTime: time(endedAt) }),
    ...(error ? { error } : {}),
  };
}

function hostBody(host: Host, world: World): object {
  const { userAssignedIdentities, ...identity } = identityBlock(host.model, world);
  const attached = host.model.attached.size > 0 ? { userAssignedIdentities } : {};
  return {
    name: host.name,
    id: host.id,
    type: typeOf(host.id),
    location: host.location,
    etag: host.etag,
    ...(identity.type === 'None' ? {} : { identity: { ...identity, ...attached } }),
    ...(host.kind === 'vmss'
      ? { sku: { name: 'Standard_D2s_v5', tier: 'Standard', capacity: capacityOf(host, world) } }
      : {}),
    properties: {
      provisioningState: host.provisioningState,
      ...(host.kind === 'vmss' ? { orchestrationMode: host.flexible ? 'Flexible' : 'Uniform' } : {}),
      ...(host.scaleSetId === undefined ? {} : { virtualMachineScaleSet: { id: host.scaleSetId } }),
    },
  };
}

function capacityOf(host: Host, world: World): number {
  if (!host.flexible) return host.machines.length;
  return world.machines().filter(({ hostId }) => world.hostRecord(hostId)?.scaleSetId === host.id).length;
}
