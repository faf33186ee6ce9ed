import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { explain, type Attempt, type VaultResponse } from './explain.ts';
import { sentences, type Reason } from './explain.ts';

const attempt: Attempt = {
  item: { kind: 'secret', name: 'database' },
  vaultUrl: 'https://demo.vault.azure.net',
  objectId: '11111111-0000-4000-8000-000000000000',
  proxies: { vault: undefined, tokens: undefined, metadataHost: '169.254.169.254' },
};
const proxied: Partial<Attempt> = {
  proxies: { vault: 'HTTPS_PROXY', tokens: 'HTTP_PROXY', metadataHost: '169.254.169.254' },
};

interface Failed {
  readonly error: unknown;
  readonly response: VaultResponse;
}
const explained = (failed: unknown, more: Partial<Attempt> = {}) => {
  const { error, response } =
    typeof failed === 'object' && failed !== null && 'response' in failed
      ? (failed as Failed)
      : { error: failed, response: undefined };
  return explain(error, { ...attempt, response, ...more });
};

const failure = (message: string, fields: object = {}) => Object.assign(new Error(message), fields);
/** As the clients of Key Vault throw it. */
const rest = (status: number, innerCode = 'none', message = 'refused') => ({
  error: failure(message, { name: 'RestError', statusCode: status }),
  response: {
    status,
    headers: new Headers({ 'x-ms-keyvault-region': 'x', 'x-ms-request-id': 'x' }),
    bodyAsText: JSON.stringify({ error: { code: 'Code', message, innererror: { code: innerCode } } }),
  },
});
/** A response of something else. */
const foreign = (status: number, bodyAsText = '<html>') => ({
  error: failure(`Unexpected status code: ${status}`, { name: 'RestError', statusCode: status }),
  response: { status, headers: new Headers(), bodyAsText },
});
/** With headers of Key Vault, and without a body. */
const bare = (status: number, header = 'x-ms-keyvault-region') => ({
  error: foreign(status).error,
  response: { status, headers: new Headers({ [header]: 'x' }) },
});
const network = (code: string) => failure(`connect ${code}`, { name: 'RestError', code });

/** As DefaultAzureCredential of @azure/identity 4.14 throws it. */
const chained = (cause: Error, said = `Authentication failed. Message ${cause.message}`) =>
  failure(
    'ChainedTokenCredential authentication failed.\nCredentialUnavailableError: EnvironmentCredential …',
    {
      name: 'AggregateAuthenticationError',
      errors: [
        failure('EnvironmentCredential is unavailable.', { name: 'CredentialUnavailableError' }),
        failure(`ManagedIdentityCredential: ${said}`, { name: 'CredentialUnavailableError', cause }),
        failure('Azure CLI could not be found.', { name: 'CredentialUnavailableError' }),
      ],
    },
  );
const answered = (status: number, description: string) =>
  failure(
    `invalid_request: Error(s): Not Available - Timestamp: Not Available - Description: ${description} - Correlation ID: Not Available - Trace ID: Not Available`,
    { name: 'ServerError', status },
  );
const imds = (code: string, status?: number, said = 'invalid_request: Identity not found') =>
  failure(status === undefined ? 'cannot be reached' : `the endpoint answered ${status} ${said}`, {
    name: 'ImdsError',
    code,
    status,
  });
/** As MSAL describes a response that is not one of the endpoint. */
const htmlText = 'A client error occured.\nHttp status code: 403\nHttp status message: <html>blocked</html>';
const entra = (status: number) =>
  failure('AADSTS7000215', { name: 'AuthenticationError', statusCode: status });
const onlyVault: Partial<Attempt> = {
  proxies: { vault: 'HTTPS_PROXY', tokens: undefined, metadataHost: '169.254.169.254' },
};
const mayNot =
  'Identity not found. ServiceAccount web/reader may not use AzureIdentity web/reader: it needs the right';
const severalText = 'Multiple user assigned identities exist, please specify the clientId';

test.each<[reason: Reason, when: string, error: unknown, more?: Partial<Attempt>]>([
  ['no-identity', 'DefaultAzureCredential gets 400', chained(answered(400, 'Identity not found'))],
  ['no-identity', 'imds-client gets 400', imds('identity-not-found', 400)],
  ['several-identities', 'DefaultAzureCredential is refused', chained(answered(400, severalText))],
  ['several-identities', 'imds-client is refused', imds('ambiguous-identity', 400, severalText)],
  ['no-access', 'DefaultAzureCredential gets 400', chained(answered(400, mayNot))],
  ['no-access', 'imds-client gets 400', imds('identity-not-found', 400, mayNot)],
  [
    'no-access',
    'of a ServiceAccount with a long name, which imds-client leaves out',
    imds('identity-not-found', 400, mayNot.replace('web/reader', '[258 characters left out]')),
  ],
  [
    'no-access',
    'a pod that still waits',
    imds('unavailable', 503, mayNot.replace('Identity not found. ', '')),
  ],
  ['token-refused', 'another text with these words', imds('bad-request', 400, 'You may not use it')],
  ['token-refused', 'whatever Azure writes', imds('denied', 403, mayNot)],
  [
    'token-refused',
    'another 400',
    imds('bad-request', 400, 'invalid_request: X-Forwarded-For is not allowed'),
  ],
  [
    'no-endpoint',
    'imds-client gets the page of a portal',
    imds('invalid-response', 200, 'without a JSON object'),
  ],
  ['unavailable', 'imds-client gets 429', imds('throttled', 429)],
  ['unavailable', 'imds-client gets 500', imds('unavailable', 500, 'agent_failed: The agent failed')],
  ['unavailable', 'DefaultAzureCredential gets 500', chained(answered(500, 'The agent failed'))],
  ['identity-pending', 'DefaultAzureCredential gets 503', chained(answered(503, 'Try again.'))],
  ['identity-pending', 'imds-client gets 503', imds('unavailable', 503)],
  ['token-refused', 'a secret has expired', chained(answered(403, 'AADSTS7000222'))],
  [
    'no-endpoint',
    'DefaultAzureCredential',
    chained(failure('network_error', { name: 'ClientAuthError' }), 'Network unreachable.'),
  ],
  ['no-endpoint', 'imds-client', imds('unavailable')],
  ['no-role', 'of RBAC', rest(403, 'ForbiddenByRbac')],
  ['no-role', 'of an access policy', rest(403, 'AccessDenied')],
  ['other-tenant', 'AKV10032', rest(401)],
  ['not-found', 'SecretNotFound', rest(404)],
  ['disabled', 'SecretDisabled', rest(403, 'SecretDisabled')],
  ['firewall', 'selected networks', rest(403, 'ForbiddenByFirewall')],
  ['firewall', 'private endpoint', rest(403, 'ForbiddenByConnection')],
  ['no-such-vault', 'a name that DNS does not know', network('ENOTFOUND')],
  [
    'unreadable',
    'another domain',
    failure("The challenge resource 'vault.azure.net' does not match the requested domain. Set …"),
  ],
  ['unreachable', 'a closed port', network('ECONNREFUSED')],
  ['unreachable', 'a resolver that gives no answer', network('EAI_AGAIN')],
  ['proxy', 'whose name DNS does not give', network('EAI_AGAIN'), proxied],
  ['proxy', 'which is down', network('ECONNREFUSED'), proxied],
  ['proxy', 'whose name DNS does not know', network('ENOTFOUND'), proxied],
  ['proxy', 'that requires a login', foreign(407), proxied],
  ['proxy', 'that refuses the tunnel', foreign(403), proxied],
  [
    'proxy',
    'that refuses the tunnel with a body like that of the vault',
    foreign(403, '{"error":{"code":"Forbidden"}}'),
    proxied,
  ],
  ['proxy', 'that reaches nothing: 502', foreign(502), proxied],
  ['proxy', 'that reaches nothing: 503', foreign(503), proxied],
  ['proxy', 'that reaches nothing: 504', foreign(504), proxied],
  ['unavailable', '503 of the vault without a body, behind a proxy', bare(503), proxied],
  ['unavailable', 'the same by the id of the request alone', bare(500, 'x-ms-request-id'), proxied],
  ['not-found', '404 of the vault without a body, behind a proxy', bare(404), proxied],
  ['unavailable', '502 without a body, and no proxy', foreign(502)],
  ['proxy', 'that refuses requests for tokens', chained(answered(403, htmlText)), proxied],
  ['proxy', 'that is asked for tokens in vain', chained(answered(502, htmlText)), proxied],
  ['proxy', 'that is down, and asked for tokens', chained(failure('network_error')), proxied],
  ['no-role', 'behind a proxy', rest(403, 'ForbiddenByRbac'), proxied],
  ['unavailable', '503 of the vault behind a proxy', rest(503), proxied],
  ['token-refused', 'imds-client, which uses no proxy', imds('denied', 403), onlyVault],
  ['token-refused', 'an application, whose tokens are not from IMDS', entra(401), proxied],
  ['unreadable', '403 of something that is not the vault', foreign(403)],
  [
    'unreadable',
    '403 of a gateway with a body like that of the vault',
    foreign(403, '{"error":{"code":"Forbidden"}}'),
  ],
  ['unreadable', '404 of something that is not the vault', foreign(404)],
  ['proxy', '404 of something that is not the vault, and a proxy', foreign(404), proxied],
  ['unreadable', 'a redirection to a portal', foreign(302)],
  ['unreadable', 'the page of a portal', foreign(200)],
  ['certificate-of-tls', 'of a proxy that reads TLS', network('SELF_SIGNED_CERT_IN_CHAIN')],
  ['unavailable', '429', rest(429)],
  ['unavailable', '503 of the vault', rest(503)],
  ['unreachable', 'the deadline has passed', failure('aborted', { name: 'AbortError' }), { isLate: true }],
  ['unreadable', 'half a response', failure('… parsing the response body - {', { code: 'PARSE_ERROR' })],
  ['unknown', 'an error of the program', new TypeError('Promise.withResolvers is not a function')],
  ['unknown', 'an error within another', new ReferenceError('x is not defined')],
  ['unknown', 'anything else', failure('odd', { code: 'EODD' })],
  ['unknown', 'no error at all', undefined],
])('%s: %s', (...[reason, , error, more = {}]) => {
  const explanation = explained(error, more);
  expect(explanation.reason).toBe(reason);
  expect(explanation.sentence).toMatch(/^\S[^{}]*[^.{}]$/);
});

test('a proxy is named with its variable, the host that it does not let through, and the remedy for that host', () => {
  const forVault = explained(foreign(403), proxied).sentence;
  expect(forVault).toContain('The HTTP proxy that HTTPS_PROXY names');
  expect(forVault).toContain('Add demo.vault.azure.net to NO_PROXY');
  const forTokens = explained(chained(answered(403, htmlText)), proxied).sentence;
  expect(forTokens).toContain('The HTTP proxy that HTTP_PROXY names');
  expect(forTokens).toContain('Add 169.254.169.254 to NO_PROXY, or set CREDENTIAL=imds');
  const elsewhere = { vault: undefined, tokens: 'HTTP_PROXY', metadataHost: '10.0.0.9' };
  const { sentence } = explained(chained(answered(403, htmlText)), { proxies: elsewhere });
  expect(sentence).toContain('Add 10.0.0.9 to NO_PROXY');
});

test('a resolver that gives no answer is not a wrong name', () => {
  const { sentence } = explained(network('EAI_AGAIN'));
  expect(sentence).toContain('demo.vault.azure.net cannot be reached');
  expect(sentence).toContain('EAI_AGAIN');
  expect(sentence).toContain('port 53');
  expect(sentence).not.toContain('deleted');
});

test('the text of an error of the program is not repeated: it may have the value of a secret', () => {
  const explanation = explained(new SyntaxError('Unexpected token h in JSON at "hidden value"'));
  expect(explanation.sentence).toContain('SyntaxError');
  expect(JSON.stringify(explanation)).not.toContain('hidden');
});

test('the text of the endpoint is passed on without what MSAL adds', () => {
  const text = 'Identity not found. Pod default/web has no label aadpodidbinding.';
  expect(explained(chained(answered(400, text))).detail).toBe(text);
  expect(explained(imds('identity-not-found', 400, `invalid_request: ${text}`)).detail).toBe(
    `invalid_request: ${text}`,
  );
});

test('a missing role is named for the kind of object, with the identity that lacks it', () => {
  const objectId = '11111111-0000-4000-8000-000000000000';
  const asked = { item: { kind: 'key', name: 'k' }, objectId } as const;
  // The least that suffices: it can neither use the key nor read a secret.
  expect(explained(rest(403, 'ForbiddenByRbac'), asked).sentence).toContain(
    `The identity has no right to read a key of this vault. Give it (object id ${objectId}) the role 'Key Vault Reader'`,
  );
  expect(explained(rest(403)).sentence).toContain("the role 'Key Vault Secrets User'");
});

test('the text of the vault is passed on, also that of a refused list, whose error lacks it', () => {
  expect(explained(rest(403, 'ForbiddenByRbac', 'Caller is not authorized')).detail).toBe(
    'Caller is not authorized',
  );
  const { response } = rest(403, 'ForbiddenByRbac', 'Caller is not authorized');
  expect(explained({ ...foreign(403), response })).toMatchObject({
    reason: 'no-role',
    detail: 'Caller is not authorized',
  });
});

test('a body that cannot be parsed is not repeated: it may have the value of a secret', () => {
  const error = failure('Error "SyntaxError" occurred while parsing the response body - {"value":"hidden"', {
    name: 'RestError',
    code: 'PARSE_ERROR',
    statusCode: 200,
  });
  expect(JSON.stringify(explained(error))).not.toContain('hidden');
});

test('a text of many lines or of control characters becomes one line of at most 3001 characters', () => {
  const written = `a\r\nb\u001b[31m\u202e${'c'.repeat(5000)}`;
  const { detail = '' } = explained(rest(403, 'ForbiddenByRbac', written));
  expect(detail).toMatch(/^a b \[31m c+…$/);
  expect(detail.length).toBe(3001);
});

test.each([
  [
    'the endpoint answered 503 (resource https://vault.azure.net)',
    imds('unavailable', 503, '(resource https://vault.azure.net)'),
  ],
  ['the endpoint answered 200 without a JSON object', imds('invalid-response', 200, 'without a JSON object')],
])('a sentence of imds-client is passed on whole: %s', (sentence, error) => {
  expect(explained(error).detail).toBe(sentence);
});

test('after the deadline there is nothing to pass on', () => {
  expect(explained(failure('aborted'), { isLate: true }).detail).toBeUndefined();
});

test('an error that is its own cause has an end', () => {
  const circle = failure('odd');
  circle.cause = circle;
  expect(explained(circle).reason).toBe('unknown');
});

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
test('README.md has each reason', () => {
  expect(Object.keys(sentences).filter((reason) => !readme.includes(`\`${reason}\``))).toEqual([]);
});
