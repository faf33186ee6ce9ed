import type { HttpHandler, HttpRequest, HttpResponse } from '../http/server.ts';
import type { Host, HostIdentities } from './hosts.ts';
import { keyOf, parseResourcePath } from './resource-path.ts';
import { answerFrom, json, type Answer } from './routes.ts';
import { isUnknownResource } from './resources.ts';
import type { MintedToken, Tokens, TokenSubject } from './tokens.ts';
import type { World } from './world.ts';

interface ImdsPorts {
  readonly world: World;
  readonly tokens: Tokens;
  readonly now: () => number;
  /** Return 429 beyond 20 requests in a second or 5 at a time. */
  readonly enforceLimits: boolean;
}

const requestsPerSecond = 20;
const requestsAtATime = 5;

type Selector = 'client_id' | 'object_id' | 'resource_id';
const selectors: Readonly<Record<string, Selector>> = {
  client_id: 'client_id',
  object_id: 'object_id',
  msi_res_id: 'resource_id',
  mi_res_id: 'resource_id',
};

/** The metadata service of one machine. */
export function createImds(machine: string, ports: ImdsPorts): HttpHandler {
  const limited = ports.enforceLimits ? createLimits(ports.now) : (task: () => Answer) => task();
  return answerFrom(
    [
      {
        methods: ['GET'],
        path: /^\/+metadata\/identity\/oauth2\/token\/?$/i,
        answer: (request) => limited(() => answerToken(request, machine, ports)),
      },
      {
        methods: ['GET'],
        path: /^\/metadata\/instance(?<part>\/compute)?\/?$/i,
        answer: (request, { part }) => answerInstance(request, describeMachine(machine, ports.world), part),
      },
      {
        methods: ['GET'],
        path: /^\/metadata\/versions\/?$/i,
        answer: () => json(200, { apiVersions: instanceVersions }),
      },
    ],
    {
      notFound,
      methodNotAllowed: () => json(405, { error: 'Method not allowed' }),
    },
  );
}

function refuse(error: string, description: string, status = 400): HttpResponse {
  return json(status, { error, error_description: description });
}

async function answerToken(request: HttpRequest, machine: string, ports: ImdsPorts): Promise<HttpResponse> {
  const problem = headerProblem(request) ?? queryProblem(request);
  if (problem !== undefined) return refuse('invalid_request', problem);
  const resource = request.query.get('resource') ?? '';
  if (isUnknownResource(resource))
    return refuse(
      'invalid_resource',
      `AADSTS500011: The resource principal named ${resource} was not found in the tenant named ${ports.world.defaultTenantId}.`,
    );
  const found = selectIdentity(request, machine, ports.world);
  if (typeof found === 'string') return refuse('invalid_request', found);
  return json(200, tokenBody(await ports.tokens.mint(found, resource), found, resource));
}

function headerProblem({ headers }: HttpRequest): string | undefined {
  if (headers['metadata']?.toLowerCase() !== 'true') return 'Required metadata header not specified';
  if (headers['x-forwarded-for'] !== undefined) return 'The X-Forwarded-For header is not allowed';
  return undefined;
}

function queryProblem({ query }: HttpRequest): string | undefined {
  const names = [...query.keys()].map((name) => name.toLowerCase());
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) return `Query parameter '${repeated}' is specified more than once`;
  if (!query.get('api-version')) return "Required query variable 'api-version' is missing";
  if (!/^\d{4}-\d{2}-\d{2}(-preview)?$/.test(query.get('api-version') ?? ''))
    return 'The api-version is invalid';
  if (!query.get('resource')) return "Required query variable 'resource' is missing";
  if (names.filter((name) => name in selectors).length > 1)
    return 'Only one of client_id, object_id and msi_res_id may be specified';
  return undefined;
}

/** The requested identity, or why there is none. It must be attached to the host, and must not have been recreated since. */
function selectIdentity(request: HttpRequest, machine: string, world: World): TokenSubject | string {
  const usable = usableIdentities(machine, world);
  const [name, wanted] = [...request.query].find(([candidate]) => candidate in selectors) ?? [];
  const selector = name === undefined ? undefined : selectors[name];
  if (selector === undefined || wanted === undefined) return defaultIdentity(usable);
  const all = usable.system ? [usable.system, ...usable.attached] : usable.attached;
  return all.find((subject) => isSelected(subject, selector, wanted)) ?? 'Identity not found';
}

function isSelected(subject: TokenSubject, selector: Selector, wanted: string): boolean {
  switch (selector) {
    case 'client_id':
      return keyOf(subject.clientId) === keyOf(wanted);
    case 'object_id':
      return keyOf(subject.principalId) === keyOf(wanted);
    case 'resource_id':
      return subject.resourceId !== undefined && keyOf(subject.resourceId) === keyOf(wanted);
  }
}

function hostOf(machine: string, world: World): Host | undefined {
  const found = world.machine(machine);
  return found && world.hostRecord(found.hostId);
}

interface UsableIdentities {
  readonly system: TokenSubject | undefined;
  readonly attached: readonly TokenSubject[];
}

function usableIdentities(machine: string, world: World): UsableIdentities {
  const effective: HostIdentities = hostOf(machine, world)?.effective ?? { attached: new Map() };
  const alive = [...effective.attached.values()].flatMap(({ resourceId, clientId }) => {
    const identity = world.findIdentity(resourceId);
    return identity?.clientId === clientId ? [identity] : [];
  });
  return { system: effective.system, attached: alive };
}

function defaultIdentity({ system, attached }: UsableIdentities): TokenSubject | string {
  if (system !== undefined) return system;
  const [only, another] = attached;
  if (only === undefined) return 'Identity not found';
  if (another === undefined) return only;
  return 'Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request';
}

/** Every value is a string. */
function tokenBody(minted: MintedToken, subject: TokenSubject, resource: string): object {
  return {
    access_token: minted.token,
    client_id: subject.clientId,
    expires_in: `${minted.lifetimeSeconds}`,
    expires_on: `${minted.expiresOn}`,
    ext_expires_in: `${minted.lifetimeSeconds}`,
    not_before: `${minted.notBefore}`,
    resource,
    token_type: 'Bearer',
  };
}

const instanceVersions = ['2018-02-01', '2019-11-01', '2020-09-01', '2021-02-01', '2021-12-13'];

function answerInstance(
  request: HttpRequest,
  compute: object | undefined,
  part: string | undefined,
): HttpResponse {
  const problem = headerProblem(request);
  if (problem !== undefined) return json(400, { error: `Bad request. ${problem}` });
  if (!instanceVersions.includes(request.query.get('api-version') ?? ''))
    return json(400, {
      error:
        'Bad request. api-version is invalid or was not specified in the request. For more information refer to aka.ms/azureimds',
      'newest-versions': instanceVersions.slice(-3).reverse(),
    });
  if (compute === undefined) return notFound();
  return json(200, part === undefined ? { compute, network: { interface: [] } } : compute);
}

const notFound = (): HttpResponse => json(404, { error: 'Not found' });

function describeMachine(name: string, world: World): object | undefined {
  const host = hostOf(name, world);
  if (host === undefined) return undefined;
  const path = parseResourcePath(host.id);
  const isInstance = host.kind === 'vmss';
  return {
    azEnvironment: 'AzurePublicCloud',
    location: host.location,
    name,
    provider: 'Microsoft.Compute',
    resourceGroupName: path?.resourceGroup,
    resourceId: isInstance ? `${host.id}/virtualMachines/${name.slice(host.name.length + 1)}` : host.id,
    subscriptionId: path?.subscriptionId,
    vmScaleSetName: isInstance ? host.name : nameOf(host.scaleSetId),
  };
}

function nameOf(id = ''): string {
  return parseResourcePath(id)?.name ?? '';
}

function createLimits(now: () => number): (task: () => Answer) => Answer {
  let started: readonly number[] = [];
  let running = 0;
  return async (task) => {
    const at = now();
    started = started.filter((time) => time > at - 1000);
    if (running >= requestsAtATime || started.length >= requestsPerSecond)
      return refuse('too_many_requests', 'Too many requests', 429);
    started = [...started, at];
    running += 1;
    try {
      return await task();
    } finally {
      running -= 1;
    }
  };
}
