import { describe, expect, it } from 'vitest';
import { clientIdOf } from '../../test/builders.ts';
import type { BadRequestReason } from '../request/token-request.ts';
import { routeOf } from '../request/routes.ts';
import type { TokenErrorCode } from '../tokens/errors.ts';
import { createCompat, type CompatRules } from './compat.ts';
import type { Outcome } from './outcome.ts';
import { respond } from './respond.ts';

const plain: CompatRules = { body: 'text', setsRetryAfter: false, isManaged: false, clientId: undefined };
const answer = (outcome: Outcome, over: Partial<CompatRules> = {}) => {
  const response = respond(outcome, {
    nowMs: 0,
    notAssignedStatus: 503,
    random: () => 0,
    compat: { ...plain, ...over },
  });
  return { ...response, text: Buffer.from(response.body).toString() };
};

const pod = 'default/web';
const bad = (why: BadRequestReason): Outcome => ({ kind: 'bad-request', problem: { why, name: 'x' } });
const failed = (over: Partial<Extract<Outcome, { kind: 'token-failed' }>>): Outcome => ({
  kind: 'token-failed',
  pod,
  why: 'unavailable',
  description: 'because',
  ...over,
});
const waiting: Outcome = { kind: 'not-assigned', pod, identity: 'default/i', seen: 'unattached' };
const unbound: Outcome = {
  kind: 'not-assigned',
  pod,
  seen: 'unbound',
  denial: { why: 'no-binding', label: 'demo' },
};
const notCreated =
  'getting assigned identities for pod default/web in CREATED state failed after 16 attempts, retry duration [5]s, ' +
  'error: <nil>. Check MIC pod logs for identity assignment errors';
const notFound = '{"error":"invalid_request","error_description":"Identity not found"}';

describe('--compat-errors', () => {
  it.each<[string, Outcome, number, string]>([
    ['no resource', bad('no-resource'), 400, 'parameter resource cannot be empty'],
    ['no pod headers', bad('no-pod-headers'), 400, "missing 'podname' and 'podns' from request header"],
    ['not from the node', bad('not-from-the-node'), 500, 'request remote address is not from a host'],
    ['a disguised path', { kind: 'nowhere', why: 'malformed' }, 400, 'Invalid request'],
    ['a malformed target', bad('malformed-target'), 400, 'Invalid request'],
    ['another path', { kind: 'nowhere', why: 'unknown' }, 404, '404 page not found'],
    ['another identity path', { kind: 'nowhere', why: 'identity' }, 404, '404 page not found'],
    [
      'instance metadata',
      { kind: 'blocked', family: 'instance' },
      403,
      'Request blocked by AAD Pod Identity NMI',
    ],
    [
      'C55 a caller without address',
      { kind: 'unknown-caller', address: '' },
      500,
      'request remote address is empty',
    ],
    ['an unknown caller', { kind: 'unknown-caller', address: '10.0.0.9' }, 500, 'pod list is empty'],
    [
      'an address of two pods',
      { kind: 'ambiguous-caller', address: '10.0.0.9', pods: ['shop/secret'] },
      500,
      'failed to match pod IP 10.0.0.9 with more than one pod',
    ],
    ['an unknown pod', { kind: 'unknown-pod', pod }, 404, notCreated],
    ['a pod without label', { kind: 'denied', pod, denial: { why: 'no-label' } }, 404, notCreated],
    ['an identity that is not attached', waiting, 404, notCreated],
    ['a binding that may still come', unbound, 404, notCreated],
    [
      'C53 a refusal',
      failed({ why: 'denied', status: 401 }),
      403,
      "adal: Refresh request failed. Status Code = '401'. Response body: because",
    ],
    ['C53 no answer', failed({}), 503, 'because'],
    ['C53 an identity that cannot be served', failed({ why: 'misconfigured' }), 503, 'because'],
    ['more questions than a pod may ask', failed({ why: 'throttled' }), 429, 'because'],
    [
      'an exempt pod',
      failed({ why: 'denied', status: 401, isExempt: true }),
      403,
      'failed to get service principal token, error: because',
    ],
    [
      'the proxy',
      { kind: 'proxy-failed', why: 'unavailable' },
      500,
      'The metadata service of the machine did not return a usable response.',
    ],
  ])('tells %s in the original’s words', (...[, outcome, status, text]) => {
    const response = answer(outcome);
    expect([response.status, response.text]).toEqual([status, `${text}\n`]);
    expect(response.headers).toMatchObject({
      'Content-Type': 'text/plain; charset=utf-8',
      'X-Content-Type-Options': 'nosniff',
      'Content-Length': String(Buffer.byteLength(response.body)),
    });
  });

  it('C54 tells of the missing header in JSON, to the byte', () => {
    const { status, text, headers } = answer(bad('no-metadata-header'));
    expect([status, text]).toEqual([
      400,
      '{"error":"invalid_request","error_description":"Required metadata header not specified"}\n',
    ]);
    expect(headers).toEqual({
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': String(text.length),
    });
  });

  it.each<[string, Outcome]>([
    ['a pod without label', { kind: 'denied', pod, denial: { why: 'no-label' } }],
    ['an identity that is not attached', waiting],
  ])('--set-retry-after-header: %s is 503, and when to come again', (_, outcome) => {
    expect(answer(outcome).headers['Retry-After']).toBeUndefined();
    expect(answer(outcome, { setsRetryAfter: true })).toMatchObject({
      status: 503,
      headers: { 'Retry-After': '20' },
      text: answer(outcome).text,
    });
  });

  it('names the client id that was asked for, shortened', () => {
    const clientId = clientIdOf('reader');
    const { text } = answer(waiting, { clientId });
    expect(text).toBe(`clientID in request: c000##### REDACTED #####6572, ${notCreated}\n`);
    expect(answer(waiting, { clientId: '' }).text).toBe(`clientID in request: , ${notCreated}\n`);
  });

  it('in managed mode an identity that is not attached is refused by the metadata service', () => {
    expect(answer(waiting, { isManaged: true })).toMatchObject({
      status: 403,
      text: `adal: Refresh request failed. Status Code = '400'. Response body: ${notFound}\n`,
    });
  });

  it('in managed mode nobody is waited for', () => {
    const denied: Outcome = { kind: 'denied', pod, denial: { why: 'no-binding', label: 'demo' } };
    expect(answer(denied, { isManaged: true, clientId: clientIdOf('reader') }).text).toBe(
      'no azure identity found for request clientID c000##### REDACTED #####6572\n',
    );
  });

  it('says what may be asked for where the original takes one at random', () => {
    const { status, text } = answer({
      kind: 'denied',
      pod,
      denial: { why: 'several-identities', offered: ['a', 'b'] },
    });
    expect([status, text]).toEqual([404, expect.stringContaining('It may ask for: a, b')]);
  });

  it.each<[Outcome, number, string?]>([
    [{ kind: 'starting' }, 503, '5'],
    [{ kind: 'outdated' }, 503, '5'],
    [{ kind: 'overloaded', pod }, 429, '5'],
    [{ kind: 'unconfirmed', pod }, 503, '5'],
    [{ kind: 'crashed' }, 500],
    [bad('forwarded'), 400],
    [bad('foreign-host'), 400],
    [bad('several-selectors'), 400],
  ])(
    'an outcome that the original does not have keeps its status, as text: %j',
    (...[outcome, status, again]) => {
      const ours = respond(outcome, { nowMs: 0, notAssignedStatus: 503, random: () => 0 });
      const { headers, text, status: answered } = answer(outcome);
      const { error_description: description } = JSON.parse(String(ours.body)) as Record<string, string>;
      expect([answered, headers['Retry-After'], text]).toEqual([status, again, `${description}\n`]);
    },
  );

  it.each<[TokenErrorCode, number, number]>([
    ['throttled', 429, 429],
    ['updating', 410, 503],
    ['unavailable', 404, 503],
    ['unavailable', 500, 503],
    ['unavailable', 502, 503],
  ])(
    '%s: a %i of the metadata service is no refusal: %i, and when to come again',
    (...[why, status, answered]) => {
      const text = `adal: Refresh request failed. Status Code = '${status}'. Response body: because\n`;
      const told = answer(failed({ why, status, retryAfterMs: 7_000 }));
      expect([told.status, told.headers['Retry-After'], told.text]).toEqual([answered, '7', text]);
      expect(answer(failed({ why, status })).headers['Retry-After']).toBe('5');
      expect(answer(failed({ why, status, isExempt: true }))).toMatchObject({
        status: answered,
        headers: { 'Retry-After': '5' },
        text: 'failed to get service principal token, error: because\n',
      });
    },
  );

  it('says when to come again where nobody answered, but not where the AzureIdentity cannot be served', () => {
    expect(answer(failed({})).headers['Retry-After']).toBe('5');
    expect(answer(failed({ why: 'misconfigured' })).headers['Retry-After']).toBeUndefined();
  });

  it('keeps the length right where a text is not ASCII', () => {
    const { headers, body } = answer(failed({ description: 'schöne Grüße' }));
    expect(headers['Content-Length']).toBe(String(Buffer.byteLength('schöne Grüße\n')));
    expect(body.length).toBe(Number(headers['Content-Length']));
  });
});

describe('--compat-errors=status', () => {
  const json = (outcome: Outcome, over: Partial<CompatRules> = {}) =>
    answer(outcome, { body: 'json', ...over });
  const pairs: readonly (readonly [Outcome, string])[] = [
    [bad('no-resource'), 'invalid_request'],
    [bad('not-from-the-node'), 'server_error'],
    [{ kind: 'nowhere', why: 'unknown' }, 'not_found'],
    [{ kind: 'unknown-caller', address: '10.0.0.9' }, 'server_error'],
    [{ kind: 'denied', pod, denial: { why: 'no-label' } }, 'not_found'],
    [waiting, 'not_found'],
    [failed({ why: 'denied', status: 401 }), 'access_denied'],
    [failed({ why: 'throttled', status: 429 }), 'too_many_requests'],
    [failed({ why: 'updating', status: 410 }), 'temporarily_unavailable'],
    [failed({ why: 'misconfigured' }), 'temporarily_unavailable'],
    [{ kind: 'blocked', family: 'instance' }, 'access_denied'],
    [{ kind: 'bad-method' }, 'method_not_allowed'],
  ];

  it.each(pairs)('answers %j with the original’s status in JSON that SDKs can read', (outcome, error) => {
    const ours = respond(outcome, { nowMs: 0, notAssignedStatus: 503, random: () => 0 });
    const { error_description: description } = JSON.parse(String(ours.body)) as Record<string, string>;
    const { status, headers, text } = json(outcome);
    const original = answer(outcome);
    expect([status, headers['Retry-After']]).toEqual([original.status, original.headers['Retry-After']]);
    expect(headers['Content-Type']).toBe('application/json; charset=utf-8');
    const told = { error: expect.stringMatching(`^${error}: `) as string, error_description: description };
    expect(JSON.parse(text)).toEqual(told);
  });

  it('keeps to --set-retry-after-header and to the metadata service’s own answer to a probe', () => {
    expect(json(waiting, { setsRetryAfter: true })).toMatchObject({
      status: 503,
      headers: { 'Retry-After': '20' },
    });
    const probe = bad('no-metadata-header');
    const { body } = respond(probe, { nowMs: 0, notAssignedStatus: 503, random: () => 0 });
    expect(json(probe).text).toBe(body);
  });
});

describe('what the original’s answers depend on', () => {
  const settings = { mode: 'standard', compatErrors: 'text', setsRetryAfter: true } as const;
  const rulesFor = (target: string, over: Partial<Parameters<typeof createCompat>[0]> = {}) =>
    createCompat({ ...settings, ...over })(routeOf(target));
  const path = '/metadata/identity/oauth2/token?resource=r';

  it('is nothing unless it was asked for', () => {
    expect(rulesFor(path, { compatErrors: 'off' })).toBeUndefined();
  });

  it('is the mode and the selector', () => {
    expect(rulesFor(path, { compatErrors: 'status' })?.body).toBe('json');
    expect(rulesFor(path)).toEqual({
      body: 'text',
      setsRetryAfter: true,
      isManaged: false,
      clientId: undefined,
    });
    expect(rulesFor(`${path}&client_id=A`, { mode: 'managed' })).toMatchObject({
      isManaged: true,
      clientId: 'a',
    });
    expect(rulesFor(`${path}&msi_res_id=/s`)?.clientId).toBe('');
    // The original does not know object ids: its text is that of a request without selector.
    expect(rulesFor(`${path}&object_id=o`)?.clientId).toBeUndefined();
  });

  it('never sends Retry-After to the node itself', () => {
    expect(rulesFor('/host/token?resource=r')?.setsRetryAfter).toBe(false);
    expect(rulesFor('/latest')).toEqual({ ...plain });
  });
});
