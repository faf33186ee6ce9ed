import { fromBER, Integer, type BaseBlock } from 'asn1js';
import { AlgorithmIdentifier } from 'pkijs';
import { expect, it } from 'vitest';
import { bytes, int, oid, sequence } from '../../../../test/asn1.ts';
import { isAes, macWork, tooMuchWork, workOf } from './work.ts';

/** As it is read from a file. */
const algorithm = (id: string, parameters: BaseBlock) =>
  new AlgorithmIdentifier({
    schema: fromBER(sequence(oid(id), parameters).toBER()).result,
  });
const pbes2 = (derivation: string, parameters: readonly BaseBlock[], cipher = '2.16.840.1.101.3.4.1.42') =>
  algorithm(
    '1.2.840.113549.1.5.13',
    sequence(sequence(oid(derivation), sequence(...parameters)), sequence(oid(cipher), bytes(16))),
  );
const pbkdf2 = (...parameters: BaseBlock[]) => pbes2('1.2.840.113549.1.5.12', parameters);
const scrypt = (...parameters: BaseBlock[]) => pbes2('1.3.6.1.4.1.11591.4.11', parameters);

it.each([
  ['PBKDF2: its rounds', pbkdf2(bytes(8), int(2_048)), 2_048],
  ['PBKDF2 with a key of 64 bytes', pbkdf2(bytes(8), int(2_048), int(64)), 2_048],
  ['PBKDF2 with a longer key', pbkdf2(bytes(8), int(2_048), int(65)), Infinity],
  ['PBKDF2 with a salt of 1,024 bytes', pbkdf2(bytes(1_024), int(2_048)), 2_048],
  ['PBKDF2 with a longer salt', pbkdf2(bytes(1_025), int(2_048)), Infinity],
  ['PBKDF2 without a salt', pbkdf2(int(8), int(2_048)), Infinity],
  ['PBKDF2 with a stated digest, which is no length', pbkdf2(bytes(8), int(2_048), sequence()), 2_048],
  ['rounds of five bytes', pbkdf2(bytes(8), int(2 ** 36)), 2 ** 36],
  ['rounds of more', pbkdf2(bytes(8), int(2 ** 44)), Infinity],
  ['scrypt: N, r and p together', scrypt(bytes(8), int(1_024), int(8), int(2)), 16_384],
  ['scrypt with a key of 64 bytes', scrypt(bytes(8), int(16), int(1), int(1), int(64)), 16],
  ['scrypt with a longer key', scrypt(bytes(8), int(16), int(1), int(1), int(65)), Infinity],
  ['scrypt with a long salt', scrypt(bytes(1_025), int(16), int(1), int(1)), Infinity],
  ['scrypt without p', scrypt(bytes(8), int(16), int(1)), Infinity],
  ['a derivation that is not known', pbes2('1.2.3', [bytes(8), int(1)]), undefined],
  ['another algorithm', algorithm('1.2.3', sequence(bytes(8), int(1))), undefined],
  [
    'another algorithm with the parameters of PBES2',
    algorithm('1.2.3', sequence(sequence(oid('1.2.840.113549.1.5.12'), sequence(bytes(8), int(1))))),
    undefined,
  ],
  [
    'an algorithm whose name ends like an old cipher’s',
    algorithm('1.1.2.840.113549.1.5.3', sequence(bytes(8), int(1))),
    undefined,
  ],
  ['PBES2 without parameters', algorithm('1.2.840.113549.1.5.13', int(1)), undefined],
])('the work of %s', (_, of, expected) => {
  expect(workOf(of)).toBe(expected);
});

it.each([
  ...['5.1', '5.3', '5.4', '5.6', '5.10', '5.11', '12.1.1', '12.1.6'].map((end) => [end, 20_480] as const),
  ...['5.2', '5.111', '12.1.7', '12.1.11'].map((end) => [end, undefined] as const),
])('the rounds of an old cipher (1.2.840.113549.1.%s) count tenfold: %s', (end, expected) => {
  expect(workOf(algorithm(`1.2.840.113549.1.${end}`, sequence(bytes(8), int(2_048))))).toBe(expected);
});

it.each([
  ['AES of 128 bits', '2.16.840.1.101.3.4.1.2', true],
  ['AES of 192 bits', '2.16.840.1.101.3.4.1.22', true],
  ['AES of 256 bits', '2.16.840.1.101.3.4.1.42', true],
  ['AES in another mode', '2.16.840.1.101.3.4.1.46', false],
  ['a cipher whose name begins like AES’s', '2.16.840.1.101.3.4.1.23', false],
  ['a cipher whose name ends like AES’s', '1.2.16.840.1.101.3.4.1.42', false],
  ['3DES', '1.2.840.113549.3.7', false],
])('%s is decrypted by pkijs: %3$s', (_, cipher, expected) => {
  expect(isAes(pbes2('1.2.840.113549.1.5.12', [bytes(8), int(1)], cipher))).toBe(expected);
});

it('an old cipher is not AES, whatever its parameters say', () => {
  const parameters = sequence(bytes(8), sequence(oid('2.16.840.1.101.3.4.1.42')));
  expect(isAes(algorithm('1.2.840.113549.1.12.1.3', parameters))).toBe(false);
});

it.each([
  ['its rounds', [sequence(), bytes(8), int(2_048)], 2_048],
  ['one round where none are stated', [sequence(), bytes(8)], 1],
  ['endless where they make no sense', [sequence(), bytes(8), bytes(1)], Infinity],
])('the work of the MAC of a file: %s', (_, mac, expected) => {
  expect(macWork(sequence(int(3), sequence(), sequence(...mac)))).toBe(expected);
});

it('a file without a MAC takes one round', () => {
  expect(macWork(sequence(int(3), sequence()))).toBe(1);
});

it('rounds without bytes are endless', () => {
  const none = new Integer({ valueHex: new ArrayBuffer(0) });
  expect(macWork(sequence(int(3), sequence(), sequence(sequence(), bytes(8), none)))).toBe(Infinity);
});

it('what is too much is told in rounds', () => {
  expect(tooMuchWork).toMatch(/1000000 rounds of PBKDF2, 100000 rounds of an old cipher/);
});
