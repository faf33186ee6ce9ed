import { describe, expect, it } from 'vitest';
import { judgeHeaders, parseTokenRequest } from './token-request.ts';

const resource = 'resource=https%3A%2F%2Fvault.azure.net';
const clientId = 'C0FFEE00-0000-4000-8000-000000000001';

const selectorOf = (query: string) => {
  const parsed = parseTokenRequest(query);
  return parsed.ok ? parsed.value.selector : parsed.problem;
};

describe('parseTokenRequest', () => {
  it.each([
    ['C56 no selector', '', { by: 'nothing' }],
    [
      'C56 client_id, without case',
      `&client_id=${clientId}`,
      { by: 'client-id', value: clientId.toLowerCase() },
    ],
    ['object_id', '&object_id=AB', { by: 'object-id', value: 'ab' }],
    ['C56 msi_res_id', '&msi_res_id=%2Fsubscriptions%2FS', { by: 'resource-id', value: '/subscriptions/s' }],
    ['C56 mi_res_id', '&mi_res_id=/subscriptions/S', { by: 'resource-id', value: '/subscriptions/s' }],
    ['the hyphens of .NET', '&msi-res-id=/subscriptions/S', { by: 'resource-id', value: '/subscriptions/s' }],
    ['an empty selector as none', '&client_id=', { by: 'nothing' }],
    [
      'two selectors as a mistake',
      '&client_id=a&object_id=b',
      { why: 'several-selectors', name: 'client_id and object_id' },
    ],
    [
      'two spellings of one selector as a mistake',
      '&mi_res_id=a&msi_res_id=a',
      { why: 'several-selectors', name: 'msi_res_id and mi_res_id' },
    ],
    [
      'a repeated selector as a mistake',
      '&client_id=a&client_id=b',
      { why: 'repeated-parameter', name: 'client_id' },
    ],
    ['any repeated name as a mistake', '&x=1&x=1', { why: 'repeated-parameter', name: 'x' }],
    ['control characters as a mistake', '&client_id=a%00', { why: 'malformed-parameter', name: 'client_id' }],
    [
      'an endless value as a mistake',
      `&client_id=${'a'.repeat(3000)}`,
      { why: 'malformed-parameter', name: 'client_id' },
    ],
  ])('reads %s', (_, query, expected) => {
    expect(selectorOf(resource + query)).toEqual(expected);
  });

  it.each([
    ['C57 a missing resource', 'api-version=2018-02-01'],
    ['C57 an empty resource', 'resource='],
    ['C57 nothing at all', ''],
  ])('refuses %s', (_, query) => {
    expect(parseTokenRequest(query)).toMatchObject({ ok: false, problem: { why: 'no-resource' } });
  });

  it.each([
    ['a URL', 'resource=https://vault.azure.net', 'https://vault.azure.net'],
    [
      'a trailing slash as sent',
      'resource=https%3A%2F%2Fmanagement.azure.com%2F',
      'https://management.azure.com/',
    ],
    ['a GUID', 'resource=00000003-0000-0000-c000-000000000000', '00000003-0000-0000-c000-000000000000'],
    ['a scope without its /.default', 'resource=https://vault.azure.net/.default', 'https://vault.azure.net'],
    ['a scope of a resource with a slash', 'resource=api://x//.default', 'api://x/'],
  ])('keeps %s', (_, query, expected) => {
    expect(parseTokenRequest(query)).toMatchObject({ ok: true, value: { resource: expected } });
  });

  it.each(['2018-02-01', '2019-08-01', 'whatever', ''])('takes the api-version %j', (version) => {
    expect(parseTokenRequest(`${resource}&api-version=${version}`).ok).toBe(true);
  });

  it.each([
    ['bypass_cache=true', true, {}],
    ['bypass_cache=True', true, {}],
    ['bypass_cache=false', false, {}],
    ['token_sha256_to_refresh=ab', true, { token_sha256_to_refresh: 'ab' }],
    ['xms_cc=cp1', true, { xms_cc: 'cp1' }],
    ['authority=x', false, {}],
  ])('item 27: with %s the cache is bypassed: %s', (extra, bypassCache, passThrough) => {
    expect(parseTokenRequest(`${resource}&${extra}`)).toMatchObject({ value: { bypassCache, passThrough } });
  });
});

describe('judgeHeaders', () => {
  const required = { metadataHeaderRequired: true };
  it.each([
    ['true', undefined],
    ['True', undefined],
    ['TRUE ', undefined],
    [undefined, 'no-metadata-header'],
    ['', 'no-metadata-header'],
    ['false', 'no-metadata-header'],
    ['true, true', 'no-metadata-header'],
  ])('C54 judges Metadata: %s', (metadata, why) => {
    expect(judgeHeaders({ metadata }, required)?.why).toBe(why);
  });

  it('refuses what came through a proxy', () => {
    expect(judgeHeaders({ metadata: 'true', 'x-forwarded-for': '' }, required)?.why).toBe('forwarded');
  });

  it('lets the missing header pass when it is not required, a forwarded request never', () => {
    expect(judgeHeaders({}, { metadataHeaderRequired: false })).toBeUndefined();
    expect(judgeHeaders({ 'x-forwarded-for': 'a' }, { metadataHeaderRequired: false })?.why).toBe(
      'forwarded',
    );
  });
});
