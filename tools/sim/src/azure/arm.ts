import type { HttpHandler, HttpRequest, HttpResponse } from '../http/server.ts';
import { authenticate, type Access, type AccessPorts } from './arm-access.ts';
import { armErrorResponse, armRefusal, isArmRefusal, type ArmRefusal } from './arm-errors.ts';
import { readHost, readOperation, updateHost, type HostPorts } from './arm-hosts.ts';
import { readPermissions, readRoleAssignments } from './arm-roles.ts';
import type { ManagedIdentity } from './directory.ts';
import { parseResourcePath } from './resource-path.ts';
import { answerFrom, json } from './routes.ts';
import type { World } from './world.ts';

interface ArmPorts extends AccessPorts, HostPorts {
  readonly world: World;
}

const host =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Compute\/(virtualMachines|virtualMachineScaleSets)\/[^/]+$/i;
const identity =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.ManagedIdentity\/userAssignedIdentities\/[^/]+$/i;
const operation =
  /^\/subscriptions\/[^/]+\/providers\/Microsoft\.Compute\/locations\/[^/]+\/operations\/(?<id>[^/]+)$/i;
const assignments = /^(?<scope>\/subscriptions\/.+?)\/providers\/Microsoft\.Authorization\/roleAssignments$/i;
const permissions = /^(?<scope>\/subscriptions\/.+?)\/providers\/Microsoft\.Authorization\/permissions$/i;

/** Azure Resource Manager and the resource providers behind it. */
export function createArm(ports: ArmPorts): HttpHandler {
  return async (request) => {
    const access = await authenticate(request, ports);
    if (isArmRefusal(access)) return armErrorResponse(access);
    const problem = apiVersionProblem(request);
    return problem === undefined ? routesFor(access, ports)(request) : armErrorResponse(problem);
  };
}

function routesFor(access: Access, ports: ArmPorts): HttpHandler {
  const { world } = ports;
  return answerFrom(
    [
      {
        methods: ['GET', 'PATCH'],
        path: host,
        answer: (request) => (request.method === 'GET' ? readHost : updateHost)({ request, access }, ports),
      },
      {
        methods: ['GET'],
        path: operation,
        answer: (request, { id = '' }) => readOperation({ request, access }, id, ports),
      },
      { methods: ['GET'], path: identity, answer: (request) => readIdentity(request, access, world) },
      {
        methods: ['GET'],
        path: assignments,
        answer: (request, { scope = '' }) => readRoleAssignments({ request, access, scope }, world),
      },
      {
        methods: ['GET', 'POST'],
        path: permissions,
        answer: (request, { scope = '' }) => readPermissions({ request, access, scope }, ports),
      },
    ],
    {
      notFound: ({ path }) =>
        armErrorResponse(
          armRefusal(404, 'InvalidResourceType', `The resource type of '${path}' could not be found.`),
        ),
      methodNotAllowed: ({ method }) =>
        armErrorResponse(
          armRefusal(405, 'MethodNotAllowed', `The method ${method} is not allowed on this resource.`),
        ),
    },
  );
}

function apiVersionProblem({ query }: HttpRequest): ArmRefusal | undefined {
  const version = query.get('api-version');
  if (!version)
    return armRefusal(
      400,
      'MissingApiVersionParameter',
      'The api-version query parameter (?api-version=) is required for all requests.',
    );
  if (/^\d{4}-\d{2}-\d{2}(-preview)?$/.test(version)) return undefined;
  return armRefusal(400, 'InvalidApiVersionParameter', `The api-version '${version}' is invalid.`);
}

function readIdentity({ path }: HttpRequest, access: Access, world: World): HttpResponse {
  const denied = access.check('Microsoft.ManagedIdentity/userAssignedIdentities/read', path);
  if (denied !== undefined) return armErrorResponse(denied);
  const found = world.findIdentity(path);
  if (found !== undefined) return json(200, identityBody(found));
  const { name = '', resourceGroup = '' } = parseResourcePath(path) ?? {};
  return armErrorResponse(
    armRefusal(
      404,
      'ResourceNotFound',
      `The Resource 'Microsoft.ManagedIdentity/userAssignedIdentities/${name}' under resource group '${resourceGroup}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
    ),
  );
}

function identityBody({ resourceId, clientId, principalId, tenantId }: ManagedIdentity): object {
  return {
    location: 'westeurope',
    tags: {},
    id: resourceId,
    name: parseResourcePath(resourceId)?.name,
    type: 'Microsoft.ManagedIdentity/userAssignedIdentities',
    properties: { tenantId, principalId, clientId },
  };
}
