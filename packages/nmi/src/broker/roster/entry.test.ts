import { expect, it } from 'vitest';
import { readEntries, writeEntry, type RosterEntry } from './entry.ts';

const pem = (body: string) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
const entry: RosterEntry = { uid: 'u-1', address: '10.0.0.7', port: 8443, certificates: [pem('AAAA')] };
const read = (over: object) =>
  readEntries({ 'broker-a': JSON.stringify({ ...entry, certificate: pem('AAAA'), ...over }) }).get(
    'broker-a',
  );

it('reads what it writes', () => {
  const renewed = { ...entry, address: 'fd00::7', certificates: [pem('BBBB'), pem('AAAA')] };
  const data = { 'broker-a': writeEntry(entry), 'broker-b': writeEntry(renewed) };
  expect(Object.fromEntries(readEntries(data))).toEqual({ 'broker-a': entry, 'broker-b': renewed });
});

it.each([undefined, null, 'text', 7, [], {}])('there are no entries in %j', (data) => {
  expect(readEntries(data).size).toBe(0);
});

it('reads two certificates of 30 lines, and none with anything else in the text', () => {
  const long = pem(Array.from({ length: 30 }, () => 'A'.repeat(60)).join('\n'));
  expect(read({ certificate: long + long })?.certificates).toEqual([long, long]);
  for (const certificate of [
    `${pem('AAAA')}x`,
    `x${pem('AAAA')}`,
    'x',
    pem(''),
    pem('A A'),
    pem('A-A'),
    pem('AAAA').replaceAll('CERTIFICATE', 'PRIVATE KEY'),
    pem('A'.repeat(65)),
    pem('AAAA').repeat(3),
    pem(Array.from({ length: 31 }, () => 'A').join('\n')),
    '',
    7,
  ])
    expect([certificate, read({ certificate })]).toEqual([certificate, undefined]);
});

it('a port is one of 1 to 65,535, and a uid is a text', () => {
  for (const port of [1, 65_535]) expect(read({ port })).toMatchObject({ port });
  expect(read({ uid: 7 })).toBeUndefined();
  for (const address of [7, null, ['::1'], ['10.0.0.7']]) expect(read({ address })).toBeUndefined();
});

it('an entry of 4 KiB is read, and one of a byte more is not', () => {
  const usual = writeEntry({ ...entry, uid: '' }).length;
  const withUid = (bytes: number) => ({ a: writeEntry({ ...entry, uid: 'u'.repeat(bytes - usual) }) });
  expect(readEntries(withUid(4_096)).size).toBe(1);
  expect(readEntries(withUid(4_097)).size).toBe(0);
});

it('an entry that cannot be read does not hide the others', () => {
  const data = { bad: '{', worse: 'null', worst: 7, none: null, good: writeEntry(entry) };
  expect([...readEntries(data).keys()]).toEqual(['good']);
});

it.each(['10.0.0.17', '100.64.3.4', '127.0.0.1', '::1', 'fd00::1', '2001:db8::a:7'])(
  'takes the address %s',
  (address) => expect(read({ address })).toMatchObject({ address }),
);

it.each([
  ...[
    '',
    'broker',
    'broker.svc',
    'example.com',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    '0x7f.0.0.1',
    '10.0.0.7:80',
    '10.0.0.7.example.com',
    '1.2.example.com',
  ],
  ...['169.254.169.254', '::ffff:169.254.169.254', '::ffff:10.0.0.7', 'fe80::1', 'fe80::1%eth0', 'FE80::1'],
  ...[
    '0.0.0.0',
    '::',
    '224.0.0.1',
    '255.255.255.255',
    'ff02::1',
    '10.0.0.7/',
    '10.0.0.7@example.com',
    '::1]@[::2',
  ],
])('attack: the address %j is not dialled', (address) => {
  expect(read({ address })).toBeUndefined();
});

it.each([0, -1, 65_536, 1.5, '8443', null])('takes no port %j', (port) => {
  expect(read({ port })).toBeUndefined();
});

it('attack: of an entry of 1 MiB, or of 10,000 entries, little is kept', () => {
  expect(read({ more: 'x'.repeat(1024 * 1024) })).toBeUndefined();
  const many = Array.from({ length: 10_000 }, (_, index) => [`pod-${index}`, writeEntry(entry)]);
  expect(readEntries(Object.fromEntries(many)).size).toBe(32);
});
