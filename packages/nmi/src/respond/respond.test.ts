import { describe, expect, it } from 'vitest';
import { clientIdOf, issuanceOf, issuedTo } from '../../test/builders.ts';
import type { Denial } from '../authorize/types.ts';
import type { BadRequestReason } from '../request/token-request.ts';
import type { Outcome } from './outcome.ts';
import { respond, type RespondRules } from './respond.ts';

const rules: RespondRules = { nowMs: 1_000_400, notAssignedStatus: 503, random: () => 0 };
const issued = issuedTo('reader', { now: 1_000_000 });
const pod = 'default/web';
const bodyOf = (outcome: Outcome, nowMs = rules.nowMs) =>
  JSON.parse(Buffer.from(respond(outcome, { ...rules, nowMs }).body).toString()) as Record<string, string>;
const token = { kind: 'token' as const, ...issuanceOf('reader'), pod, issued };

describe('a token', () => {
  it('is answered in IMDS’ words and order, numbers as decimal strings', () => {
    expect(Buffer.from(respond(token, rules).body).toString()).toBe(
      JSON.stringify({
        access_token: 'token-of-reader',
        client_id: clientIdOf('reader'),
        expires_in: '3600',
        expires_on: '4600',
        ext_expires_in: '3600',
        not_before: '1000',
        resource: 'https://vault.azure.net',
        token_type: 'Bearer',
      }),
    );
  });

  it('says how long its body is', () => {
    const { headers, body } = respond(token, rules);
    expect(headers).toEqual({
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': String(body.length),
    });
  });

  describe('with tokens of auxiliary tenants', () => {
    const { access } = issued;
    const auxiliary = ['t2', 't3'].map((tenantId) => ({
      tenantId,
      access: { ...access, token: `of-${tenantId}` },
    }));
    const several = { ...token, issued: { ...issued, auxiliary } };
    const primary = bodyOf(token);

    it('is an object like any other, with one member more', () => {
      expect(bodyOf(several)).toEqual({
        ...primary,
        auxiliary_tokens: [
          { ...primary, access_token: 'of-t2', tenant_id: 't2' },
          { ...primary, access_token: 'of-t3', tenant_id: 't3' },
        ],
      });
    });

    it('is only the first one for a process of the node', () => {
      expect(bodyOf({ ...several, kind: 'host-token' })).toEqual({
        token: primary,
        clientid: clientIdOf('reader'),
      });
    });
  });

  it('counts down, second by second', () => {
    expect(bodyOf(token, 1_001_000)['expires_in']).toBe('3599');
    expect(bodyOf(token, 1_600_000)['expires_in']).toBe('3000');
    expect(bodyOf(token, 9_000_000)['expires_in']).toBe('0');
  });

  it('echoes the resource that was asked for, for each caller', () => {
    expect(bodyOf({ ...token, resource: 'api://ä' })['resource']).toBe('api://ä');
    expect(bodyOf(token)['resource']).toBe('https://vault.azure.net');
  });
});

const bad = (why: BadRequestReason): Outcome => ({ kind: 'bad-request', problem: { why, name: 'x' } });
const denied = (denial: Denial): Outcome => ({ kind: 'denied', pod, denial });
const failed = (
  why: Extract<Outcome, { kind: 'token-failed' }>['why'],
  retryAfterMs?: number,
): Extract<Outcome, { kind: 'token-failed' }> => ({
  kind: 'token-failed',
  pod,
  why,
  description: 'because',
  retryAfterMs,
});

describe('the table', () => {
  it.each<[string, Outcome, number, string, string?]>([
    ['C54', bad('no-metadata-header'), 400, 'Required metadata header not specified'],
    ['forwarded', bad('forwarded'), 400, 'X-Forwarded-For'],
    ['no resource', bad('no-resource'), 400, 'resource'],
    ['repeated', bad('repeated-parameter'), 400, 'more than once'],
    ['malformed parameter', bad('malformed-parameter'), 400, 'too long'],
    [
      'malformed resource',
      { kind: 'bad-request', problem: { why: 'malformed-parameter', name: 'resource' } },
      400,
      'set it to a URI or a GUID',
    ],
    [
      'a misnamed parameter',
      {
        kind: 'bad-request',
        problem: { why: 'misnamed-parameter', name: 'clientid', rightName: 'client_id' },
      },
      400,
      'Parameter clientid is not known here: name the identity by client_id.',
    ],
    ['several selectors', bad('several-selectors'), 400, 'one of client_id'],
    ['malformed target', bad('malformed-target'), 400, 'malformed'],
    ['no pod headers', bad('no-pod-headers'), 400, 'podname'],
    ['not from the node', bad('not-from-the-node'), 400, 'loopback'],
    ['method', { kind: 'bad-method' }, 405, 'GET'],
    ['malformed', { kind: 'nowhere', why: 'malformed' }, 400, 'malformed'],
    ['other identity paths', { kind: 'nowhere', why: 'identity' }, 404, 'nothing'],
    ['foreign probes', { kind: 'nowhere', why: 'foreign' }, 404, 'nothing'],
    ['unknown paths', { kind: 'nowhere', why: 'unknown' }, 404, 'nothing'],
    ['starting', { kind: 'starting' }, 503, 'just started', '5'],
    ['outdated', { kind: 'outdated' }, 503, '--pod-check-outage', '5'],
    ['unknown caller', { kind: 'unknown-caller', address: '10.0.0.9' }, 503, 'hostNetwork', '5'],
    [
      'ambiguous caller',
      { kind: 'ambiguous-caller', address: '10.0.0.9', pods: [] },
      503,
      'More than one pod',
      '5',
    ],
    ['unknown pod', { kind: 'unknown-pod', pod }, 404, 'no running pod'],
    ['overloaded', { kind: 'overloaded', pod }, 429, 'Too many', '5'],
    [
      'no label',
      denied({ why: 'no-label' }),
      400,
      'Identity not found. Pod default/web has no label aadpodidbinding',
    ],
    ['empty label', denied({ why: 'empty-label' }), 400, 'is empty'],
    ['no binding', denied({ why: 'no-binding', label: 'demo' }), 400, "selector 'demo'"],
    ['other namespace', denied({ why: 'other-namespace' }), 400, 'another namespace'],
    [
      'identity missing',
      denied({ why: 'identity-missing', binding: 'default/b', identity: 'default/i' }),
      400,
      'AzureIdentity default/i, which does not exist',
    ],
    [
      'identity invalid',
      denied({ why: 'identity-invalid', identity: 'default/i', fault: 'spec.resourceID must be' }),
      400,
      'spec.resourceID must be',
    ],
    [
      'not this identity',
      denied({ why: 'not-this-identity', offered: ['a', 'b'] }),
      400,
      'It may ask for: a, b',
    ],
    [
      'several identities',
      denied({ why: 'several-identities', offered: ['a', 'b'] }),
      400,
      'Multiple user assigned identities',
    ],
    [
      'not attached yet',
      { kind: 'not-assigned', pod, identity: 'default/i', seen: 'unattached' },
      503,
      'metadata service',
      '5',
    ],
    [
      'a binding that may still come',
      { kind: 'not-assigned', pod, seen: 'unbound', denial: { why: 'no-binding', label: 'demo' } },
      503,
      "No AzureIdentityBinding has the selector 'demo'",
      '5',
    ],
    [
      'an identity that may still come',
      { kind: 'not-assigned', pod, seen: 'unbound', denial: { why: 'not-this-identity', offered: ['a'] } },
      503,
      'has no such identity. It may ask for: a. What is missing may still be created',
      '5',
    ],
    ['not on host', failed('not-on-host'), 400, 'because'],
    ['refused', failed('refused'), 400, 'because'],
    ['misconfigured', failed('misconfigured'), 400, 'because'],
    ['C53 denied', failed('denied'), 403, 'because'],
    ['throttled', failed('throttled', 2100), 429, 'because', '3'],
    ['updating', failed('updating'), 410, 'because', '10'],
    ['throttled for no time at all', failed('throttled', 0), 429, 'because', '1'],
    ['C53 unavailable', failed('unavailable'), 503, 'because', '5'],
    ['blocked', { kind: 'blocked', family: 'instance' }, 403, '--metadata-allow'],
    ['proxy failed', { kind: 'proxy-failed', why: 'unavailable' }, 502, 'usable'],
    ['crashed', { kind: 'crashed' }, 500, 'log'],
  ])('answers %s', (...[, outcome, status, text, retryAfter]) => {
    const response = respond(outcome, rules);
    const body = JSON.parse(String(response.body)) as Record<string, string>;
    expect(response.status).toBe(status);
    expect(Object.keys(body)).toEqual(['error', 'error_description']);
    expect(body['error_description']).toContain(text);
    expect(body['error']).toMatch(/^[a-z_]+(: |$)/);
    expect(response.headers['Retry-After']).toBe(retryAfter);
    expect(response.headers['Content-Type']).toBe('application/json; charset=utf-8');
    expect(response.headers['Content-Length']).toBe(String(Buffer.byteLength(String(response.body))));
    // @azure/identity takes a 403 with this word for "no metadata service here".
    expect(body['error_description']).not.toContain('unreachable');
  });

  it.each([
    ['unavailable', 500, 500],
    ['unavailable', 599, 599],
    ['unavailable', 404, 503],
    ['unavailable', 200, 503],
    ['throttled', 429, 429],
    ['updating', 410, 410],
    ['proxy', undefined, 503],
    ['no-credential', undefined, 503],
    ['denied', 401, 403],
    ['not-on-host', 400, 400],
  ] as const)('passes on what upstream said where SDKs go by it: %s, %i is %i', (why, status, expected) => {
    const response = respond({ ...failed(why, 7_000), status }, rules);
    expect(response.status).toBe(expected);
    expect(response.headers['Retry-After']).toBe([400, 403].includes(expected) ? undefined : '7');
  });

  it.each<[string, Outcome, number, number, number]>([
    ['410 of Azure', { ...failed('updating'), status: 410 }, 410, 10, 15],
    ['429 of Azure', { ...failed('throttled'), status: 429 }, 429, 5, 10],
    ['an agent that starts', { kind: 'starting' }, 503, 5, 10],
    ['a caller that asks too often', { kind: 'too-fast', address: '10.0.0.9' }, 429, 5, 10],
  ])('%s: callers come back at different times within the range', (...[, outcome, status, first, last]) => {
    const secondsAt = (chance: number) =>
      respond(outcome, { ...rules, random: () => chance }).headers['Retry-After'];
    const all = Array.from({ length: 60 }, (_, step) => Number(secondsAt(step / 60)));
    expect(respond(outcome, rules).status).toBe(status);
    expect([...new Set(all)]).toEqual(Array.from({ length: last - first + 1 }, (_, more) => first + more));
  });

  it('tells the time that Azure told, whatever chance says', () => {
    for (const chance of [0, 0.5, 0.999])
      expect(
        respond({ ...failed('updating', 3_000), status: 410 }, { ...rules, random: () => chance }).headers,
      ).toMatchObject({ 'Retry-After': '3' });
  });

  it('answers 404 to an unfinished assignment where that is wanted', () => {
    const waiting: Outcome = { kind: 'not-assigned', pod, identity: 'default/i', seen: 'unattached' };
    expect(respond(waiting, { ...rules, notAssignedStatus: 404 })).toMatchObject({
      status: 404,
      headers: { 'Retry-After': '5' },
    });
  });

  const invalidException = { namespace: 'default', name: 'cni', fault: 'spec.clientIDs must be a list' };
  const isInvalid =
    'AzurePodIdentityException cni of this namespace is invalid: spec.clientIDs must be a list.';
  it.each<[string, Outcome, string]>([
    [
      'is refused',
      denied({ why: 'no-label', invalidException }),
      `is the selector of an AzureIdentityBinding. ${isInvalid}`,
    ],
    [
      'waits for a binding',
      {
        kind: 'not-assigned',
        pod,
        seen: 'unbound',
        denial: { why: 'no-binding', label: 'demo', invalidException },
      },
      `its requests wait for it. Try again. ${isInvalid}`,
    ],
    [
      'has one of the labels of the exception',
      denied({ why: 'no-label', invalidException: { ...invalidException, podLabels: { app: 'cni' } } }),
      'AzurePodIdentityException cni of this namespace is for this pod, but does not count, since it is invalid: spec.clientIDs must be a list.',
    ],
  ])('names an exception that does not count to a pod that %s', (_, outcome, end) => {
    const { error_description: description = '' } = JSON.parse(
      String(respond(outcome, rules).body),
    ) as Record<string, string>;
    expect(description.slice(-end.length)).toBe(end);
  });

  it('says nothing about objects of other namespaces', () => {
    for (const denial of [
      { why: 'identity-missing', binding: 'secret-team/b', identity: 'secret-team/i' },
      { why: 'identity-invalid', identity: 'secret-team/i', fault: 'secret' },
    ] as const) {
      expect(String(respond(denied(denial), rules).body)).not.toContain('secret');
    }
  });

  it('the answer to a probe does not look like a missing identity', () => {
    expect(String(respond(bad('no-metadata-header'), rules).body)).not.toContain('Identity not found');
  });

  it('gives what the metadata service said as it was', () => {
    const body = Buffer.from([1, 2, 3]);
    expect(respond({ kind: 'proxied', status: 418, contentType: 'x/y', body }, rules)).toEqual({
      status: 418,
      headers: { 'Content-Type': 'x/y', 'Content-Length': '3' },
      body,
    });
    const throttled = { kind: 'proxied' as const, status: 429, contentType: 'x/y', retryAfter: '5', body };
    expect(respond(throttled, rules).headers['Retry-After']).toBe('5');
  });
});

describe('`error`', () => {
  const noLabel = denied({ why: 'no-label' });
  const body = (outcome: Outcome, over: Partial<RespondRules> = {}) =>
    JSON.parse(String(respond(outcome, { ...rules, ...over }).body)) as Record<string, string>;

  it.each<[string, Outcome, Partial<RespondRules>, string | undefined]>([
    [
      'a refusal',
      noLabel,
      {},
      'Identity not found. Pod default/web has no label aadpodidbinding: give it one whose value is the selector of an AzureIdentityBinding.',
    ],
    ['a probe', bad('no-metadata-header'), {}, undefined],
    ['a token', token, {}, undefined],
  ])('of %s: the status line', (...[, outcome, over, reason]) => {
    expect(respond(outcome, { ...rules, ...over }).reason).toBe(reason);
  });

  it('and the status line are one line of printable ASCII, of 240 characters at most, whatever Azure and editors wrote', () => {
    const spiteful = 'AADSTS1: no\r\nX-Evil: 1\u0000\u2028\u00e9\u007f\t';
    const long = { ...failed('denied'), description: spiteful.repeat(99) };
    const { reason = '', body: written } = respond(long, rules);
    expect(reason).toMatch(/^AADSTS1: no X-Evil: 1 AADSTS1: [ -~]{206}\.\.\.$/);
    const { error } = JSON.parse(String(written)) as { error: string };
    expect(error).toMatch(/^access_denied: AADSTS1: no X-Evil: 1 AADSTS1: [ -~]{966}\.\.\.$/);
    const short = { ...failed('denied'), description: spiteful };
    expect(respond(short, rules).reason).toMatch(/^AADSTS1: no X-Evil: 1 +$/);
  });

  it('tells a missing right with the command that prints the roles, and no roles that JSON would escape', () => {
    const targets = [{ resource: 'managedidentities' as const, names: ['/s/r/reader'] }] as never;
    const subject = { namespace: 'default', name: 'web' };
    const told = body(denied({ why: 'access-denied', identity: 'default/reader', subject, targets }));
    expect(told['error_description']).toMatch(
      /: kubectl azure-pod-identity access default\/web \/s\/r\/reader$/,
    );
    expect(told['error']).toBe(`invalid_request: ${String(told['error_description'])}`);
  });

  it('says the reason after the word of the metadata service, for clients that show their users nothing else', () => {
    const { error, error_description: description } = body(noLabel);
    expect(error).toBe(`invalid_request: ${String(description)}`);
    expect(description).toMatch(/^Identity not found\. Pod default\/web has no label aadpodidbinding/);
  });

  it('is that word alone on a probe: the answer is the metadata service’s to the byte', () => {
    expect(respond(bad('no-metadata-header'), rules).body).toBe(
      '{"error":"invalid_request","error_description":"Required metadata header not specified"}',
    );
  });

  it('is 1,000 characters of the description at most, escaped like it: what callers and editors wrote cannot end the JSON', () => {
    const spiteful = '"}\r\n\u2028ü';
    const outcome = denied({
      why: 'not-this-identity',
      offered: Array<string>(40).fill(spiteful.repeat(99)),
    });
    const { error = '', error_description: description = '' } = body(outcome);
    expect(error).toMatch(/^invalid_request: Identity not found\. .*\.\.\.$/);
    expect(error.length).toBeLessThan(1_100);
    expect(description.length).toBeLessThan(5_000);
    expect(String(respond(outcome, rules).body)).toMatch(/^[\x20-\x7e]*$/);
  });
});
