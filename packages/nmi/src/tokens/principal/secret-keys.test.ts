import { describe, expect, it } from 'vitest';
import { readCredential, type SecretData, type SecretValue } from './secret-keys.ts';

const data = (keys: Readonly<Record<string, string>>): ReadonlyMap<string, Buffer> =>
  new Map(Object.entries(keys).map(([key, value]) => [key, Buffer.from(value)]));

describe('W-C11: the client secret', () => {
  it.each<[string, Record<string, string>, string]>([
    [
      'is under clientSecret, whatever else there is',
      { other: 'a', clientSecret: 'right', more: 'b' },
      'right',
    ],
    ['C59 is the only key of any name, as in the original', { anything: 'right' }, 'right'],
    ['has no line’s end', { clientSecret: 'right\n' }, 'right'],
    ['has no line’s end of Windows', { clientSecret: 'right\r\n' }, 'right'],
    ['keeps line ends within', { clientSecret: 'ri\nght\n' }, 'ri\nght'],
    ['has all its other characters', { clientSecret: ' r~i.g=h&t ' }, ' r~i.g=h&t '],
  ])('%s', (_, keys, value) => {
    expect(readCredential(data(keys), 'secret')).toEqual({ kind: 'secret', value });
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['of an empty Secret', {}, /empty.*clientSecret/],
    ['that is empty', { clientSecret: '' }, /empty/],
    ['that may be any of several', { password: 'hidden-1', user: 'hidden-2' }, /several keys.*clientSecret/],
  ])('C52 %s: an error that tells which key to use, and no value', (_, keys, fault) => {
    const read = readCredential(data(keys), 'secret');
    expect(read).toMatch(fault);
    expect(read).not.toContain('hidden');
  });
});

describe('what is too large', () => {
  const large = (...keys: readonly string[]): SecretData =>
    new Map<string, SecretValue>([
      ...data({ certificate: 'x', 'tls.crt': '-----BEGIN ', 'tls.key': 'y' }),
      ...keys.map((key) => [key, 'too-large'] as const),
    ]);

  it.each<[string, SecretData, 'secret' | 'certificate', RegExp]>([
    [
      'clientSecret',
      new Map([['clientSecret', 'too-large']]),
      'secret',
      /key clientSecret has more than 4096 bytes; put nothing but/,
    ],
    ['the only key', new Map([['any', 'too-large']]), 'secret', /key any has more than 4096 bytes/],
    [
      'certificate',
      large('certificate'),
      'certificate',
      /key certificate is too large.*65536 bytes.*leave out/,
    ],
    ['password', large('password'), 'certificate', /key password has more than 1000 bytes; encrypt/],
  ])('%s: an error that tells the key, the limit and what to do', (...[, of, credential, fault]) => {
    expect(readCredential(of, credential)).toMatch(fault);
  });

  it.each(['tls.crt', 'tls.key', 'password'])('%s of kubernetes.io/tls: the same', (key) => {
    const of = new Map(large(key));
    of.delete('certificate');
    expect(readCredential(of, 'certificate')).toContain(`its key ${key} `);
  });

  it('is of no account under a key that is not used', () => {
    expect(readCredential(large('tls.crt', 'tls.key'), 'certificate')).toMatchObject({ kind: 'pfx' });
    const beside: SecretData = new Map<string, SecretValue>([
      ...data({ clientSecret: 'right' }),
      ['other', 'not-read'],
    ]);
    expect(readCredential(beside, 'secret')).toMatchObject({ value: 'right' });
  });
});

describe('C60 the certificate', () => {
  const pem = '-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n';
  const key = '-----BEGIN PRIVATE KEY-----\nB\n-----END PRIVATE KEY-----\n';

  it('is under certificate, its password under password', () => {
    const bytes = Buffer.from([0x30, 0x82, 0x01]);
    const read = readCredential(
      new Map([
        ['certificate', bytes],
        ['password', Buffer.from('p\n')],
      ]),
      'certificate',
    );
    expect(read).toEqual({ kind: 'pfx', bytes, password: 'p' });
    expect(readCredential(new Map([['certificate', bytes]]), 'certificate')).toMatchObject({ password: '' });
    const lines = new Map([
      ['certificate', bytes],
      ['password', Buffer.from('p\nq\r\n')],
    ]);
    expect(readCredential(lines, 'certificate')).toMatchObject({ password: 'p\nq' });
  });

  it('may be PEM, and of the kind kubernetes.io/tls', () => {
    for (const keys of [
      { certificate: pem + key },
      { certificate: pem, 'tls.key': key },
      { 'tls.crt': pem, 'tls.key': key },
    ]) {
      const read = readCredential(data(keys), 'certificate');
      expect(read).toMatchObject({ kind: 'pem', password: '' });
      expect(typeof read === 'object' && read.kind === 'pem' && read.text).toContain('BEGIN PRIVATE KEY');
    }
  });

  it.each<[string, Record<string, string>]>([
    ['of an empty Secret', {}],
    ['that is empty', { certificate: '' }],
    ['without its key', { 'tls.crt': pem }],
    ['under another key', { cert: pem }],
  ])('C52 %s: an error that tells the keys', (_, keys) => {
    expect(readCredential(data(keys), 'certificate')).toContain('certificate');
  });
});
