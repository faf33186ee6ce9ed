import type { AccessToken as AzureAccessToken, GetTokenOptions, TokenCredential } from '@azure/identity';
import { describe, expectTypeOf, test } from 'vitest';
import {
  createImdsClient,
  createImdsCredential,
  type AccessToken,
  type CredentialTokenOptions,
  type FetchLike,
  type Identity,
  type ImdsClient,
  type ImdsClientOptions,
  type ImdsErrorCode,
  type TokenRequest,
} from './index.ts';

describe('the public types', () => {
  test('the credential is one that Azure’s SDKs accept', () => {
    expectTypeOf(createImdsCredential()).toExtend<TokenCredential>();
    expectTypeOf<ReturnType<ImdsClient['createCredential']>>().toExtend<TokenCredential>();
    expectTypeOf<GetTokenOptions>().toExtend<CredentialTokenOptions>();
    expectTypeOf<AccessToken>().toExtend<AzureAccessToken>();
  });

  test('a token request needs a resource, and the rest is optional', () => {
    expectTypeOf<{ resource: string }>().toExtend<TokenRequest>();
    expectTypeOf<{ identity: { clientId: string } }>().not.toExtend<TokenRequest>();
    expectTypeOf<ImdsClient['getToken']>().returns.resolves.toEqualTypeOf<AccessToken>();
  });

  test('an identity has exactly one id', () => {
    expectTypeOf<{ clientId: string }>().toExtend<Identity>();
    expectTypeOf<{ objectId: string }>().toExtend<Identity>();
    expectTypeOf<{ resourceId: string }>().toExtend<Identity>();
    expectTypeOf<{ clientId: string; objectId: string }>().not.toExtend<Identity>();
    expectTypeOf<{ clientId: string; resourceId: string }>().not.toExtend<Identity>();
    expectTypeOf<{ objectId: string; resourceId: string }>().not.toExtend<Identity>();
    expectTypeOf<Record<string, never>>().not.toExtend<Identity>();
    // @ts-expect-error -- two ids
    createImdsCredential({ identity: { clientId: 'c', resourceId: 'r' } });
    // @ts-expect-error -- an id outside of identity
    createImdsCredential({ clientId: 'c' });
    // @ts-expect-error -- an id outside of identity
    void createImdsClient().getToken({ resource: 'r', clientId: 'c' });
  });

  test('what a caller may not have can be undefined', () => {
    type Undefined<T> = { [K in keyof T]-?: undefined };
    expectTypeOf<Undefined<ImdsClientOptions>>().toExtend<ImdsClientOptions>();
    expectTypeOf<Undefined<Omit<TokenRequest, 'resource'>>>().toExtend<Omit<TokenRequest, 'resource'>>();
    expectTypeOf<Undefined<CredentialTokenOptions>>().toExtend<CredentialTokenOptions>();
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
