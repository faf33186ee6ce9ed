import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHeaderJudge } from './headers.ts';

const rules = {
  metadataHeaderRequired: true,
  allowedHosts: new Set(['imds.internal', 'nmi.kube-system.svc']),
};
const whyOf = (headers: Record<string, string>, over: Partial<typeof rules> = {}) =>
  createHeaderJudge({ ...rules, ...over })({ headers })?.why;

describe('the header Metadata', () => {
  it.each([
    ['true', undefined],
    ['True', undefined],
    ['TRUE ', undefined],
    ['', 'no-metadata-header'],
    ['false', 'no-metadata-header'],
    ['true, true', 'no-metadata-header'],
  ])('C54 must be true: %j', (metadata, why) => {
    expect(whyOf({ metadata })).toBe(why);
  });

  it('may be missing only where it is not required; a forwarded request is refused even there', () => {
    expect(whyOf({})).toBe('no-metadata-header');
    expect(whyOf({}, { metadataHeaderRequired: false })).toBeUndefined();
    expect(whyOf({ 'x-forwarded-for': 'a' }, { metadataHeaderRequired: false })).toBe('forwarded');
    expect(whyOf({ host: 'evil.example' }, { metadataHeaderRequired: false })).toBe('foreign-host');
  });
});

it('refuses what came through a proxy, even one that does not say for whom', () => {
  expect(whyOf({ metadata: 'true', 'x-forwarded-for': '' })).toBe('forwarded');
});

describe('the header Host', () => {
  const hostIsWelcome = (host: string) => whyOf({ metadata: 'true', host }) === undefined;

  it.each([
    ...['169.254.169.254', '169.254.169.254:80', '127.0.0.1:2579', '10.0.0.255', '', ':80'],
    ...['[::1]', '[::1]:2579', '[FD00::1a]', '[fe80::1%25eth0]', '[::ffff:169.254.169.254]:80'],
    ...['localhost', 'LocalHost:2579', 'imds.internal', 'IMDS.internal:80', 'nmi.kube-system.svc:2579'],
  ])('may be %j', (host) => {
    expect(hostIsWelcome(host)).toBe(true);
  });

  it.each([
    ...[
      'evil.example',
      'evil.example:80',
      'localhost.evil.example',
      'metadata',
      'imds.internal.evil.example',
    ],
    ...['169.254.169.254.evil.example', '169.254.169.254.nip.io:80', '169.254.169', '169.254.169.254.1'],
    ...['1.2.3.256', '1.2.3.4.', '2852039166', '0xa9fea9fe', '::1', '[::1', '[evil.example]', '[::1]evil'],
    ...['169.254.169.254, 169.254.169.254', '169.254.169.254@evil.example', 'evil.example, localhost'],
    ...[
      'localhost:80:80',
      'localhost:evil',
      'localhost/evil',
      ' localhost',
      'localhost\u0000',
      'loc\u0430lhost',
    ],
  ])('is refused as %j', (host) => {
    expect(hostIsWelcome(host)).toBe(false);
  });

  it('is refused after a welcome one, and welcome after a refused one', () => {
    const judge = createHeaderJudge(rules);
    const judged = ['localhost', 'evil.example', 'localhost', 'localhost.evil.example', '[::1]', '[::1]evil'];
    expect(judged.map((host) => judge({ headers: { metadata: 'true', host } })?.why)).toEqual(
      judged.map((host) => (host.includes('evil') ? 'foreign-host' : undefined)),
    );
  });

  it.each([[['localhost', 'localhost']], [['localhost']]])('is refused as a list: %j', (list) => {
    const headers = { metadata: 'true', host: list as unknown as string };
    expect(createHeaderJudge(rules)({ headers })?.why).toBe('foreign-host');
  });

  it('may be missing, also after a caller that sent one', () => {
    const judge = createHeaderJudge(rules);
    expect(judge({ headers: { metadata: 'true', host: 'localhost' } })).toBeUndefined();
    expect(judge({ headers: { metadata: 'true' } })).toBeUndefined();
  });

  it('never names a domain that nobody allowed', () => {
    const domain = fc.domain().filter((name) => !rules.allowedHosts.has(name));
    fc.assert(
      fc.property(domain, fc.constantFrom('', ':80', ':2579'), (name, port) => !hostIsWelcome(name + port)),
    );
    fc.assert(fc.property(fc.ipV4(), (address) => hostIsWelcome(address)));
    fc.assert(fc.property(fc.ipV6(), (address) => hostIsWelcome(`[${address}]`)));
  });
});

describe('the host in the absolute form of the request line', () => {
  const whyOfBoth = (authority: string, host?: string) =>
    createHeaderJudge(rules)({
      authority,
      headers: { metadata: 'true', ...(host !== undefined && { host }) },
    })?.why;

  it.each(['169.254.169.254', '169.254.169.254:80', 'localhost', '[::1]:2579', 'imds.internal'])(
    'may be %s, with and without a Host header',
    (authority) => {
      expect(whyOfBoth(authority)).toBeUndefined();
      expect(whyOfBoth(authority, authority)).toBeUndefined();
      expect(whyOfBoth(authority, '169.254.169.254')).toBeUndefined();
    },
  );

  it.each([
    'evil.example',
    'evil.example:80',
    'a@169.254.169.254',
    'localhost\\@evil.example',
    '169.254.169.254.',
  ])('is refused as %s, whatever the Host header says; and so is that Host', (name) => {
    expect(whyOfBoth(name)).toBe('foreign-host');
    expect(whyOfBoth(name, 'localhost')).toBe('foreign-host');
    expect(whyOfBoth('localhost', name)).toBe('foreign-host');
  });

  it('is judged after the header Metadata: a probe gets the answer of a probe', () => {
    expect(createHeaderJudge(rules)({ authority: 'evil.example', headers: {} })?.why).toBe(
      'no-metadata-header',
    );
  });

  it('never names a domain that nobody allowed', () => {
    const domain = fc.domain().filter((name) => !rules.allowedHosts.has(name));
    fc.assert(
      fc.property(
        domain,
        fc.constantFrom('', ':80'),
        (name, port) => whyOfBoth(name + port) === 'foreign-host',
      ),
    );
  });
});
