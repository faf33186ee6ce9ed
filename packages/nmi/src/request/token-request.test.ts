import { describe, expect, it } from 'vitest';
import { parseTokenRequest } from './token-request.ts';

const resource = 'resource=https%3A%2F%2Fvault.azure.net';
const clientId = 'C0FFEE00-0000-4000-8000-000000000001';

const selectorOf = (query: string) => {
  const parsed = parseTokenRequest(query);
  return parsed.ok ? parsed.value.selector : parsed.problem;
};

describe('parseTokenRequest', () => {
  it.each([
    ['no selector', '', { by: 'nothing' }],
    ['client_id, without case', `&client_id=${clientId}`, { by: 'client-id', value: clientId.toLowerCase() }],
    ['object_id', '&object_id=AB', { by: 'object-id', value: 'ab' }],
    ['msi_res_id', '&msi_res_id=%2Fsubscriptions%2FS', { by: 'resource-id', value: '/subscriptions/s' }],
    ['mi_res_id', '&mi_res_id=/subscriptions/S', { by: 'resource-id', value: '/subscriptions/s' }],
    ['the hyphens of .NET', '&msi-res-id=/subscriptions/S', { by: 'resource-id', value: '/subscriptions/s' }],
    ['an empty selector as none', '&client_id=', { by: 'nothing' }],
    ['a blank selector as none', '&client_id=%20&object_id=+', { by: 'nothing' }],
    [
      'an empty selector beside one that says something',
      '&client_id=&msi_res_id=/s',
      { by: 'resource-id', value: '/s' },
    ],
    ['names in any case', '&Client_ID=AB&API-Version=2018-02-01', { by: 'client-id', value: 'ab' }],
    ['no letter beyond A to Z for one of them', '&to%E2%84%AAen_sha256_to_refresh=x', { by: 'nothing' }],
    [
      'one name in two cases as a mistake',
      '&client_id=a&CLIENT_ID=b',
      { why: 'repeated-parameter', name: 'client_id' },
    ],
    [
      'the resource in two cases as a mistake',
      '&RESOURCE=https%3A%2F%2Fgraph.microsoft.com',
      { why: 'repeated-parameter', name: 'resource' },
    ],
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
    ['any repeated name as a mistake', '&x=1&x=1', { why: 'repeated-parameter', name: 'x' }],
    ['control characters as a mistake', '&client_id=a%00', { why: 'malformed-parameter', name: 'client_id' }],
  ])('C56 reads %s', (_, query, expected) => {
    expect(selectorOf(resource + query)).toEqual(expected);
  });

  it.each([
    ['clientid', 'client_id'],
    ['clientId', 'client_id'],
    ['client-id', 'client_id'],
    ['principal_id', 'object_id'],
    ['principalId', 'object_id'],
    ['objectid', 'object_id'],
    ['object-id', 'object_id'],
    ['resource_id', 'msi_res_id'],
    ['resourceid', 'msi_res_id'],
    ['mi-res-id', 'msi_res_id'],
    ['msiresid', 'msi_res_id'],
  ])(
    'refuses %s and names the right parameter: ignored, it would be answered with another identity',
    (name, rightName) => {
      const asked = `${resource}&${name}=${clientId}`;
      const problem = { why: 'misnamed-parameter', name: name.toLowerCase(), rightName };
      expect(parseTokenRequest(asked)).toEqual({ ok: false, problem });
      expect(parseTokenRequest(`${asked}&client_id=${clientId}`)).toEqual({ ok: false, problem });
      expect(selectorOf(`${resource}&${name}=%20`)).toEqual({ by: 'nothing' });
    },
  );

  it.each([
    ['client_id%20', 'client_id ', 'client_id'],
    ['+client_id', ' client_id', 'client_id'],
    ['client_id%00', 'client_id\u0000', 'client_id'],
    ['client_id%0D%0A', 'client_id\r\n', 'client_id'],
    ['client_id[]', 'client_id[]', 'client_id'],
    ['client_id%5B0%5D', 'client_id[0]', 'client_id'],
    ['?client_id', '?client_id', 'client_id'],
    ['amp;client_id', 'amp;client_id', 'client_id'],
    ['"client_id"', '"client_id"', 'client_id'],
    ['client%255Fid', 'client%5fid', 'client_id'],
    ['client__id', 'client__id', 'client_id'],
    ['client_id.', 'client_id.', 'client_id'],
    ['%EF%BB%BFclient_id', '\ufeffclient_id', 'client_id'],
    ['client_id%E2%80%8B', 'client_id\u200b', 'client_id'],
    ['Client ID', 'client id', 'client_id'],
    ['object_id%20', 'object_id ', 'object_id'],
    ['principal id', 'principal id', 'object_id'],
    ['mi_res_id%20', 'mi_res_id ', 'msi_res_id'],
    ['msi-res_id', 'msi-res_id', 'msi_res_id'],
    ['resource_id[]', 'resource_id[]', 'msi_res_id'],
  ])('attack: refuses %s, another spelling of a selector, and names the right parameter', (...row) => {
    const [spelled, name, rightName] = row;
    const problem = { why: 'misnamed-parameter', name, rightName };
    expect(parseTokenRequest(`${resource}&${spelled}=${clientId}`)).toEqual({ ok: false, problem });
  });

  it('names at most 64 characters of another spelling', () => {
    const asked = `${resource}&client_id${'_'.repeat(2_000)}=${clientId}`;
    const name = `client_id${'_'.repeat(55)}`;
    const problem = { why: 'misnamed-parameter', name, rightName: 'client_id' };
    expect(parseTokenRequest(asked)).toEqual({ ok: false, problem });
  });

  it.each(['constructor', '__proto__', 'hasownproperty', 'identity', 'scope', 'client_id2'])(
    'lets the unknown parameter %s be',
    (name) => {
      expect(selectorOf(`${resource}&${name}=x`)).toEqual({ by: 'nothing' });
    },
  );

  it.each([
    ['a missing resource', 'api-version=2018-02-01'],
    ['an empty resource', 'resource='],
    ['a blank resource', 'resource=%20'],
    ['a scope of nothing', 'resource=/.default'],
    ['a scope of a scope of nothing', 'resource=/.default/.default'],
    ['nothing at all', ''],
  ])('C57 refuses %s', (_, query) => {
    expect(parseTokenRequest(query)).toMatchObject({ ok: false, problem: { why: 'no-resource' } });
  });

  it.each([
    ['a space at the end', 'https://vault.azure.net%20'],
    ['a second one', 'https://vault.azure.net/.default+https://graph.microsoft.com'],
    ['a no-break space', '%C2%A0https://vault.azure.net'],
    ['a line separator', 'https://vault.azure.net%E2%80%A8'],
    ['a byte order mark', '%EF%BB%BFhttps://vault.azure.net'],
    ['a letter beyond ASCII', 'api://b%C3%BCcher'],
    ['bytes that are no UTF-8', 'api://%FF'],
    ['a scope with a slash after it', 'https://vault.azure.net/.default/'],
  ])('C57 refuses a resource with %s', (_, value) => {
    const problem = { why: 'malformed-parameter', name: 'resource' };
    expect(parseTokenRequest(`resource=${value}`)).toEqual({ ok: false, problem });
  });

  it.each(['+', '%20', '%C2%A0', '%E2%80%A8', '%EF%BB%BF', '%C2%A0/.default'])(
    'takes the blank resource %s for a missing one',
    (value) => {
      const problem = { why: 'no-resource', name: 'resource' };
      expect(parseTokenRequest(`resource=${value}`)).toEqual({ ok: false, problem });
    },
  );

  it.each(['client_id', 'object_id', 'msi_res_id', 'mi_res_id'])(
    'refuses whitespace within %s, and ignores it around it',
    (name) => {
      const problem = { why: 'malformed-parameter', name };
      expect(parseTokenRequest(`${resource}&${name}=a%C2%A0b`)).toEqual({ ok: false, problem });
      expect(parseTokenRequest(`${resource}&${name}=%20a+`)).toMatchObject({
        value: { selector: { value: 'a' } },
      });
    },
  );

  it.each([
    ['a URL', 'resource=https://vault.azure.net', 'https://vault.azure.net'],
    [
      'a trailing slash as sent',
      'resource=https%3A%2F%2Fmanagement.azure.com%2F',
      'https://management.azure.com/',
    ],
    ['a GUID', 'resource=00000003-0000-0000-c000-000000000000', '00000003-0000-0000-c000-000000000000'],
    ['a scope without its /.default', 'resource=https://vault.azure.net/.default', 'https://vault.azure.net'],
  ])('keeps %s', (_, query, expected) => {
    expect(parseTokenRequest(query)).toMatchObject({ ok: true, value: { resource: expected } });
  });

  it.each(['2018-02-01', '2019-08-01', 'whatever', ''])('takes the api-version %j', (version) => {
    expect(parseTokenRequest(`${resource}&api-version=${version}`).ok).toBe(true);
  });

  it.each([
    ['bypass_cache=true', true],
    ['bypass_cache=True', true],
    ['bypass_cache=false', false],
    ['Bypass_Cache=true', true],
    ['token_sha256_to_refresh=ab', true],
    ['Token_SHA256_to_refresh=ab', true],
    // Sent with each request by a program of msal-node that sets clientCapabilities.
    ['xms_cc=cp1', false],
    ['authority=x', false],
  ])('item 27: with %s the cache is bypassed: %s, and nothing of it is kept', (extra, bypassCache) => {
    expect(parseTokenRequest(`${resource}&${extra}`)).toEqual({
      ok: true,
      value: { resource: 'https://vault.azure.net', selector: { by: 'nothing' }, bypassCache },
    });
  });
});

it('takes a value of 2,048 characters and refuses a longer one, by a name of at most 64 characters', () => {
  expect(parseTokenRequest(`${resource}&client_id=${'a'.repeat(2048)}`).ok).toBe(true);
  expect(parseTokenRequest(`${resource}&${'n'.repeat(65)}=${'a'.repeat(2049)}`)).toEqual({
    ok: false,
    problem: { why: 'malformed-parameter', name: 'n'.repeat(64) },
  });
});

it('takes the parameters in any order', () => {
  const parts = [resource, 'client_id=a', 'api-version=2018-02-01', 'bypass_cache=true'];
  for (const first of parts) {
    const query = [first, ...parts.filter((part) => part !== first)].join('&');
    expect(parseTokenRequest(query)).toEqual(parseTokenRequest(parts.join('&')));
  }
});
