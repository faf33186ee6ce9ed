import type { INetworkModule, NodeAuthOptions } from '@azure/msal-node';
import type { AccessToken } from '@pod-identity/imds-client';
import type { Clock } from '@pod-identity/kit/core';
import { membersOf } from '../../json.ts';
import { signAssertion } from './assertion.ts';
import type { TokenError } from '../errors.ts';
import type { EntraResponse } from './entra-errors.ts';
import type { EntraHttp } from './entra-http.ts';
import type { Certificate } from './certificate.ts';
import type { ServicePrincipal } from '../types.ts';

/** The credential of the application. */
export type Proof =
  | { readonly kind: 'secret'; readonly value: string }
  | { readonly kind: 'certificate'; readonly certificate: Certificate };

export interface EntraRequest {
  readonly subject: Pick<ServicePrincipal, 'authority' | 'clientId'>;
  readonly tenantId: string;
  readonly resource: string;
  /** `assertion`: for a federated credential, signed by its issuer. */
  readonly proof: Proof | { readonly kind: 'assertion'; readonly value: string };
  /** The error for a response without a token. */
  readonly errorOf: (response: EntraResponse) => TokenError;
}

export interface EntraClient {
  /** Requests a token from the tenant's token endpoint; fails with a TokenError. */
  readonly requestToken: (entraRequest: EntraRequest) => Promise<AccessToken>;
}

/**
 * Uses MSAL, loaded at the first request since most nodes have no service principal, only to compose the request: it caches no token,
 * discovers nothing, and can reach no address but the token endpoint.
 */
export function createEntraClient(http: Pick<EntraHttp, 'post'>, clock: Clock): EntraClient {
  return {
    requestToken: async (entraRequest) => {
      const { ConfidentialClientApplication } = await import('@azure/msal-node');
      const { subject, tenantId } = entraRequest;
      const endpoint = `${subject.authority}/${tenantId}/oauth2/v2.0/token`;
      const wire = createWire(endpoint, http);
      const sentAt = clock.now();
      const application = new ConfidentialClientApplication({
        auth: {
          ...authOf(entraRequest, endpoint),
          ...(await credentialOf(entraRequest, { audience: endpoint, now: sentAt })),
        },
        system: { networkClient: wire.network },
      });
      try {
        await application.acquireTokenByClientCredential({
          scopes: [`${entraRequest.resource}/.default`],
          skipCache: true,
          // Otherwise an environment variable could send requests to another host.
          azureRegion: 'DisableMsalForceRegion',
        });
      } catch (error) {
        // MSAL's errors repeat the answer, which is read below; an error without an answer is a bug.
        if (!wire.response) throw error;
      }
      const token = tokenIn(wire.response, { sentAt, entraRequest });
      if (!token) throw entraRequest.errorOf(wire.response ?? { kind: 'silence' });
      return token;
    },
  };
}

function authOf({ subject, tenantId }: EntraRequest, endpoint: string): NodeAuthOptions {
  const authority = `${subject.authority}/${tenantId}`;
  return {
    clientId: subject.clientId,
    authority,
    knownAuthorities: [new URL(authority).host],
    // Given, so that MSAL does not discover it: discovery could return another host.
    authorityMetadata: JSON.stringify({
      token_endpoint: endpoint,
      authorization_endpoint: `${authority}/oauth2/v2.0/authorize`,
      issuer: `${authority}/v2.0`,
      jwks_uri: `${authority}/discovery/v2.0/keys`,
    }),
  };
}

async function credentialOf(
  { subject: { clientId }, proof }: EntraRequest,
  { audience, now }: { readonly audience: string; readonly now: number },
): Promise<Partial<NodeAuthOptions>> {
  if (proof.kind === 'secret') return { clientSecret: proof.value };
  if (proof.kind === 'assertion') return { clientAssertion: proof.value };
  return { clientAssertion: await signAssertion(proof.certificate, { clientId, audience, now }) };
}

/** MSAL's network module; remembers the answer. */
function createWire(endpoint: string, http: Pick<EntraHttp, 'post'>) {
  const seen: { response?: EntraResponse } = {};
  const elsewhere = () => Promise.reject(new TypeError('only the token endpoint may be asked'));
  const network: INetworkModule = {
    sendGetRequestAsync: elsewhere,
    sendPostRequestAsync: async (url, options) => {
      if (url !== endpoint && !url.startsWith(`${endpoint}?`)) return elsewhere();
      const response = await http.post({ url, headers: options?.headers ?? {}, body: options?.body ?? '' });
      seen.response = response;
      const isResponse = response.kind === 'answer';
      // The answer is read from `seen`, not from MSAL's result.
      const body = isResponse && response.body ? response.body : { error: 'no_answer' };
      return { headers: {}, status: isResponse ? response.status : 503, body: body as never };
    },
  };
  return {
    network,
    get response() {
      return seen.response;
    },
  };
}

function tokenIn(
  response: EntraResponse | undefined,
  { sentAt, entraRequest }: { sentAt: number; entraRequest: EntraRequest },
): AccessToken | undefined {
  if (response?.kind !== 'answer' || response.status !== 200) return undefined;
  const { access_token, expires_in } = membersOf(response.body);
  const seconds = Number(expires_in);
  if (typeof access_token !== 'string' || access_token === '' || !(seconds > 0)) return undefined;
  return {
    token: access_token,
    expiresOnTimestamp: sentAt + seconds * 1000,
    notBeforeTimestamp: sentAt,
    tokenType: 'Bearer',
    resource: entraRequest.resource,
    clientId: entraRequest.subject.clientId,
  };
}
