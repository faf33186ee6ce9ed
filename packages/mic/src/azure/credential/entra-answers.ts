import type { TokenCredentialOptions } from '@azure/identity';

type Policies = NonNullable<TokenCredentialOptions['additionalPolicies']>;

const longestAnswer = 256 * 1024;

/**
 * What @azure/identity leaves open: its exchange with Entra does not hear the signal given to getToken, an answer may be of any
 * length, and a secret would follow a redirect.
 */
export function entraAnswerLimits(
  signal: AbortSignal,
): Required<Pick<TokenCredentialOptions, 'additionalPolicies' | 'redirectOptions'>> {
  const policy: Policies[number]['policy'] = {
    name: 'boundedAnswer',
    sendRequest: (request, next) => {
      const tooLong = new AbortController();
      request.abortSignal = AbortSignal.any([signal, tooLong.signal]);
      request.onDownloadProgress = ({ loadedBytes }) => {
        if (loadedBytes > longestAnswer) tooLong.abort();
      };
      return next(request);
    },
  };
  return { additionalPolicies: [{ policy, position: 'perRetry' }], redirectOptions: { maxRetries: 0 } };
}
