import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { explain } from './explain.ts';
import { reasons, type Attempt, type Reason } from './wordings.ts';

const attempt: Attempt = {
  item: { kind: 'secret', name: 'database' },
  vaultUrl: 'https://demo.vault.azure.net',
  objectId: '11111111-0000-4000-8000-000000000000',
  clientId: undefined,
  proxies: { vault: undefined, tokens: undefined, metadataHost: '169.254.169.254' },
  deadlineMs: undefined,
};
const proxied: Partial<Attempt> = {
  proxies: { vault: 'HTTPS_PROXY', tokens: 'HTTP_PROXY', metadataHost: '169.254.169.254' },
};

const failure = (message: string, fields: object = {}) => Object.assign(new Error(message), fields);
/** As the clients of Key Vault throw it, with the body of the vault. */
const rest = (status: number, innerCode?: string, message = 'refused') =>
  failure(message, {
    name: 'RestError',
    statusCode: status,
    details: { error: { code: 'Code', ...(innerCode && { innerError: { code: innerCode } }) } },
    request: { headers: new Headers({ authorization: 'Bearer x' }) },
  });
/** With the body of something else: these clients then have no details. */
const foreign = (status: number, details: object = {}) =>
  failure(`Unexpected status code: ${status}`, {
    name: 'RestError',
    statusCode: status,
    details,
    request: { headers: new Headers() },
  });
/** With headers of Key Vault, and without a body. */
const bare = (status: number, header = 'x-ms-keyvault-region') =>
  Object.assign(foreign(status), { response: { headers: new Headers({ [header]: 'x' }) } });
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
  ['identity-refused', 'whatever Azure writes', imds('denied', 403, mayNot)],
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
  ['throttled', 'imds-client gets 429', imds('throttled', 429)],
  ['endpoint-failed', 'imds-client gets 500', imds('unavailable', 500, 'agent_failed: The agent failed')],
  ['endpoint-failed', 'DefaultAzureCredential gets 500', chained(answered(500, 'The agent failed'))],
  ['identity-pending', 'DefaultAzureCredential gets 503', chained(answered(503, 'Try again.'))],
  ['identity-pending', 'imds-client gets 503', imds('unavailable', 503)],
  ['identity-refused', 'a secret has expired', chained(answered(403, 'AADSTS7000222'))],
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
    'not-a-vault',
    'another domain',
    failure("The challenge resource 'vault.azure.net' does not match the requested domain. Set …"),
  ],
  ['unreachable', 'a closed port', network('ECONNREFUSED')],
  ['dns-unavailable', 'a resolver that gives no answer', network('EAI_AGAIN')],
  ['dns-unavailable', 'and the name of a proxy', network('EAI_AGAIN'), proxied],
  ['proxy', 'which is down', network('ECONNREFUSED'), proxied],
  ['proxy', 'whose name DNS does not know', network('ENOTFOUND'), proxied],
  ['proxy', 'that requires a login', foreign(407)],
  ['proxy', 'that refuses the tunnel', foreign(403), proxied],
  [
    'proxy',
    'that refuses the tunnel with a body like that of the vault',
    foreign(403, { error: { code: 'Forbidden' } }),
    proxied,
  ],
  ['proxy', 'that reaches nothing: 502', foreign(502), proxied],
  ['proxy', 'that reaches nothing: 503', foreign(503), proxied],
  ['proxy', 'that reaches nothing: 504', foreign(504), proxied],
  ['unavailable', '503 of the vault without a body, behind a proxy', bare(503), proxied],
  ['unavailable', 'the same by the id of the request alone', bare(500, 'x-ms-request-id'), proxied],
  ['unreadable', '404 of the vault without a body, behind a proxy', bare(404), proxied],
  ['unavailable', '502 without a body, and no proxy', foreign(502)],
  ['proxy', 'that refuses requests for tokens', chained(answered(403, htmlText)), proxied],
  ['proxy', 'that is asked for tokens in vain', chained(answered(502, htmlText)), proxied],
  ['proxy', 'that is down, and asked for tokens', chained(failure('network_error')), proxied],
  ['no-role', 'behind a proxy', rest(403, 'ForbiddenByRbac'), proxied],
  ['unavailable', '503 of the vault behind a proxy', rest(503), proxied],
  ['identity-refused', 'imds-client, which uses no proxy', imds('denied', 403), onlyVault],
  ['identity-refused', 'an application, whose tokens are not from IMDS', entra(401), proxied],
  ['unreadable', '403 of something that is not the vault', foreign(403)],
  ['unreadable', '403 before a token was sent', foreign(403, { error: { code: 'Forbidden' } })],
  ['unreadable', '404 of something that is not the vault', foreign(404)],
  ['proxy', '404 of something that is not the vault, and a proxy', foreign(404), proxied],
  ['unreadable', 'a redirection to a portal', foreign(302)],
  ['unreadable', 'the page of a portal', foreign(200)],
  ['certificate-of-tls', 'of a proxy that reads TLS', network('SELF_SIGNED_CERT_IN_CHAIN')],
  ['throttled', '429', rest(429)],
  ['unavailable', '503 of the vault', rest(503)],
  [
    'no-response',
    'the deadline has passed',
    failure('aborted', { name: 'AbortError' }),
    { deadlineMs: 60_000 },
  ],
  ['unreadable', 'half a response', failure('… parsing the response body - {', { code: 'PARSE_ERROR' })],
  ['program', 'an error of the program', new TypeError('Promise.withResolvers is not a function')],
  ['program', 'an error within another', new ReferenceError('x is not defined')],
  ['unreachable', 'a TypeError of fetch', new TypeError('fetch failed', { cause: network('ECONNREFUSED') })],
  ['unknown', 'anything else', failure('odd', { code: 'EODD' })],
  ['unknown', 'no error at all', undefined],
])('%s: %s', (...[reason, , error, more = {}]) => {
  const explanation = explain(error, { ...attempt, ...more });
  expect(explanation.reason).toBe(reason);
  expect(explanation.problem).toMatch(/^\S.*[^.]$/);
  expect(explanation.remedy).toMatch(/^\S.*[^.]$/);
});

test('a proxy is named with its variable, the host that it does not let through, and the remedy for that host', () => {
  const forVault = explain(foreign(403), { ...attempt, ...proxied });
  expect(forVault.problem).toBe(
    'The HTTP proxy that HTTPS_PROXY names does not let requests for demo.vault.azure.net through (403)',
  );
  expect(forVault.remedy).toContain('add demo.vault.azure.net to NO_PROXY');
  expect(forVault.command).toBeUndefined();
  // A gateway behind the proxy can have sent it.
  expect(explain(foreign(503), { ...attempt, ...proxied }).problem).toBe(
    'The HTTP proxy that HTTPS_PROXY names, or something behind it, responded in place of demo.vault.azure.net (503)',
  );
  const forTokens = explain(chained(answered(403, htmlText)), { ...attempt, ...proxied });
  expect(forTokens.problem).toContain('HTTP_PROXY names does not let requests for 169.254.169.254 through');
  expect(forTokens.remedy).toContain('Add 169.254.169.254 to NO_PROXY');
  const elsewhere = { vault: undefined, tokens: 'HTTP_PROXY', metadataHost: '10.0.0.9' };
  const { remedy } = explain(chained(answered(403, htmlText)), { ...attempt, proxies: elsewhere });
  expect(remedy).toContain('Add 10.0.0.9 to NO_PROXY');
});

test('a resolver that gives no answer is not a wrong name', () => {
  const { problem, remedy } = explain(network('EAI_AGAIN'), attempt);
  expect(problem).toBe('DNS gives no answer for demo.vault.azure.net at present');
  expect(remedy).toContain('port 53');
  expect(remedy).not.toContain('deleted');
  expect(explain(network('EAI_AGAIN'), { ...attempt, ...proxied }).problem).toContain(
    'the proxy that HTTPS_PROXY names',
  );
});

test('an error of the program has its place, and not its text, which may have the value of a secret', () => {
  const error = new SyntaxError('Unexpected token h in JSON\n    at "hidden value"');
  const explanation = explain(error, attempt);
  expect(explanation.reason).toBe('program');
  expect(explanation.problem).toMatch(/^This program failed, not the vault: SyntaxError at .*explain\.test/);
  expect(JSON.stringify(explanation)).not.toContain('hidden');
  expect(JSON.stringify(explanation)).not.toContain('Key Vault');
});

test('an error of useSecret is not explained as one of the vault', () => {
  const cause = failure('connect to hidden', { code: 'ECONNREFUSED' });
  const error = failure('useSecret failed', { name: 'UseSecretError', cause });
  const explanation = explain(error, attempt);
  expect(explanation.reason).toBe('program');
  expect(explanation.problem).toContain('useSecret failed: Error ECONNREFUSED at ');
  expect(JSON.stringify(explanation)).not.toContain('hidden');
});

test('the text of the endpoint is passed on without what MSAL adds', () => {
  const text = 'Identity not found. Pod default/web has no label aadpodidbinding.';
  expect(explain(chained(answered(400, text)), attempt).detail).toBe(text);
  expect(explain(imds('identity-not-found', 400, `invalid_request: ${text}`), attempt).detail).toBe(
    `invalid_request: ${text}`,
  );
});

test('the command for a missing role has the identity, the vault and the role for the kind of object', () => {
  const asked: Attempt = { ...attempt, item: { kind: 'key', name: 'k' } };
  const command = explain(rest(403, 'ForbiddenByRbac'), asked).command?.join(' ');
  // The least that suffices: it can neither use the key nor read a secret.
  expect(command).toContain("--role 'Key Vault Reader'");
  expect(command).toContain('--assignee-object-id 11111111-0000-4000-8000-000000000000');
  expect(command).toContain('--name demo ');
  expect(command).toContain('--assignee-principal-type ServicePrincipal');
  const { command: forPerson } = explain(rest(403, 'ForbiddenByRbac'), { ...asked, isUser: true });
  expect(forPerson).toContain('--assignee-principal-type User');
  const elsewhere = explain(rest(403), {
    ...attempt,
    vaultUrl: 'https://127.0.0.1:8443',
    objectId: undefined,
  });
  // Somebody would run a command with its placeholders.
  expect(elsewhere.command).toBeUndefined();
  expect(elsewhere.remedy).toContain("the role 'Key Vault Secrets User'");
});

test('where the vault has a name, the command that lists its secrets has it', () => {
  expect(explain(rest(404), attempt).remedy).toContain('az keyvault secret list --vault-name demo)');
  const elsewhere = explain(rest(404), { ...attempt, vaultUrl: 'https://127.0.0.1:8443' });
  expect(elsewhere.remedy).not.toContain('az keyvault');
});

test('a pod without the identity that AZURE_CLIENT_ID names is told so', () => {
  const clientId = '22222222-0000-4000-8000-000000000000';
  const { problem, remedy } = explain(imds('identity-not-found', 400), { ...attempt, clientId });
  expect(problem).toBe(`This pod does not have the identity that AZURE_CLIENT_ID names (${clientId})`);
  expect(remedy).toMatch(/^Correct AZURE_CLIENT_ID or unset it/);
});

test.each([
  'x; rm -rf ~',
  '$(id)',
  '11111111-0000-4000-8000-000000000000\nid',
  '11111111-0000-4000-8000-00000000000g',
])('for an object id that is not a GUID there is no command: %j', (objectId) => {
  expect(explain(rest(403), { ...attempt, objectId })).not.toHaveProperty('command');
});

test('a body that cannot be parsed is not repeated: it may have the value of a secret', () => {
  const error = failure('Error "SyntaxError" occurred while parsing the response body - {"value":"hidden"', {
    name: 'RestError',
    code: 'PARSE_ERROR',
    statusCode: 200,
  });
  expect(JSON.stringify(explain(error, attempt))).not.toContain('hidden');
});

test('a text of many lines or of control characters becomes one line of at most 3001 characters', () => {
  const written = `a\r\nb\u001b[31m\u202e${'c'.repeat(5000)}`;
  const { detail = '' } = explain(rest(403, 'ForbiddenByRbac', written), attempt);
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
  expect(explain(error, attempt).detail).toBe(sentence);
});

test('after the deadline there is nothing to pass on', () => {
  expect(explain(failure('aborted'), { ...attempt, deadlineMs: 1 }).detail).toBeUndefined();
});

test('an error that is its own cause has an end', () => {
  const circle = failure('odd');
  circle.cause = circle;
  expect(explain(circle, attempt).reason).toBe('unknown');
});

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
test('README.md says of each file what is in it, since programs are copied whole', () => {
  const files = readdirSync(new URL('.', import.meta.url)).filter((name) => !name.endsWith('.test.ts'));
  expect(files.filter((name) => !readme.includes(`(src/${name})`))).toEqual([]);
});

test('README.md has each reason', () => {
  expect(reasons.filter((reason) => !readme.includes(`\`${reason}\``))).toEqual([]);
});
