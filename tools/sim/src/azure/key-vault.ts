import type { HttpHandler, HttpRequest, HttpResponse } from '../http/server.ts';
import { vaultAudiences } from './resources.ts';
import type { SecretRead } from './reads.ts';
import { answerFrom, json } from './routes.ts';
import type { TokenClaims, TokenFault, Tokens } from './tokens.ts';
import type { SecretVersion, Vault } from './vaults.ts';
import type { World } from './world.ts';

interface KeyVaultPorts {
  readonly world: World;
  readonly tokens: Tokens;
  readonly newId: () => string;
  /** The authority in the challenge, without a slash at the end. */
  readonly authorityUrl: () => string;
  /** Where a vault's listener is. */
  readonly vaultUrl: (vault: string) => string;
  readonly onRead: (request: HttpRequest, read: SecretRead) => void;
}

/** The data plane of one vault: reading a secret. */
export function createKeyVault(name: string, ports: KeyVaultPorts): HttpHandler {
  const answer = answerFrom(
    [
      {
        methods: ['GET'],
        path: /^\/secrets\/(?<secret>[0-9A-Za-z-]+)(\/(?<version>[0-9a-f]+))?\/?$/,
        answer: (request, { secret = '', version }) =>
          answerSecret(request, { vault: name, secret, version }, ports),
      },
    ],
    {
      notFound: () => refuse(404, 'NotFound', 'The requested resource does not exist.'),
      methodNotAllowed: () => refuse(405, 'MethodNotAllowed', 'The method is not allowed.'),
    },
  );
  return async (request) => {
    const response = await answer(request);
    return { ...response, headers: { ...response.headers, ...serviceHeaders(ports.newId()) } };
  };
}

interface Wanted {
  readonly vault: string;
  readonly secret: string;
  readonly version: string | undefined;
}

function serviceHeaders(requestId: string): Readonly<Record<string, string>> {
  return {
    'cache-control': 'no-cache',
    'x-ms-keyvault-region': 'westeurope',
    'x-ms-request-id': requestId,
    'x-ms-keyvault-service-version': '1.9.0.0',
    'x-ms-keyvault-network-info': 'conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=InterNetwork;',
  };
}

function refuse(status: number, code: string, message: string): HttpResponse {
  return json(status, { error: { code, message } });
}

async function answerSecret(
  request: HttpRequest,
  wanted: Wanted,
  ports: KeyVaultPorts,
): Promise<HttpResponse> {
  const vault = ports.world.vault(wanted.vault);
  if (vault === undefined) return refuse(404, 'VaultNotFound', `The vault ${wanted.vault} does not exist.`);
  const caller = await authenticate(request, vault, ports);
  if ('status' in caller) return caller;
  const versionProblem = apiVersionProblem(request);
  if (versionProblem !== undefined) return refuse(400, 'BadParameter', versionProblem);
  if (!vault.readers.has(caller.principalId)) return forbidden(caller, wanted);
  const secret = findSecret(vault, wanted);
  if (secret === undefined)
    return refuse(
      404,
      'SecretNotFound',
      `A secret with (name/id) ${[wanted.secret, wanted.version].filter(Boolean).join('/')} was not found in this key vault. If you recently deleted this secret you may be able to recover it using the correct recovery command.`,
    );
  ports.onRead(request, { vault: vault.name, secret: wanted.secret, principalId: caller.principalId });
  return json(200, secretBody(secret, `${ports.vaultUrl(vault.name)}/secrets/${wanted.secret}`));
}

async function authenticate(
  request: HttpRequest,
  vault: Vault,
  ports: KeyVaultPorts,
): Promise<TokenClaims | HttpResponse> {
  const [, token] = /^Bearer (.+)$/i.exec(request.headers['authorization'] ?? '') ?? [];
  const verdict = token === undefined ? undefined : await ports.tokens.verify(token, vaultAudiences);
  if (verdict?.ok === true) {
    const { claims } = verdict;
    if (claims.tenantId === vault.tenantId) return claims;
    return challenge(
      `AKV10032: Invalid issuer. Expected one of https://sts.windows.net/${vault.tenantId}/, found https://sts.windows.net/${claims.tenantId}/.`,
      vault,
      ports,
    );
  }
  if (verdict === undefined)
    return challenge('AKV10000: Request is missing a Bearer or PoP token.', vault, ports);
  return challenge(faultText(verdict.why, verdict.claims?.audience ?? ''), vault, ports);
}

function faultText(why: TokenFault, audience: string): string {
  switch (why) {
    case 'audience':
      return `AKV10022: Invalid audience. Expected https://vault.azure.net, found: ${audience}.`;
    case 'signature':
      return 'AKV10046: Unable to resolve the key used for signature validation.';
    case 'expired':
      return '[TokenExpired] Error validating token: the token is expired.';
    case 'not-yet-valid':
      return '[TokenNotYetValid] Error validating token: the token is not yet valid.';
    case 'malformed':
      return '[BearerReadAccessTokenFailed] Error validating token: the token cannot be read.';
  }
}

/** Every 401 has a challenge: clients request a token after it. */
function challenge(message: string, vault: Vault, ports: KeyVaultPorts): HttpResponse {
  const authenticate = `Bearer authorization="${ports.authorityUrl()}/${vault.tenantId}", resource="https://vault.azure.net"`;
  const { headers, ...refused } = refuse(401, 'Unauthorized', message);
  return { ...refused, headers: { ...headers, 'www-authenticate': authenticate } };
}

function apiVersionProblem({ query }: HttpRequest): string | undefined {
  const version = query.get('api-version');
  if (!version) return 'The parameter api-version is missing.';
  return /^(7\.\d(-preview\.\d)?|\d{4}-\d{2}-\d{2}(-preview\.\d)?)$/.test(version)
    ? undefined
    : `The specified version (${version}) is not recognized.`;
}

function forbidden({ clientId, principalId }: TokenClaims, { vault, secret }: Wanted): HttpResponse {
  const message = `Caller is not authorized to perform action on resource. If role assignments, deny assignments or role definitions were changed recently, please observe propagation time. Caller: appid=${clientId};oid=${principalId} Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action' Resource: '${vault}/secrets/${secret}' Assignment: (not found)`;
  return json(403, { error: { code: 'Forbidden', message, innererror: { code: 'ForbiddenByRbac' } } });
}

function findSecret(vault: Vault, { secret, version }: Wanted): SecretVersion | undefined {
  const versions = vault.secrets.get(secret.toLowerCase()) ?? [];
  return version === undefined ? versions.at(-1) : versions.find((one) => one.version === version);
}

function secretBody({ value, version, createdAt }: SecretVersion, url: string): object {
  const created = Math.floor(createdAt / 1000);
  return {
    value,
    id: `${url}/${version}`,
    attributes: {
      enabled: true,
      created,
      updated: created,
      recoveryLevel: 'Recoverable+Purgeable',
      recoverableDays: 90,
    },
    tags: {},
  };
}
