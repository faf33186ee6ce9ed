import { describe, expect, it } from 'vitest';
import { routeOf } from './routes.ts';

const kindOf = (target: string) => {
  const route = routeOf(target);
  return route.kind === 'nowhere' ? route.why : route.kind;
};

describe('routeOf', () => {
  it.each([
    ['the token path', '/metadata/identity/oauth2/token?resource=r', 'token'],
    ['with a trailing slash', '/metadata/identity/oauth2/token/?resource=r', 'token'],
    ['in any case', '/Metadata/Identity/OAuth2/TOKEN', 'token'],
    ['with the double slash of MSAL', '//metadata/identity/oauth2/token/?api-version=2018-02-01', 'token'],
    ['with many slashes', '/metadata///identity/oauth2//token//', 'token'],
    ['the host path', '/host/token?resource=r', 'host-token'],
    ['the host path with a slash', '/host/token/', 'host-token'],
    ['a host path that goes on', '/host/token/more', 'unknown'],
    ['another host path', '/host/tokens', 'unknown'],
    ['instance metadata', '/metadata/instance?api-version=2021-02-01', 'metadata'],
    ['instance metadata in another spelling', '/Metadata/INSTANCE/compute', 'metadata'],
    ['a token path that goes on', '/metadata/identity/oauth2/token/more', 'identity'],
    ['another identity path', '/metadata/identity/info', 'identity'],
    [
      'the platform metadata of IMDSv2',
      '/metadata/identity/getplatformmetadata?cred-api-version=2.0',
      'identity',
    ],
    ['the credential path of IMDSv2', '/metadata/identity/issuecredential', 'identity'],
    ['the identity folder itself', '/metadata/identity', 'identity'],
    ['the metadata folder', '/metadata/', 'unknown'],
    ['the root', '/', 'unknown'],
    ['an unknown family', '/metadata/vmss', 'unknown'],
    ['the metadata service of AWS', '/latest/meta-data/iam', 'foreign'],
    ['the metadata service of Google', '/computeMetadata/v1/project', 'foreign'],
    ['a backslash', '/metadata/identity\\oauth2\\token', 'malformed'],
    ['a backslash after a slash', '/metadata/identity/\\oauth2/token', 'malformed'],
    ['an encoded slash', '/metadata%2fidentity/oauth2/token', 'malformed'],
    ['an encoded letter', '/metadata/%69dentity/oauth2/token', 'malformed'],
    ['a climb', '/metadata/instance/../identity/oauth2/token', 'malformed'],
    ['a climb below the identity path', '/metadata/identity/../instance', 'malformed'],
    ['a dot', '/metadata/./identity/oauth2/token', 'malformed'],
    ['an encoded climb', '/metadata/instance/%2e%2e/identity', 'malformed'],
    ['a path parameter', '/metadata/instance;x/identity', 'malformed'],
    ['a NUL', '/metadata/instance\u0000/identity', 'malformed'],
    ['a fragment', '/metadata/instance?a#/identity', 'malformed'],
    ['an absolute target', 'http://169.254.169.254/metadata/identity/oauth2/token', 'malformed'],
    ['an asterisk', '*', 'malformed'],
    ['nothing', '', 'malformed'],
    ['a dot in the path of instance metadata', '/metadata/instance/compute.', 'malformed'],
    ['a foreign path with a dot', '/openstack/latest/meta_data.json', 'foreign'],
    ['a query that no URL may have', '/metadata/instance?a=\\..\\identity', 'malformed'],
    ['a query with an encoded line break', '/metadata/instance?a=%0d%0a', 'malformed'],
    ['a query with an encoded NUL', '/metadata/instance?a=%00', 'malformed'],
    ['a query with an encoded DEL', '/metadata/instance?a=%7f', 'malformed'],
    ['a fragment after a token request', '/metadata/identity/oauth2/token?resource=r#x', 'malformed'],
    ['a query with half an escape', '/metadata/instance?a=%2', 'malformed'],
    ['a query of a token request as it comes', '/metadata/identity/oauth2/token?resource=%zz', 'token'],
    [
      'a query of a token request with a letter beyond ASCII',
      '/metadata/identity/oauth2/token?resource=\u00e9',
      'malformed',
    ],
    ['a letter that lower-cases into ASCII', '/metadata/instance/\u212a', 'malformed'],
    ['the longest target', `/metadata/instance?${'a'.repeat(8192 - 19)}`, 'metadata'],
    ['a target that is too long by one', `/metadata/instance?${'a'.repeat(8192 - 18)}`, 'malformed'],
  ])('C58 sends %s where it belongs', (_, target, kind) => {
    expect(kindOf(target)).toBe(kind);
  });

  it('hands on the query as it was, without the question mark', () => {
    expect(routeOf('/metadata/instance?api-version=1&x=a%2Fb?c')).toMatchObject({
      path: '/metadata/instance',
      query: 'api-version=1&x=a%2Fb?c',
    });
  });

  it('a target without a question mark has an empty query', () => {
    expect(routeOf('/metadata/identity/oauth2/token')).toEqual({ kind: 'token', query: '' });
  });

  it('sends paths on in one spelling; names below the family keep theirs', () => {
    expect(routeOf('//MetaData///INSTANCE/network/ipAddress/0//?a')).toEqual({
      kind: 'metadata',
      family: 'instance',
      path: '/metadata/instance/network/ipAddress/0',
      query: 'a',
    });
  });
});
