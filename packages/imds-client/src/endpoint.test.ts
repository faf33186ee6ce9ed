import { describe, expect, test } from 'vitest';
import { parseEndpoint } from './endpoint.ts';

describe('an endpoint', () => {
  test.each([
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['http://127.0.0.1:8080/', 'http://127.0.0.1:8080'],
    ['https://host/base', 'https://host/base'],
    ['HTTP://host', 'HTTP://host'],
  ])('%s is %s', (endpoint, base) => {
    expect(parseEndpoint(endpoint, 'endpoint')).toBe(base);
  });

  test.each([
    ['', 'one without http://'],
    ['169.254.169.254', 'one without http://'],
    ['ftp://host', 'one without http://'],
    ['ftp://https://host', 'one without http://'],
    ['http:host', 'one without http://'],
    ['http://host/?a=b', 'one with a query or a fragment'],
    ['http://host/#x', 'one with a query or a fragment'],
    ['http://host:0', 'one with a bad port'],
    ['http://host:65536', 'one with a bad port'],
    ['http://host:99999', 'one with a bad port'],
    ['http://[::1]:99999/', 'one with a bad port'],
    ['http://host:8o', 'one with a bad port'],
    ['http://host:', 'one with a bad port'],
    ['http://host:0x50', 'one without a valid host'],
    ['http://', 'one without a valid host'],
    ['http:///x', 'one without a valid host'],
    ['http://[::1', 'one without a valid host'],
    ['http://fd00::1:80', 'one without a valid host'],
    ['http://300.1.1.1', 'one without a valid host'],
    ['http://host/metadata/identity/oauth2/token', 'one with the path /metadata'],
    ['http://host/base/METADATA', 'one with the path /metadata'],
  ])('%j is refused, and what it came from and what is wrong is named', (endpoint, problem) => {
    expect(() => parseEndpoint(endpoint, 'A_VARIABLE')).toThrow(
      new TypeError(
        `A_VARIABLE must be an http or https address such as http://169.254.169.254, not ${problem}`,
      ),
    );
  });

  test.each(['http://h/a b', 'http://h/a\tb', 'http://h/\u202e', 'http://h/\u0007'])(
    '%j is refused for its blank',
    (text) => {
      expect(() => parseEndpoint(text, 'endpoint')).toThrow(/not one with a blank or a control character$/);
    },
  );

  test('that is no text is refused', () => {
    expect(() => parseEndpoint(5 as unknown as string, 'endpoint')).toThrow(/not a value of type number$/);
  });

  test.each([
    'http://user:hunter2@host',
    'http://hunter2@host',
    'http://user:hunter2@host:99999',
    'http://user:hun/ter2@host',
    'user:hunter2@host',
    'http://host/?password=hunter2',
    'http://host/#hunter2',
  ])('with what may be a password is refused without printing it: %s', (endpoint) => {
    try {
      parseEndpoint(endpoint, 'endpoint');
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).not.toContain('ter2');
    }
  });
});
