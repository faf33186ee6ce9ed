import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { explain, reasons, type Attempt, type Reason } from './explain.ts';

const attempt: Attempt = {
  item: { kind: 'secret', name: 'database' },
  vaultUrl: 'https://demo.vault.azure.net',
  objectId: '11111111-0000-4000-8000-000000000000',
  proxyVariable: undefined,
  deadlineMs: undefined,
};

const failure = (message: string, fields: object = {}) => Object.assign(new Error(message), fields);
const rest = (status: number, innerCode?: string, message = 'refused') =>
  failure(message, {
    name: 'RestError',
    statusCode: status,
    ...(innerCode && { details: { error: { code: 'Forbidden', innerError: { code: innerCode } } } }),
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
const severalText = 'Multiple user assigned identities exist, please specify the clientId';

test.each<[reason: Reason, when: string, error: unknown, more?: Partial<Attempt>]>([
  ['no-identity', 'DefaultAzureCredential gets 400', chained(answered(400, 'Identity not found'))],
  ['no-identity', 'imds-client gets 400', imds('identity-not-found', 400)],
  ['several-identities', 'DefaultAzureCredential is refused', chained(answered(400, severalText))],
  ['several-identities', 'imds-client is refused', imds('ambiguous-identity', 400, severalText)],
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
  ['proxy', 'which is down', network('ECONNREFUSED'), { proxyVariable: 'HTTPS_PROXY' }],
  ['proxy', 'whose name DNS does not know', network('EAI_AGAIN'), { proxyVariable: 'HTTPS_PROXY' }],
  ['proxy', 'that requires a login', rest(407)],
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
  ['unknown', 'anything else', failure('odd', { code: 'EODD' })],
  ['unknown', 'no error at all', undefined],
])('%s: %s', (...[reason, , error, more = {}]) => {
  const explanation = explain(error, { ...attempt, ...more });
  expect(explanation.reason).toBe(reason);
  expect(explanation.problem).toMatch(/^\S.*[^.]$/);
  expect(explanation.remedy).toMatch(/^\S.*[^.]$/);
});

test('the text of the endpoint is passed on without what MSAL adds', () => {
  const text = 'Identity not found. Pod default/web has no label aadpodidbinding.';
  expect(explain(chained(answered(400, text)), attempt).said).toBe(text);
  expect(explain(imds('identity-not-found', 400, `invalid_request: ${text}`), attempt).said).toBe(
    `invalid_request: ${text}`,
  );
});

test('the command for a missing role has the identity, the vault and the role for the kind of object', () => {
  const { command = '' } = explain(rest(403, 'ForbiddenByRbac'), {
    ...attempt,
    item: { kind: 'key', name: 'k' },
  });
  expect(command).toContain("--role 'Key Vault Crypto User'");
  expect(command).toContain('--assignee-object-id 11111111-0000-4000-8000-000000000000');
  expect(command).toContain('--name demo ');
  const elsewhere = explain(rest(403), {
    ...attempt,
    vaultUrl: 'https://127.0.0.1:8443',
    objectId: undefined,
  });
  expect(elsewhere.command).toContain('--name VAULT ');
  expect(elsewhere.command).toContain('--assignee-object-id OBJECT-ID ');
});

test.each([
  'x; rm -rf ~',
  '$(id)',
  '11111111-0000-4000-8000-000000000000\nid',
  '11111111-0000-4000-8000-00000000000g',
])('an object id that is not a GUID is not in the command: %j', (objectId) => {
  const { command = '' } = explain(rest(403), { ...attempt, objectId });
  expect(command).toContain('--assignee-object-id OBJECT-ID --assignee');
  expect(command).not.toContain(objectId);
});

test('a body that cannot be parsed is not repeated: it may have the value of a secret', () => {
  const error = failure('Error "SyntaxError" occurred while parsing the response body - {"value":"hidden"', {
    name: 'RestError',
    code: 'PARSE_ERROR',
    statusCode: 200,
  });
  expect(JSON.stringify(explain(error, attempt))).not.toContain('hidden');
});

test('a text of many lines or of control characters becomes one line of at most 501 characters', () => {
  const { said = '' } = explain(rest(403, 'ForbiddenByRbac', `a\r\nb\u001b[31m${'c'.repeat(2000)}`), attempt);
  expect(said).toMatch(/^a b \[31mc+…$/);
  expect(said.length).toBeLessThanOrEqual(501);
});

test('an error that is its own cause has an end', () => {
  const circle = failure('odd');
  circle.cause = circle;
  expect(explain(circle, attempt).reason).toBe('unknown');
});

test('README.md has each reason', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(reasons.filter((reason) => !readme.includes(`\`${reason}\``))).toEqual([]);
});
