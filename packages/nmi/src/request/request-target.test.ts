import { describe, expect, it } from 'vitest';
import { readTarget } from './request-target.ts';

describe('the target of a request line', () => {
  it.each([
    '/metadata/identity/oauth2/token?resource=r',
    '//169.254.169.254/metadata/instance',
    '*',
    '',
    '169.254.169.254:80',
    'metadata/identity/oauth2/token',
    '/http://169.254.169.254/metadata/instance',
    ' http://169.254.169.254/metadata/instance',
    'xhttp://169.254.169.254/metadata/instance',
  ])('is %j as it stands', (target) => {
    expect(readTarget(target)).toEqual({ target });
  });

  it.each([
    ['http://169.254.169.254/metadata/instance?a=b', '/metadata/instance?a=b', '169.254.169.254'],
    ['HTTP://169.254.169.254:80/metadata/instance', '/metadata/instance', '169.254.169.254:80'],
    ['http://[::1]:2579//metadata/identity/oauth2/token/', '//metadata/identity/oauth2/token/', '[::1]:2579'],
    ['http://localhost', '/', 'localhost'],
    ['http://localhost?resource=r', '/?resource=r', 'localhost'],
    ['http://evil.example/metadata/instance', '/metadata/instance', 'evil.example'],
    ['http://a@b:c@d/metadata/instance', '/metadata/instance', 'a@b:c@d'],
    ['http://localhost\\@evil.example/metadata', '/metadata', 'localhost\\@evil.example'],
    ['http://localhost/http://evil.example/', '/http://evil.example/', 'localhost'],
  ])(
    'RFC 9112, 3.2.2: %s is path and query, with the host that must be judged like Host',
    (...[whole, target, authority]) => {
      expect(readTarget(whole)).toEqual({ target, authority });
    },
  );

  it.each([
    'http:///metadata/identity/oauth2/token?resource=r',
    'http://:80/metadata/identity/oauth2/token',
    'http://?resource=r',
    'http://#/metadata/identity/oauth2/token',
    'http:/metadata/identity/oauth2/token',
    'http:metadata/identity/oauth2/token',
    'https://169.254.169.254/metadata/identity/oauth2/token',
    'file:///metadata/identity/oauth2/token',
    'ws://169.254.169.254/metadata/identity/oauth2/token',
  ])('is left whole, for routes to refuse, where it is no address of ours: %s', (target) => {
    expect(readTarget(target)).toEqual({ target });
  });
});
