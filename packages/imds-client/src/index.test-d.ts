import { describe, expectTypeOf, test } from 'vitest';
import {
  createImdsCredential,
  type AccessToken,
  type CredentialTokenOptions,
  type FetchLike,
  type ImdsClient,
  type ImdsErrorCode,
  type TokenRequest,
} from './index.ts';

/** The types of @azure/core-auth 1.10 that a credential implements, copied: this package has no dependency. */
interface TokenCredential {
  getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AzureAccessToken | null>;
}
interface GetTokenOptions {
  abortSignal?: AzureAbortSignal;
  requestOptions?: { timeout?: number };
  tracingOptions?: { tracingContext?: unknown };
  claims?: string;
  enableCae?: boolean;
  tenantId?: string;
}
interface AzureAbortSignal {
  readonly aborted: boolean;
  addEventListener(
    type: 'abort',
    listener: (this: AzureAbortSignal, event: unknown) => unknown,
    options?: unknown,
  ): void;
  removeEventListener(
    type: 'abort',
    listener: (this: AzureAbortSignal, event: unknown) => unknown,
    options?: unknown,
  ): void;
}
interface AzureAccessToken {
  token: string;
  expiresOnTimestamp: number;
  refreshAfterTimestamp?: number;
  tokenType?: 'Bearer' | 'pop';
}

describe('the public types', () => {
  test('the credential is one that Azure’s SDKs accept', () => {
    expectTypeOf(createImdsCredential()).toExtend<TokenCredential>();
    expectTypeOf<GetTokenOptions>().toExtend<CredentialTokenOptions>();
    expectTypeOf<AccessToken>().toExtend<AzureAccessToken>();
  });

  test('a token request needs a resource, and the rest is optional', () => {
    expectTypeOf<{ resource: string }>().toExtend<TokenRequest>();
    expectTypeOf<{ clientId: string }>().not.toExtend<TokenRequest>();
    expectTypeOf<ImdsClient['getToken']>().returns.resolves.toEqualTypeOf<AccessToken>();
  });

  test('the global fetch and an AbortSignal fit', () => {
    expectTypeOf<typeof globalThis.fetch>().toExtend<FetchLike>();
    expectTypeOf<AbortSignal>().toExtend<NonNullable<TokenRequest['abortSignal']>>();
  });

  test('the codes are the documented ones', () => {
    expectTypeOf<ImdsErrorCode>().toEqualTypeOf<
      | 'bad-request'
      | 'identity-not-found'
      | 'ambiguous-identity'
      | 'denied'
      | 'throttled'
      | 'unavailable'
      | 'timeout'
      | 'aborted'
      | 'invalid-response'
    >();
  });
});
