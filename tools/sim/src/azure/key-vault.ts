import type { HttpHandler, HttpRequest, HttpResponse } from '../http/server.ts';
import { vaultAudiences } from './resources.ts';
import type { SecretRead } from './reads.ts';
import { answerFrom, json } from './routes.ts';
import type { TokenClaims, TokenFault, Tokens } from './tokens.ts';
import { bodyOf, findVersion, pageOf, type Wanted } from './vault-bodies.ts';
import type { Kind } from './vault-objects.ts';
import type { Vault } from './vaults.ts';
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

/** The data plane of one vault: reading a secret, a key or a certificate. */
export function createKeyVault(name: string, ports: KeyVaultPorts): HttpHandler {
  const answer = answerFrom(
    [
      {
        methods: ['GET'],
        path: /^\/(?<kind>secrets|keys|certificates)\/(?<object>[0-9A-Za-z-]+)(\/(?<version>[0-9a-f]+))?\/?$/,
        answer: (request, { kind, object = '', version }) =>
          answerObject(
            { vault: name, request, wanted: { kind: kind as Kind, name: object, version } },
            ports,
          ),
      },
      {
        methods: ['GET'],
        path: /^\/(?<kind>secrets|keys|certificates)\/?$/,
        answer: (request, { kind }) => answerList({ vault: name, request, kind: kind as Kind }, ports),
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

interface Asked {
  readonly vault: string;
  readonly request: HttpRequest;
  readonly wanted: Wanted;
}

async function answerObject(
  { vault: name, request, wanted }: Asked,
  ports: KeyVaultPorts,
): Promise<HttpResponse> {
  const { kind } = wanted;
  const admitted = await admit({ name, request, kind, action: actions[kind], of: `/${wanted.name}` }, ports);
  if ('status' in admitted) return admitted;
  const { vault, caller } = admitted;
  // Keys and certificates can be read when they are disabled, and every object when it has expired.
  if (kind === 'secrets' && findVersion(vault.secrets, wanted)?.enabled === false)
    return forbidden('SecretDisabled', 'Operation get is not allowed on a disabled secret.');
  const body = bodyOf(vault, wanted, ports.vaultUrl(vault.name));
  if (body === undefined) return missing(wanted);
  if (kind === 'secrets')
    ports.onRead(request, { vault: vault.name, secret: wanted.name, principalId: caller.principalId });
  return json(200, body);
}

interface AskedList {
  readonly vault: string;
  readonly request: HttpRequest;
  readonly kind: Kind;
}

async function answerList(
  { vault: name, request, kind }: AskedList,
  ports: KeyVaultPorts,
): Promise<HttpResponse> {
  const admitted = await admit({ name, request, kind, action: listActions[kind], of: '' }, ports);
  if ('status' in admitted) return admitted;
  const body = pageOf(admitted.vault, { kind, query: request.query }, ports.vaultUrl(name));
  return body === undefined
    ? refuse(400, 'BadParameter', 'maxresults must be from 1 to 25.')
    : json(200, body);
}

interface Admission {
  readonly name: string;
  readonly request: HttpRequest;
  readonly kind: Kind;
  readonly action: string;
  /** The object in the resource of the action: empty, or with a slash. */
  readonly of: string;
}

async function admit(
  { name, request, kind, action, of }: Admission,
  ports: KeyVaultPorts,
): Promise<{ readonly vault: Vault; readonly caller: TokenClaims } | HttpResponse> {
  const vault = ports.world.vault(name);
  if (vault === undefined) return refuse(404, 'VaultNotFound', `The vault ${name} does not exist.`);
  const caller = await authenticate(request, vault, ports);
  if ('status' in caller) return caller;
  const versionProblem = apiVersionProblem(request);
  if (versionProblem !== undefined) return refuse(400, 'BadParameter', versionProblem);
  return (
    refusalOf(vault, { kind, action, resource: `${vault.name}/${kind}${of}` }, caller) ?? { vault, caller }
  );
}

interface Use {
  readonly kind: Kind;
  readonly action: string;
  readonly resource: string;
}

/** In the order in which the service looks: the network, the rights. */
function refusalOf(
  vault: Vault,
  { kind, action, resource }: Use,
  caller: TokenClaims,
): HttpResponse | undefined {
  const who = `Caller: appid=${caller.clientId};oid=${caller.principalId}`;
  if (vault.firewall === 'selected')
    return forbidden(
      'ForbiddenByFirewall',
      `Client address is not authorized and caller is not a trusted service.\r\nClient address: 127.0.0.1\r\n${who}\r\nVault: ${vault.name};location=westeurope`,
    );
  if (vault.firewall === 'private')
    return forbidden(
      'ForbiddenByConnection',
      `Public network access is disabled and request is not from a trusted service nor via an approved private link.\r\n${who}\r\nVault: ${vault.name};location=westeurope`,
    );
  if (!vault.mayRead(caller.principalId, kind))
    return forbidden(
      'ForbiddenByRbac',
      `Caller is not authorized to perform action on resource. If role assignments, deny assignments or role definitions were changed recently, please observe propagation time. ${who} Action: '${action}' Resource: '${resource}' Assignment: (not found)`,
    );
  return undefined;
}

const actions: Readonly<Record<Kind, string>> = {
  secrets: 'Microsoft.KeyVault/vaults/secrets/getSecret/action',
  keys: 'Microsoft.KeyVault/vaults/keys/read',
  certificates: 'Microsoft.KeyVault/vaults/certificates/read',
};

const listActions: Readonly<Record<Kind, string>> = {
  ...actions,
  secrets: 'Microsoft.KeyVault/vaults/secrets/readMetadata/action',
};

const missingCodes: Readonly<Record<Kind, readonly [code: string, word: string]>> = {
  secrets: ['SecretNotFound', 'secret'],
  keys: ['KeyNotFound', 'key'],
  certificates: ['CertificateNotFound', 'certificate'],
};

function missing({ kind, name, version }: Wanted): HttpResponse {
  const [code, word] = missingCodes[kind];
  return refuse(
    404,
    code,
    `A ${word} with (name/id) ${[name, version].filter(Boolean).join('/')} was not found in this key vault. If you recently deleted this ${word} you may be able to recover it using the correct recovery command.`,
  );
}

function forbidden(innerCode: string, message: string): HttpResponse {
  return json(403, { error: { code: 'Forbidden', message, innererror: { code: innerCode } } });
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
