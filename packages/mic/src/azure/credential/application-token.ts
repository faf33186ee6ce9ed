import type { TokenCredentialOptions } from '@azure/identity';
import type { CredentialSettings } from '../cloud/cloud.ts';
import type { CloudEndpoints } from '../cloud/clouds.ts';
import { AzureError, type TokenSource } from './token-keeper.ts';

type ApplicationSettings = Extract<CredentialSettings, { readonly tenantId: string }>;

/**
 * Tokens for an application, by @azure/identity, which is loaded on first use. The credential is created for every token (once an hour),
 * so that a replaced certificate or projected token is read again.
 */
export function applicationToken(settings: ApplicationSettings, endpoints: CloudEndpoints): TokenSource {
  const scope = `${endpoints.audience.replace(/\/$/, '')}/.default`;
  return async ({ signal }) => {
    try {
      const credential = await createIdentityCredential(settings, endpoints, signal);
      return await credential.getToken(scope, { abortSignal: signal });
    } catch (error) {
      signal.throwIfAborted();
      throw applicationFailure(error, settings);
    }
  };
}

async function createIdentityCredential(
  settings: ApplicationSettings,
  endpoints: CloudEndpoints,
  signal: AbortSignal,
) {
  const identity = await import('@azure/identity');
  const { tenantId, clientId } = settings;
  const options = {
    authorityHost: endpoints.authority,
    disableInstanceDiscovery: endpoints.customAuthority,
    // Callers retry anyway, so long waits are avoided here.
    retryOptions: { maxRetries: 1, retryDelayInMs: 200 },
    ...entraResponseLimits(signal),
  };
  switch (settings.kind) {
    case 'client-secret':
      return new identity.ClientSecretCredential(tenantId, clientId, settings.clientSecret, options);
    case 'client-certificate':
      return new identity.ClientCertificateCredential(
        tenantId,
        clientId,
        {
          certificatePath: settings.certificatePath,
          ...(settings.password !== undefined && { certificatePassword: settings.password }),
        },
        { ...options, sendCertificateChain: true },
      );
    case 'federated':
      return new identity.WorkloadIdentityCredential({
        ...options,
        tenantId,
        clientId,
        tokenFilePath: settings.tokenFile,
      });
  }
}

function applicationFailure(error: unknown, settings: ApplicationSettings): AzureError {
  const message = textOf(error);
  const who = `application ${settings.clientId} of tenant ${settings.tenantId} (${settings.kind})`;
  return new AzureError(
    isRefusal(error) ? 'token-refused' : 'token-unavailable',
    `no token for ARM as ${who}: ${withoutSecrets(firstLine(message), settings)}`,
  );
}

function textOf(error: unknown): string {
  // The endpoints were parsed as URLs at the start, so the invalid URL is that of the proxy.
  if (field(error, 'code') === 'ERR_INVALID_URL')
    return 'HTTPS_PROXY, ALL_PROXY or HTTP_PROXY is not the address of a proxy';
  return error instanceof Error ? error.message : String(error);
}

/** Entra refused (MSAL's ServerError contains OAuth's `error`), or a file is missing: retries will not help. */
function isRefusal(error: unknown): boolean {
  if (field(error, 'code') === 'ENOENT') return true;
  const cause = field(error, 'cause') ?? error;
  const code = field(cause, 'errorCode');
  return (
    field(cause, 'name') === 'ServerError' && code !== 'temporarily_unavailable' && code !== 'server_error'
  );
}

/** Entra's messages contain no secret; a library's might, so it is removed from all. */
function withoutSecrets(message: string, settings: ApplicationSettings): string {
  const secrets = [field(settings, 'clientSecret'), field(settings, 'password')];
  return secrets.reduce<string>(
    (text, secret) => (typeof secret === 'string' ? text.replaceAll(secret, '…') : text),
    message,
  );
}

function firstLine(message: string): string {
  return message.split('\n', 1).join('').slice(0, 500);
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

type Policies = NonNullable<TokenCredentialOptions['additionalPolicies']>;

const longestResponse = 256 * 1024;

/**
 * Limits that @azure/identity lacks: its request to Entra ignores the signal given to getToken, a response may have any length, and a
 * secret would follow redirects.
 */
function entraResponseLimits(
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
