import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readRequestOf, parseReadResponse } from './reader-messages.ts';

const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
const answer = (over: { key?: object; chain?: unknown }) =>
  parseReadResponse(JSON.stringify({ key, chain: ['MIIB'], ...over }));
/** A number of so many bytes in base64url, none of them 0. */
const number = (bytes: number) => Buffer.alloc(bytes, 0x7f).toString('base64url');
const largest = {
  kty: 'RSA',
  n: number(512),
  d: number(512),
  e: number(8),
  ...Object.fromEntries(['p', 'q', 'dp', 'dq', 'qi'].map((name) => [name, number(257)])),
};

describe('what the process that reads certificates is asked', () => {
  it('has at most 64 KiB of certificate and key', () => {
    expect(readRequestOf({ kind: 'pfx', bytes: Buffer.alloc(65_536), password: '' })).toBeTypeOf('object');
    expect(readRequestOf({ kind: 'pfx', bytes: Buffer.alloc(65_537), password: '' })).toMatch(/65536 bytes/);
    expect(readRequestOf({ kind: 'pem', text: 'ä'.repeat(32_769), password: '' })).toMatch(/65536 bytes/);
  });

  it('has at most 1024 bytes of password', () => {
    const of = (password: string) => readRequestOf({ kind: 'pem', text: 'x', password });
    expect(of('ä'.repeat(512))).toMatchObject({ password: 'ä'.repeat(512) });
    expect(of(`${'ä'.repeat(512)}x`)).toBe('its key password has more than 1024 bytes');
  });
});

describe('what the process that reads certificates may answer', () => {
  it('is a chain of 16 certificates', () => {
    const chain = Array.from({ length: 16 }, () => 'MIIB');
    const raw = Buffer.from('MIIB', 'base64');
    expect(answer({ chain })).toMatchObject({ chain: chain.map(() => ({ raw })) });
    expect(answer({ chain: [...chain, 'MIIB'] })).toBeUndefined();
  });

  it.each<[string, unknown[]]>([
    ['with something else before its base64', ['!MIIB']],
    ['with something else after its base64', ['MIIB!']],
    ['beside one that is none', ['MIIB', '<']],
    ['that is a number', ['MIIB', 5]],
  ])('is no certificate %s', (_, chain) => {
    expect(answer({ chain })).toBeUndefined();
  });

  it('is an RSA key of 4096 bits with an exponent of 64', () => {
    expect(answer({ key: largest })).toMatchObject({ key: { asymmetricKeyType: 'rsa' } });
  });

  it.each([
    ['n', 513],
    ['d', 513],
    ['e', 9],
    ['p', 258],
    ['qi', 258],
  ])('is no RSA key with a larger number: %s of %i bytes', (name, bytes) => {
    expect(answer({ key: { ...largest, [name]: number(bytes) } })).toBeUndefined();
  });

  it('is no key of another kind that has the numbers of an RSA key besides', () => {
    const other = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
    expect(answer({ key: { ...key, ...other } })).toBeUndefined();
  });

  it.each([
    ['an empty number', { ...key, qi: '' }],
    ['a number with something else before it', { ...key, n: `<${key.n}` }],
    ['a number with something else after it', { ...key, n: `${key.n}<` }],
    ['numbers that are numbers', { ...key, e: 65_537 }],
  ])('is no RSA key with %s', (_, wrong) => {
    expect(answer({ key: wrong })).toBeUndefined();
  });
});
