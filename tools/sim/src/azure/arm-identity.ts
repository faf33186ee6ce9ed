import { armRefusal, isArmRefusal, type ArmRefusal } from './arm-errors.ts';
import type { ManagedIdentity } from './directory.ts';
import type { Attachment, HostIdentities, HostIdentityType, SystemIdentity } from './hosts.ts';
import { isUserAssignedIdentityId, keyOf } from './resource-path.ts';

/** The identity block of a PATCH, its shape already checked. */
export interface IdentityPatch {
  readonly type: HostIdentityType;
  /** Resource ids as they were sent; null detaches. */
  readonly named: ReadonlyMap<string, object | null> | undefined;
}

interface PatchContext {
  readonly hostId: string;
  readonly current: HostIdentities;
  readonly identity: (resourceId: string) => ManagedIdentity | undefined;
  readonly newSystemIdentity: () => SystemIdentity;
  /** Refuse an update that leaves a deleted identity attached. */
  readonly rejectDeadEntries: boolean;
  /** Refuse without the id, as some errors of ARM do. */
  readonly anonymousRefusals: boolean;
}

const types: readonly HostIdentityType[] = [
  'None',
  'SystemAssigned',
  'UserAssigned',
  'SystemAssigned, UserAssigned',
];
const mostIdentitiesInOneRequest = 150;

/** undefined: the PATCH has no identity block. */
export function parseIdentityPatch(text: string): IdentityPatch | undefined | ArmRefusal {
  const body = parseObject(text);
  if (body === undefined)
    return armRefusal(
      400,
      'InvalidRequestContent',
      'The request content was invalid and could not be deserialized.',
    );
  const { identity } = body;
  if (identity === undefined) return undefined;
  if (!isObject(identity)) return invalidParameter('identity');
  const { type, userAssignedIdentities: map } = identity;
  if (type === undefined)
    return armRefusal(400, 'InvalidParameter', "Required parameter 'identity.type' is missing (null).");
  const known = types.find((candidate) => spelling(candidate) === spelling(type));
  if (known === undefined) return invalidParameter('identity.type');
  const named = map === undefined || map === null ? undefined : parseNamed(map);
  return named !== undefined && isArmRefusal(named) ? named : { type: known, named };
}

function parseNamed(map: unknown): ReadonlyMap<string, object | null> | ArmRefusal {
  if (!isObject(map)) return invalidParameter('identity.userAssignedIdentities');
  const named = new Map<string, object | null>();
  for (const [id, value] of Object.entries(map)) {
    if (value !== null && !isObject(value)) return invalidValues(id);
    named.set(id, value);
  }
  return named;
}

function spelling(type: unknown): string {
  return typeof type === 'string' ? type.replaceAll(' ', '').toLowerCase() : '';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function invalidParameter(name: string): ArmRefusal {
  return armRefusal(400, 'InvalidParameter', `The value of parameter ${name} is invalid.`);
}

function invalidValues(id: string): ArmRefusal {
  return armRefusal(
    400,
    'InvalidIdentityValues',
    `Invalid value for the identities '${id}'. The 'UserAssignedIdentities' property keys should only be empty json objects, null or the resource existing property.`,
  );
}

/** The identities that an update would newly attach: the caller must be allowed to assign each. */
export function attachedBy(patch: IdentityPatch): readonly string[] {
  return [...(patch.named ?? [])].filter(([, value]) => value !== null).map(([id]) => id);
}

/** The host's identities after the patch, or why none of it is applied. */
export function planIdentities(patch: IdentityPatch, context: PatchContext): HostIdentities | ArmRefusal {
  const problem = shapeProblem(patch, context) ?? existenceProblem(patch, context);
  if (problem !== undefined) return problem;
  const attached = patch.type.includes('UserAssigned')
    ? merge(patch, context)
    : new Map<string, Attachment>();
  if (isArmRefusal(attached)) return attached;
  if (!patch.type.includes('SystemAssigned')) return { attached };
  return { attached, system: context.current.system ?? context.newSystemIdentity() };
}

function shapeProblem({ type, named }: IdentityPatch, context: PatchContext): ArmRefusal | undefined {
  if (named === undefined) return undefined;
  if (!type.includes('UserAssigned'))
    return failedOperation(
      context.hostId,
      'The request format was unexpected, a non-UserAssigned identity type should not contain: userAssignedIdentities',
    );
  const ids = [...named.keys()];
  const malformed = ids.find((id) => !isUserAssignedIdentityId(id));
  if (malformed !== undefined)
    return armRefusal(
      400,
      'LinkedInvalidPropertyId',
      `Property id '${malformed}' at path 'identity.userAssignedIdentities' is invalid. Expect fully qualified resource Id that start with '/subscriptions/{subscriptionId}' or '/providers/{resourceProviderNamespace}/'.`,
    );
  const keys = ids.map(keyOf);
  const twice = ids.find((id, index) => keys.indexOf(keyOf(id)) !== index);
  if (twice !== undefined)
    return armRefusal(
      400,
      'InvalidParameter',
      `The identity id '${twice}' cannot be duplicated. Ids are compared without case.`,
    );
  if (ids.length > mostIdentitiesInOneRequest)
    return armRefusal(
      400,
      'InvalidParameter',
      `The request names ${ids.length} user assigned identities; at most ${mostIdentitiesInOneRequest} are allowed.`,
    );
  return undefined;
}

/** ARM checks the ids in order and names the first that does not exist. */
function existenceProblem(patch: IdentityPatch, context: PatchContext): ArmRefusal | undefined {
  const added = attachedBy(patch);
  const detached = new Set([...(patch.named?.keys() ?? [])].map(keyOf));
  const staying = [...context.current.attached.values()].filter(
    ({ resourceId }) => !detached.has(keyOf(resourceId)),
  );
  const dead = staying.filter((one) => context.identity(one.resourceId)?.clientId !== one.clientId);
  const missing = [
    ...added.filter((id) => context.identity(id) === undefined),
    ...(context.rejectDeadEntries ? dead.map(({ resourceId }) => resourceId) : []),
  ].sort();
  const [first] = missing;
  if (first === undefined) return undefined;
  const what = context.anonymousRefusals ? 'A resource' : `Resource '${first}'`;
  return failedOperation(context.hostId, `${what} was not found.`);
}

function failedOperation(hostId: string, inner: string): ArmRefusal {
  const response = `{"error":{"code":"BadRequest","message":"${inner}"}}`;
  return armRefusal(
    400,
    'FailedIdentityOperation',
    `Identity operation for resource '${hostId}' failed with error 'Failed to perform resource identity operation. Status: 'BadRequest'. Response: '${response}'.'.`,
  );
}

/** Unnamed ids stay; an id that is already attached is not changed, even if it is a dead entry. */
function merge(patch: IdentityPatch, context: PatchContext): ReadonlyMap<string, Attachment> | ArmRefusal {
  const attached = new Map(context.current.attached);
  for (const [id, value] of patch.named ?? []) {
    const key = keyOf(id);
    if (value === null) attached.delete(key);
    else if (!attached.has(key)) {
      // A new entry must be empty: the service fills in its ids.
      const identity = context.identity(id);
      if (identity === undefined || Object.keys(value).length > 0) return invalidValues(id);
      attached.set(key, { resourceId: id, clientId: identity.clientId, principalId: identity.principalId });
    }
  }
  if (attached.size > 0) return attached;
  return armRefusal(
    400,
    'MissingIdentityIds',
    `The identity ids must not be null or empty for '${patch.type}' identity type.`,
  );
}
