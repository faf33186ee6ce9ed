import { describe, expect, it } from 'vitest';
import type { ServicePrincipal } from '../types.ts';
import { principalError } from './entra-errors.ts';

const tenantId = '11111111-2222-4333-8444-555555555555';
const subject: ServicePrincipal = {
  kind: 'service-principal',
  name: 'shop/app',
  clientId: 'c',
  tenantId,
  auxiliaryTenantIds: [],
  authority: 'https://login.microsoftonline.com',
  credential: 'secret',
  secret: { namespace: 'shop', name: 'credential' },
};
const errorFor = (status: number, body: object, retryAfterMs?: number) =>
  principalError({ kind: 'answer', status, retryAfterMs, body }, subject, tenantId);
const refusal = (error: string, number: number) => ({
  error,
  error_codes: [number],
  error_description: `AADSTS${number}: About ${tenantId}. Trace ID: ${tenantId} Correlation ID: x Timestamp: y`,
});

describe('C53 W-C12 what Entra says', () => {
  it.each<[string, number, number, string]>([
    ['invalid_client', 401, 7000215, 'denied'],
    ['invalid_client', 401, 7000222, 'denied'],
    ['invalid_client', 401, 700027, 'denied'],
    ['invalid_client', 401, 700024, 'denied'],
    ['unauthorized_client', 400, 700016, 'denied'],
    ['invalid_request', 400, 90002, 'denied'],
    ['invalid_grant', 400, 53003, 'denied'],
    ['invalid_resource', 400, 500011, 'refused'],
    ['invalid_scope', 400, 70011, 'refused'],
    ['invalid_request', 400, 700022, 'refused'],
    ['invalid_resource', 400, 999, 'refused'],
    ['invalid_scope', 400, 999, 'refused'],
    ['invalid_grant', 400, 70021, 'unavailable'],
    ['invalid_client', 401, 700213, 'unavailable'],
    ['temporarily_unavailable', 503, 90061, 'unavailable'],
    ['temporarily_unavailable', 400, 90033, 'unavailable'],
    ['invalid_request', 400, 90055, 'throttled'],
    ['invalid_grant', 400, 50196, 'throttled'],
    ['temporarily_unavailable', 429, 90055, 'throttled'],
    ['server_error', 500, 0, 'unavailable'],
  ])('%s (%i, AADSTS%i): %s', (...[error, status, number, code]) => {
    const told = errorFor(status, refusal(error, number));
    expect(told.code).toBe(code);
    expect(told.message).toContain(`AADSTS${number}`);
    expect(told.message).toContain('shop/app');
    expect(told.message).not.toContain(tenantId);
    expect(told.message).not.toContain('Trace ID');
  });

  it.each<[string, object, number, string]>([
    [
      'a refusal with a number, in the words of Entra without its number and what follows',
      {
        error: 'invalid_grant',
        error_codes: [53000],
        error_description: 'AADSTS53000: Not AADSTS1: now\r\nTrace ID: x',
      },
      400,
      'Microsoft Entra refused AzureIdentity shop/app (AADSTS53000): Not AADSTS1: now',
    ],
    [
      'a refusal in whose words a number stands later',
      { error: 'access_denied', error_description: 'See AADSTS1: no.' },
      400,
      'Microsoft Entra refused AzureIdentity shop/app (400 access_denied): See AADSTS1: no.',
    ],
    [
      'a refusal without a number',
      { error: 'access_denied', error_description: 'Ask your administrator. \nMore' },
      400,
      'Microsoft Entra refused AzureIdentity shop/app (400 access_denied): Ask your administrator.',
    ],
    [
      'a resource that is not known',
      {
        error: 'invalid_resource',
        error_codes: [500011],
        error_description: 'AADSTS500011: No such resource.',
      },
      400,
      'Microsoft Entra does not know the resource that AzureIdentity shop/app asks for (AADSTS500011): No such resource.',
    ],
    [
      'an answer without an error',
      {},
      502,
      'Microsoft Entra gave no token for AzureIdentity shop/app (502); it may later.',
    ],
    ['too many requests', {}, 429, 'Microsoft Entra has too many requests for AzureIdentity shop/app (429).'],
    [
      'a number that is a text',
      { error: 'access_denied', error_codes: ['7000222'], error_description: 'No.' },
      400,
      'Microsoft Entra refused AzureIdentity shop/app (400 access_denied): No.',
    ],
  ])('says of %s', (...[, body, status, text]) => {
    expect(errorFor(status, body).message).toBe(text);
  });

  it('tells a short text, however long that of Entra is', () => {
    const long = 'x'.repeat(10_000);
    const body = { error: long, error_description: long };
    expect(errorFor(400, body).message.length).toBeLessThan(500);
  });

  it('names the tenant of an auxiliary token, and not the home tenant', () => {
    const told = (tenant: string) =>
      principalError({ kind: 'answer', status: 503, retryAfterMs: undefined, body: {} }, subject, tenant)
        .message;
    expect(told('another-tenant-of-it')).toContain('in the auxiliary tenant anot##### REDACTED #####f-it');
    expect(told(tenantId)).not.toContain('tenant');
  });

  it('names the Secret where that is what to change', () => {
    expect(errorFor(401, refusal('invalid_client', 7000222)).message).toContain('Secret shop/credential');
  });

  it('keeps Retry-After; a 429 without one means a minute', () => {
    expect(errorFor(429, {}, 5000)).toMatchObject({ code: 'throttled', retryAfterMs: 5000 });
    expect(errorFor(429, {})).toMatchObject({ code: 'throttled', retryAfterMs: 60_000 });
    expect(errorFor(503, {}, 3000)).toMatchObject({ code: 'unavailable', retryAfterMs: 3000 });
    expect(errorFor(503, {}).retryAfterMs).toBeUndefined();
  });

  it.each([[undefined], [null], ['text'], [{ error: 1, error_codes: 'x', error_description: {} }], [[]]])(
    'survives %j',
    (body) => {
      expect(errorFor(400, body as object).code).toBe('unavailable');
    },
  );

  it('a proxy that cannot be used is told, with the variable that names it', () => {
    const problem = 'HTTPS_PROXY is not the address of a proxy';
    expect(principalError({ kind: 'silence', problem }, subject, subject.tenantId)).toMatchObject({
      code: 'proxy',
      message: `No request can be sent to the login endpoint for AzureIdentity ${subject.name}: ${problem}.`,
    });
  });

  it('silence is told as that', () => {
    expect(principalError({ kind: 'silence' }, subject, 'another-tenant-of-it')).toMatchObject({
      code: 'unavailable',
      message:
        'The login endpoint did not answer for AzureIdentity shop/app in the auxiliary tenant anot##### REDACTED #####f-it.',
    });
  });
});
