import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { routeOf } from './routes.ts';

const kindOf = (target: string) => {
  const route = routeOf(target);
  return route.kind === 'nowhere' ? route.why : route.kind;
};

describe('routeOf', () => {
  it.each([
    ['C58 the token path', '/metadata/identity/oauth2/token?resource=r', 'token'],
    ['C58 with a trailing slash', '/metadata/identity/oauth2/token/?resource=r', 'token'],
    ['C58 in any case', '/Metadata/Identity/OAuth2/TOKEN', 'token'],
    ['with the double slash of MSAL', '//metadata/identity/oauth2/token/?api-version=2018-02-01', 'token'],
    ['with many slashes', '/metadata///identity/oauth2//token//', 'token'],
    ['C58 the host path', '/host/token?resource=r', 'host-token'],
    ['C58 the host path with a slash', '/host/token/', 'host-token'],
    ['C58 instance metadata', '/metadata/instance?api-version=2021-02-01', 'metadata'],
    ['C58 instance metadata in another spelling', '/Metadata/INSTANCE/compute', 'metadata'],
    ['a token path that goes on', '/metadata/identity/oauth2/token/more', 'identity'],
    ['another identity path', '/metadata/identity/info', 'identity'],
    [
      'the platform metadata of IMDSv2',
      '/metadata/identity/getplatformmetadata?cred-api-version=2.0',
      'identity',
    ],
    ['the credential path of IMDSv2', '/metadata/identity/issuecredential', 'identity'],
    ['the identity folder itself', '/metadata/identity', 'identity'],
    ['C58 the metadata folder', '/metadata/', 'unknown'],
    ['the root', '/', 'unknown'],
    ['an unknown family', '/metadata/vmss', 'unknown'],
    ['the metadata service of AWS', '/latest/meta-data/iam', 'foreign'],
    ['the metadata service of Google', '/computeMetadata/v1/project', 'foreign'],
    ['C58 a backslash', '/metadata/identity\\oauth2\\token', 'malformed'],
    ['C58 a backslash after a slash', '/metadata/identity/\\oauth2/token', 'malformed'],
    ['an encoded slash', '/metadata%2fidentity/oauth2/token', 'malformed'],
    ['an encoded letter', '/metadata/%69dentity/oauth2/token', 'malformed'],
    ['a climb', '/metadata/instance/../identity/oauth2/token', 'malformed'],
    ['a dot', '/metadata/./identity/oauth2/token', 'malformed'],
    ['an encoded climb', '/metadata/instance/%2e%2e/identity', 'malformed'],
    ['a path parameter', '/metadata/instance;x/identity', 'malformed'],
    ['a NUL', '/metadata/instance\u0000/identity', 'malformed'],
    ['a fragment', '/metadata/instance?a#/identity', 'malformed'],
    ['an absolute target', 'http://169.254.169.254/metadata/identity/oauth2/token', 'malformed'],
    ['an asterisk', '*', 'malformed'],
    ['nothing', '', 'malformed'],
    ['a letter that lower-cases into ASCII', '/metadata/instance/\u212a', 'malformed'],
    ['a very long target', `/metadata/instance?${'a'.repeat(9000)}`, 'malformed'],
  ])('sends %s where it belongs', (_, target, kind) => {
    expect(kindOf(target)).toBe(kind);
  });

  it('hands on the query as it was, without the question mark', () => {
    expect(routeOf('/metadata/instance?api-version=1&x=a%2Fb?c')).toMatchObject({
      path: '/metadata/instance',
      query: 'api-version=1&x=a%2Fb?c',
    });
  });

  it('item 12: no target whatsoever is proxied to a path below /metadata/identity', () => {
    const piece = fc.constantFrom(
      ...[
        '/',
        '//',
        '\\',
        '%2f',
        '%5c',
        '%2e',
        '.',
        '..',
        ';',
        '%00',
        '?',
        '#',
        'metadata',
        'METADATA',
        'identity',
        'Identity',
      ],
      ...[
        'instance',
        'oauth2',
        'token',
        'info',
        'http://',
        '%69dentity',
        'ı',
        'İ',
        '\u0130dentity',
        ' ',
        '\t',
        '@',
        ':',
      ],
    );
    const target = fc.oneof(
      fc.array(piece, { maxLength: 14 }).map((pieces) => `/${pieces.join('')}`),
      fc.array(piece, { maxLength: 8 }).map((pieces) => `/metadata/instance${pieces.join('')}`),
      fc.string({ unit: 'binary', maxLength: 40 }),
    );
    fc.assert(
      fc.property(target, (text) => {
        const route = routeOf(text);
        if (route.kind !== 'metadata') return;
        // As the most lenient server would read it.
        const read = decodeURIComponent(route.path).replaceAll('\\', '/').toLowerCase();
        expect(new URL(read, 'http://imds').pathname).toMatch(
          /^\/metadata\/(instance|versions|scheduledevents|attested|loadbalancer)(\/|$)/,
        );
      }),
      { numRuns: 3000 },
    );
  });
});
