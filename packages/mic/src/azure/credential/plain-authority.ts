import type { TokenCredentialOptions } from '@azure/identity';

type Policy = NonNullable<TokenCredentialOptions['additionalPolicies']>[number];

export interface Authority {
  /** As @azure/identity gets it. */
  readonly host: string;
  readonly policies: readonly Policy[];
}

/**
 * @azure/identity refuses every login endpoint that is not https, also one on this machine (a simulator), which is allowed in
 * azure.json. It gets an https address, and its requests to just that one go out in plain http.
 */
export function authorityFor(endpoint: string): Authority {
  const url = new URL(endpoint);
  if (url.protocol !== 'http:') return { host: endpoint, policies: [] };
  const plain = url.origin;
  const told = plain.replace(/^http:/, 'https:');
  const policy: Policy['policy'] = {
    name: 'plainHttpOnLoopback',
    sendRequest: async (request, next) => {
      // When it is repeated it has the plain address already.
      if (![told, plain].some((origin) => request.url.startsWith(`${origin}/`))) return next(request);
      request.url = request.url.replace(told, plain);
      request.allowInsecureConnection = true;
      const response = await next(request);
      // What it says of its own addresses is compared with what the library was told.
      const { bodyAsText } = response;
      return typeof bodyAsText === 'string' && request.method === 'GET'
        ? { ...response, bodyAsText: bodyAsText.replaceAll(plain, told) }
        : response;
    },
  };
  return { host: endpoint.replace(/^http:/, 'https:'), policies: [{ policy, position: 'perRetry' }] };
}
