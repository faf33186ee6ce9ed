import type { HttpRequest, HttpResponse } from '../http/server.ts';
import type { Access } from './arm-access.ts';
import { armErrorResponse } from './arm-errors.ts';
import { covers, roleDefinitions, type RoleAssignment } from './roles.ts';
import { json } from './routes.ts';
import type { World } from './world.ts';

interface RolePorts {
  readonly world: World;
  readonly enforceRoles: boolean;
}

interface RoleCall {
  readonly request: HttpRequest;
  readonly access: Access;
  readonly scope: string;
}

/** GET of the role assignments that apply at a scope (its own and inherited ones) and, without `atScope()`, below it. */
export function readRoleAssignments({ request, access, scope }: RoleCall, world: World): HttpResponse {
  const denied = access.check('Microsoft.Authorization/roleAssignments/read', scope);
  if (denied !== undefined) return armErrorResponse(denied);
  const wanted = filterOf(request.query.get('$filter') ?? '');
  const value = world
    .assignments()
    .filter((one) => covers(one.scope, scope) || (!wanted.atScope && covers(scope, one.scope)))
    .filter((one) => wanted.principalId === undefined || one.principalId === wanted.principalId)
    .map(assignmentBody);
  return json(200, { value });
}

/** `assignedTo('…')` includes groups in Azure; the simulator has none. */
function filterOf(filter: string): { readonly principalId: string | undefined; readonly atScope: boolean } {
  const [, assignedTo, principal] = /assignedTo\('([^']+)'\)|principalId eq '([^']+)'/i.exec(filter) ?? [];
  return { principalId: assignedTo ?? principal, atScope: /atScope\(\)/i.test(filter) };
}

function assignmentBody({ id, principalId, role, scope }: RoleAssignment): object {
  const subscription = /^\/subscriptions\/[^/]+/i.exec(scope)?.[0] ?? '';
  return {
    id: `${scope}/providers/Microsoft.Authorization/roleAssignments/${id}`,
    name: id,
    type: 'Microsoft.Authorization/roleAssignments',
    properties: {
      roleDefinitionId: `${subscription}/providers/Microsoft.Authorization/roleDefinitions/${roleDefinitions[role].id}`,
      principalId,
      principalType: 'ServicePrincipal',
      scope,
    },
  };
}

const everything = { actions: ['*'], notActions: [] };

/** The caller's permissions at a scope, one entry for each role. */
export function readPermissions(
  { access, scope }: RoleCall,
  { world, enforceRoles }: RolePorts,
): HttpResponse {
  const held = world
    .assignments()
    .filter((one) => one.principalId === access.caller.principalId && covers(one.scope, scope))
    .map(({ role }) => roleDefinitions[role]);
  // In a world that does not enforce roles a caller without roles may do everything.
  const isFree = !enforceRoles && held.length === 0;
  return json(200, { value: (isFree ? [everything] : held).map(permission) });
}

function permission({
  actions,
  notActions,
}: {
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
}): object {
  return { actions, notActions, dataActions: [], notDataActions: [] };
}
