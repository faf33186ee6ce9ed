import type { HttpRequest } from '../http/server.ts';
import { armRefusal, isArmRefusal, type ArmRefusal } from './arm-errors.ts';
import { managementAudiences } from './resources.ts';
import type { Roles } from './roles.ts';
import type { TokenClaims, Tokens, TokenVerdict } from './tokens.ts';

export interface AccessPorts {
  readonly world: Pick<Roles, 'permits'>;
  readonly tokens: Tokens;
  /** Where ARM listens: a token for that URL is valid too, as in a custom cloud. */
  readonly baseUrl: () => string;
  readonly now: () => number;
  readonly enforceRoles: boolean;
}

export interface Access {
  readonly caller: TokenClaims;
  /** Checks whether the caller may do `action` at `scope`. */
  check(action: string, scope: string): ArmRefusal | undefined;
  /** Checks whether the caller may also do `linked` at each of these scopes. All that it may not are named. */
  checkLinked(
    linked: string,
    scopes: readonly string[],
    by: { action: string; scope: string },
  ): ArmRefusal | undefined;
}

export async function authenticate(request: HttpRequest, ports: AccessPorts): Promise<Access | ArmRefusal> {
  const [, token] = /^Bearer (.+)$/i.exec(request.headers['authorization'] ?? '') ?? [];
  if (token === undefined)
    return unauthorized(
      'AuthenticationFailed',
      "Authentication failed. The 'Authorization' header is missing.",
    );
  const audiences = [...managementAudiences, ports.baseUrl(), `${ports.baseUrl()}/`];
  const caller = callerOf(await ports.tokens.verify(token, audiences), audiences, ports.now());
  if (isArmRefusal(caller)) return caller;
  const permits = (action: string, scope: string) =>
    !ports.enforceRoles || ports.world.permits(caller.principalId, action, scope);
  const client = `The client '${caller.clientId}' with object id '${caller.principalId}'`;
  return {
    caller,
    check: (action, scope) =>
      permits(action, scope)
        ? undefined
        : armRefusal(
            403,
            'AuthorizationFailed',
            `${client} does not have authorization to perform action '${action}' over scope '${scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
          ),
    checkLinked(linked, scopes, { action, scope }) {
      const denied = scopes.filter((one) => !permits(linked, one));
      if (denied.length === 0) return undefined;
      return armRefusal(
        403,
        'LinkedAuthorizationFailed',
        `${client} has permission to perform action '${action}' on scope '${scope}'; however, it does not have permission to perform action '${linked}' on the linked scope(s) '${denied.join(',')}' or the linked scope(s) are invalid.`,
      );
    },
  };
}

function callerOf(
  verdict: TokenVerdict,
  audiences: readonly string[],
  now: number,
): TokenClaims | ArmRefusal {
  if (verdict.ok) return verdict.claims;
  const { audience, expiresOn } = verdict.claims ?? { audience: '', expiresOn: 0 };
  switch (verdict.why) {
    case 'malformed':
    case 'signature':
    case 'not-yet-valid':
      return unauthorized('InvalidAuthenticationToken', 'The access token is invalid.');
    case 'audience':
      return unauthorized(
        'InvalidAuthenticationTokenAudience',
        `The access token has been obtained for wrong audience or resource '${audience}'. It should exactly match with one of the allowed audiences '${audiences.join("','")}'.`,
      );
    case 'expired':
      return unauthorized(
        'ExpiredAuthenticationToken',
        `The access token expiry UTC time '${utc(expiresOn * 1000)}' is earlier than current UTC time '${utc(now)}'.`,
      );
  }
}

const utc = (time: number): string => new Date(time).toISOString();

function unauthorized(code: string, message: string): ArmRefusal {
  const challenge = `Bearer authorization_uri="https://login.microsoftonline.com/common", error="invalid_token", error_description="${message}"`;
  return { status: 401, code, message, headers: { 'www-authenticate': challenge } };
}
