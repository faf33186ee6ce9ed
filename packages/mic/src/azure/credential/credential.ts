// Room: tokens for MIC's own calls: of a managed identity or of an application.
// It must not know what the tokens are used for.
import { createImdsClient, isImdsError, type ImdsError } from '@pod-identity/imds-client';
import type { Ambient } from '@pod-identity/kit/serve';
import { applicationToken } from './application-token.ts';
import type { CloudSettings, Env } from '../cloud/cloud.ts';
import { AzureError, keepToken, type ArmCredential, type TokenSource } from './token-keeper.ts';

interface CredentialDeps extends Pick<Ambient, 'clock' | 'random'> {
  readonly env: Env;
}

/**
 * MIC's token request may be intercepted by NMI, which holds pods without an assignment until MIC creates one, and MIC creates none
 * without a token. So the request has a timeout, and its failure names that cause first.
 */
const interceptionHint =
  "if NMI intercepts the controller's own call, exempt it: an AzurePodIdentityException in its namespace that matches its pod labels, or hostNetwork: true";

export function createCredential(settings: CloudSettings, deps: CredentialDeps): ArmCredential {
  const { clock } = deps;
  const usesImds =
    settings.credential.kind === 'system-assigned' || settings.credential.kind === 'user-assigned';
  return keepToken(tokenSource(settings, deps), {
    clock,
    hint: usesImds ? interceptionHint : 'is the login endpoint reachable?',
  });
}

function tokenSource(settings: CloudSettings, deps: CredentialDeps): TokenSource {
  const { credential, endpoints } = settings;
  switch (credential.kind) {
    case 'system-assigned':
      return managedIdentityToken(endpoints.audience, undefined, deps);
    case 'user-assigned':
      return managedIdentityToken(endpoints.audience, credential.clientId, deps);
    case 'client-secret':
    case 'client-certificate':
    case 'federated':
      return applicationToken(credential, endpoints);
  }
}

function managedIdentityToken(
  resource: string,
  clientId: string | undefined,
  deps: CredentialDeps,
): TokenSource {
  const { clock, random, env } = deps;
  const endpoint = env['AZURE_POD_IDENTITY_AUTHORITY_HOST'];
  const imds = createImdsClient({
    endpoint: endpoint === '' ? undefined : endpoint,
    testing: { clock, random },
    cache: false,
    // As NMI does.
    tolerateClockSkew: true,
    // The default of 40 s is for NMI, which holds requests; the metadata service responds at once.
    requestTimeoutMs: 20_000,
  });
  return async ({ fresh, signal }) => {
    try {
      return await imds.getToken({
        resource,
        bypassCache: fresh,
        abortSignal: signal,
        identity: clientId === undefined ? undefined : { clientId },
      });
    } catch (error) {
      throw isImdsError(error) && error.code !== 'aborted' ? imdsFailure(error) : error;
    }
  };
}

function imdsFailure(error: ImdsError): AzureError {
  const message = `no token for ARM from the metadata service: ${error.message}; ${interceptionHint}`;
  return new AzureError(error.retryable ? 'token-unavailable' : 'token-refused', message, error);
}
