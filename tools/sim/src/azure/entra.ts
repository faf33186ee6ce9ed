import type { HttpHandler, HttpRequest, HttpResponse } from '../http/server.ts';
import type { App } from './directory.ts';
import { checkAssertion } from './entra-assertion.ts';
import { errorResponse, refusal, type EntraRefusal } from './entra-errors.ts';
import type { FetchIssuerKeys } from './issuer-keys.ts';
import { isUnknownResource } from './resources.ts';
import { answerFrom, json } from './routes.ts';
import type { MintedToken, Tokens } from './tokens.ts';
import type { World } from './world.ts';

interface EntraPorts {
  readonly world: World;
  readonly tokens: Tokens;
  readonly now: () => number;
  readonly newId: () => string;
  /** The URL of this listener, without a slash at the end. */
  readonly baseUrl: () => string;
  readonly fetchIssuerKeys: FetchIssuerKeys;
}

interface Exchange {
  readonly tenant: string;
  readonly form: URLSearchParams;
}

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

export function createEntra(ports: EntraPorts): HttpHandler {
  return answerFrom(
    [
      {
        methods: ['POST'],
        path: /^\/(?<tenant>[^/]+)\/oauth2\/v2\.0\/token\/?$/,
        answer: (request, { tenant = '' }) => answerToken(request, tenant, ports),
      },
      {
        methods: ['GET'],
        path: /^\/(?<tenant>[^/]+)\/v2\.0\/\.well-known\/openid-configuration$/,
        answer: (_, { tenant = '' }) =>
          ports.world.hasTenant(tenant)
            ? json(200, openidConfiguration(tenant, ports.baseUrl()))
            : errorResponse(unknownTenant(tenant), ports),
      },
      {
        methods: ['GET'],
        path: /^\/[^/]+\/discovery\/v2\.0\/keys$/,
        answer: () => json(200, ports.tokens.keys),
      },
      {
        methods: ['GET'],
        path: /^\/[^/]+\/discovery\/instance$/,
        answer: ({ query }) =>
          json(200, instanceDiscovery(query.get('authorization_endpoint') ?? '', ports.baseUrl())),
      },
    ],
    {
      notFound: () => ({ status: 404 }),
      methodNotAllowed: ({ method }) =>
        errorResponse(refusal(900561, `The endpoint does not accept ${method} requests.`), ports),
    },
  );
}

async function answerToken(request: HttpRequest, tenant: string, ports: EntraPorts): Promise<HttpResponse> {
  const exchange: Exchange = { tenant, form: new URLSearchParams(request.body) };
  const refused = formProblem(exchange, ports);
  if (refused !== undefined) return errorResponse(refused, ports);
  const app = clientOf(exchange, ports.world);
  if ('code' in app) return errorResponse(app, ports);
  const audience = resourceOf(exchange);
  if (typeof audience !== 'string') return errorResponse(audience, ports);
  const mistrusted = await credentialProblem(exchange, app, ports);
  if (mistrusted !== undefined) return errorResponse(mistrusted, ports);
  const { clientId, principalId } = app;
  const minted = await ports.tokens.mint({ clientId, principalId, tenantId: tenant }, audience);
  return json(200, tokenBody(minted), { 'cache-control': 'no-store, no-cache' });
}

/** Numbers, not strings: unlike IMDS. */
function tokenBody({ token, lifetimeSeconds }: MintedToken): object {
  return {
    token_type: 'Bearer',
    expires_in: lifetimeSeconds,
    ext_expires_in: lifetimeSeconds,
    access_token: token,
  };
}

function unknownTenant(tenant: string): EntraRefusal {
  return refusal(
    90002,
    `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.`,
  );
}

function formProblem({ tenant, form }: Exchange, { world }: EntraPorts): EntraRefusal | undefined {
  if (!world.hasTenant(tenant)) return unknownTenant(tenant);
  const missing = ['grant_type', 'client_id', 'scope'].find((name) => !form.get(name));
  if (missing !== undefined)
    return refusal(900144, `The request body must contain the following parameter: '${missing}'.`);
  const grant = form.get('grant_type') ?? '';
  if (grant !== 'client_credentials')
    return refusal(70003, `The app requested an unsupported grant type '${grant}'.`);
  return undefined;
}

function clientOf({ tenant, form }: Exchange, world: World): App | EntraRefusal {
  const clientId = form.get('client_id') ?? '';
  const app = world.client(clientId);
  if (app?.tenants.includes(tenant) !== true)
    return refusal(
      700016,
      `Application with identifier '${clientId}' was not found in the directory '${tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`,
    );
  if (app.disabled) return refusal(7000112, `Application '${clientId}' is disabled.`);
  return app;
}

/** The audience of a scope. */
function resourceOf({ tenant, form }: Exchange): string | EntraRefusal {
  const scope = form.get('scope') ?? '';
  const scopes = scope.split(/\s+/).filter((part) => part !== '' && !openidScopes.has(part));
  const [only = '', another] = scopes;
  if (another !== undefined)
    return refusal(
      700022,
      'The provided value for the input parameter scope is not valid because it contains more than one resource.',
    );
  if (only === '')
    return refusal(
      70011,
      `The provided value for the input parameter 'scope' is not valid. The scope '${scope}' is not valid.`,
    );
  const suffix = '/.default';
  if (!only.endsWith(suffix))
    return refusal(
      1002012,
      `The provided value for scope ${only} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
    );
  const resource = only.slice(0, -suffix.length);
  if (isUnknownResource(resource))
    return refusal(
      500011,
      `The resource principal named ${resource} was not found in the tenant named ${tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.`,
    );
  return resource;
}

const openidScopes = new Set(['openid', 'profile', 'offline_access']);

async function credentialProblem(
  { tenant, form }: Exchange,
  app: App,
  ports: EntraPorts,
): Promise<EntraRefusal | undefined> {
  const secret = form.get('client_secret');
  if (secret) return secretProblem(secret, app, ports.now());
  const assertion = form.get('client_assertion');
  if (!assertion)
    return refusal(
      7000218,
      "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    );
  if (form.get('client_assertion_type') !== assertionType)
    return refusal(900144, "The request body must contain the following parameter: 'client_assertion_type'.");
  return checkAssertion({
    assertion,
    app,
    federated: ports.world.federatedCredentials(app.clientId),
    takeMiss: () => ports.world.takeMiss(app.clientId),
    audiences: assertionAudiences(tenant, ports.baseUrl()),
    nowSeconds: Math.floor(ports.now() / 1000),
    fetchIssuerKeys: ports.fetchIssuerKeys,
  });
}

function secretProblem(presented: string, app: App, now: number): EntraRefusal | undefined {
  const secret = app.secrets.find(({ value }) => value === presented);
  if (secret === undefined)
    return refusal(
      7000215,
      `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${app.clientId}'.`,
    );
  if ((secret.expiresAt ?? Infinity) <= now)
    return refusal(7000222, `The provided client secret keys for app '${app.clientId}' are expired.`);
  return undefined;
}

/** The token endpoint or the issuer, by the URL of this listener or of the public cloud. */
function assertionAudiences(tenant: string, baseUrl: string): readonly string[] {
  return [baseUrl, 'https://login.microsoftonline.com'].flatMap((authority) => [
    `${authority}/${tenant}/oauth2/v2.0/token`,
    `${authority}/${tenant}/v2.0`,
  ]);
}

function openidConfiguration(tenant: string, baseUrl: string): object {
  return {
    issuer: `${baseUrl}/${tenant}/v2.0`,
    authorization_endpoint: `${baseUrl}/${tenant}/oauth2/v2.0/authorize`,
    token_endpoint: `${baseUrl}/${tenant}/oauth2/v2.0/token`,
    jwks_uri: `${baseUrl}/${tenant}/discovery/v2.0/keys`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
    response_types_supported: ['code', 'id_token', 'token'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    tenant_region_scope: 'EU',
    cloud_instance_name: 'microsoftonline.com',
  };
}

function instanceDiscovery(endpoint: string, baseUrl: string): object {
  const host = new URL(baseUrl).host;
  const tenant = /^https?:\/\/[^/]+\/([^/]+)/.exec(endpoint)?.[1] ?? 'common';
  return {
    tenant_discovery_endpoint: `${baseUrl}/${tenant}/v2.0/.well-known/openid-configuration`,
    'api-version': '1.1',
    metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
  };
}
