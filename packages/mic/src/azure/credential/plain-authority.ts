import type { TokenCredentialOptions } from '@azure/identity';

type Policy = NonNullable<TokenCredentialOptions['additionalPolicies']>[number];

export interface Authority {
  /** For @azure/identity. */
  readonly host: string;
  readonly policies: readonly Policy[];
}

/**
 * @azure/identity refuses login endpoints without https, also on the loopback (a simulator), which azure.json may use. It gets an https
 * address, and requests to that one are sent as plain http.
 */
export function authorityFor(endpoint: string): Authority {
  const url = new URL(endpoint);
  if (url.protocol !== 'http:') return { host: endpoint, policies: [] };
  const plain = url.origin;
  const reported = plain.replace(/^http:/, 'https:');
  const policy: Policy['policy'] = {
    name: 'plainHttpOnLoopback',
    sendRequest: async (request, next) => {
      // A repeated request has the plain address already.
      if (![reported, plain].some((origin) => request.url.startsWith(`${origin}/`))) return next(request);
      request.url = request.url.replace(reported, plain);
      request.allowInsecureConnection = true;
      const response = await next(request);
      // The library compares addresses in the response with its https address.
      const { bodyAsText } = response;
      return typeof bodyAsText === 'string' && request.method === 'GET'
        ? { ...response, bodyAsText: bodyAsText.replaceAll(plain, reported) }
        : response;
    },
  };
  return { host: endpoint.replace(/^http:/, 'https:'), policies: [{ policy, position: 'perRetry' }] };
}
