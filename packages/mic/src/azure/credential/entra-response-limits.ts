import type { TokenCredentialOptions } from '@azure/identity';

type Policies = NonNullable<TokenCredentialOptions['additionalPolicies']>;

const longestResponse = 256 * 1024;

/**
 * Limits that @azure/identity lacks: its request to Entra ignores the signal given to getToken, a response may have any length, and a
 * secret would follow redirects.
 */
export function entraResponseLimits(
  signal: AbortSignal,
): Required<Pick<TokenCredentialOptions, 'additionalPolicies' | 'redirectOptions'>> {
  const policy: Policies[number]['policy'] = {
    name: 'boundedAnswer',
    sendRequest: (request, next) => {
      const tooLong = new AbortController();
      request.abortSignal = AbortSignal.any([signal, tooLong.signal]);
      request.onDownloadProgress = ({ loadedBytes }) => {
        if (loadedBytes > longestResponse) tooLong.abort();
      };
      return next(request);
    },
  };
  return { additionalPolicies: [{ policy, position: 'perRetry' }], redirectOptions: { maxRetries: 0 } };
}
