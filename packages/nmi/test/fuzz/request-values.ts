// Requests as clients send them, with mistakes in any part: route, parameters, encodings, lengths at bounds, repeated headers.
// Latin-1: one character is one byte.
import { clientIdOf, objectIdOf, resourceIdOf } from '../builders.ts';
import type { Chance } from './chance.ts';
import { headerLines } from './corpus.ts';
import { drawTarget } from './raw-requests.ts';
import { peers } from './request-stage.ts';

export interface RawRequest {
  readonly peer: string;
  readonly method: string;
  readonly target: string;
  /** Header lines without their ends. */
  readonly lines: readonly string[];
}

const resources = [
  ...['https://vault.azure.net', 'https://management.azure.com/', 'https://graph.microsoft.com/.default'],
  ...['00000003-0000-0000-c000-000000000000', 'api://a/b', 'urn:a:b', '/.default', 'https://a/.default/', ''],
  ...[
    'https://a//.default',
    'https://a/.default/.default/',
    'a',
    '%',
    '"',
    '{}',
    'https://a?b=c#d',
    '-',
    '*',
  ],
];
const ids = [
  ...['reader', 'writer', 'app', 'other'].flatMap((name) => [
    clientIdOf(name),
    objectIdOf(name),
    resourceIdOf(name),
  ]),
  ...[
    '',
    'a',
    '/',
    '/subscriptions//',
    '..',
    '__proto__',
    'constructor',
    '0',
    'true',
    'null',
    '[object Object]',
  ],
];
const flags = [
  'true',
  'True',
  'false',
  '',
  '1',
  'cp1',
  'cp1,cp2',
  ',',
  '2018-02-01',
  '{"a":1}',
  'x'.repeat(64),
];

/** Names of parameters, and values that fit. */
const parameters: readonly (readonly [string, readonly string[]])[] = [
  ['resource', resources],
  ['client_id', ids],
  ['object_id', ids],
  ['msi_res_id', ids],
  ['mi_res_id', ids],
  ['msi-res-id', ids],
  ['clientid', ids],
  ['principal_id', ids],
  ['bypass_cache', flags],
  ['xms_cc', flags],
  ['token_sha256_to_refresh', flags],
  ['api-version', flags],
  ['authority', flags],
  ['challenge', ['0123456789abcdef0123456789abcdef', '', 'x']],
  ['', flags],
  ['__proto__', flags],
];

/** What a value must not have, or what looks like nothing: each is one or more characters of Unicode. */
const oddities = [
  ...[
    ' ',
    '  ',
    '\t',
    '\n',
    '\r\n',
    '\v',
    '\f',
    '\0',
    '\u001f',
    '\u007f',
    '\u0085',
    '\u00a0',
    '\u00ad',
    '\u1680',
  ],
  ...[
    '\u180e',
    '\u2000',
    '\u200b',
    '\u200d',
    '\u2028',
    '\u2029',
    '\u202e',
    '\u202f',
    '\u205f',
    '\u2060',
    '\u3000',
  ],
  ...[
    '\ufeff',
    '\ufffd',
    '\uffff',
    '\u00e9',
    '\u0130',
    '\u0131',
    '\u212a',
    '\u{1f600}',
    'e\u0301',
    '+',
    '%20',
    '&',
  ],
  ...[
    '=',
    '#',
    ';',
    ',',
    "'",
    '"',
    '<',
    '\\',
    '/.default',
    '/',
    '|',
    '`',
    '^',
    '{',
    '${x}',
    '..',
    '://',
    '@',
    ':',
  ],
];

/** Bytes that are no UTF-8, or no encoding. */
const encodings = [
  '%FF',
  '%ED%A0%80',
  '%C0%AF',
  '%E2%80',
  '%',
  '%z',
  '%u2028',
  '%00',
  '%0d%0a',
  '%25%32%30',
  '+',
];
const lengths = [63, 64, 65, 255, 256, 2_047, 2_048, 2_049, 4_096, 8_150, 8_192, 9_000];

export function drawRequest(chance: Chance): RawRequest {
  const lines = drawHeaders(chance);
  const method = chance.once(20) ? chance.one(otherMethods) : 'GET';
  return { peer: chance.one(peers), method, target: withBytesChanged(drawPlace(chance), chance), lines };
}

const paths = [
  ...Array.from({ length: 12 }, () => '/metadata/identity/oauth2/token'),
  ...['/metadata/identity/oauth2/token/', '//Metadata//Identity/OAuth2/Token', '/host/token', '/host/token/'],
  ...['/metadata/instance', '/metadata/identity/info'],
];

function drawPlace(chance: Chance): string {
  return chance.once(16) ? drawTarget(chance) : `${chance.one(paths)}?${drawQuery(chance)}`;
}

function drawQuery(chance: Chance): string {
  const drawn = [drawParameter(chance, chance.once(12) ? chance.one(parameters) : parameters[0]!)];
  for (let more = chance.below(4); more > 0; more -= 1)
    drawn.push(drawParameter(chance, chance.one(parameters)));
  if (chance.once(20)) drawn.push(chance.one(drawn));
  if (chance.once(2)) drawn.reverse();
  return drawn.join(chance.once(50) ? chance.one(['&&', ';', '&amp;', '?']) : '&');
}

type Parameter = (typeof parameters)[number];

function drawParameter(chance: Chance, [name, values]: Parameter): string {
  const spelled = chance.once(12) ? misspelled(name, chance) : name;
  let value = chance.one(values);
  if (chance.once(3)) value = inserted(value, chance.one(oddities), chance);
  if (chance.once(25)) value = lengthened(value, chance.one(lengths), chance);
  const text = `${spelled}${chance.once(40) ? chance.one(['', '==', '%3d']) : '='}${encoded(value, chance)}`;
  return chance.once(15) ? inserted(text, chance.one(encodings), chance) : text;
}

function misspelled(name: string, chance: Chance): string {
  const odd = chance.one([...oddities, 's', '_']);
  return chance.one([
    name.toUpperCase(),
    encoded(name, chance),
    encoded(inserted(name, odd, chance), chance),
  ]);
}

function inserted(text: string, piece: string, chance: Chance): string {
  const at = chance.one([0, text.length, chance.below(text.length + 1)]);
  return text.slice(0, at) + piece + text.slice(at);
}

/** To that many characters, mostly exactly. */
function lengthened(text: string, length: number, chance: Chance): string {
  const filler = chance.one(['a', '/', ' ', '\u00a0', '/.default', '%']);
  return (text + filler.repeat(Math.ceil(length / filler.length))).slice(0, length);
}

function encoded(text: string, chance: Chance): string {
  const bytes = Buffer.from(text);
  switch (chance.below(12)) {
    case 0:
      return bytes.toString('hex').replace(/../g, '%$&');
    case 1:
      return new URLSearchParams({ a: text }).toString().slice(2);
    case 2:
      // Not encoded, also where that is no URL.
      return bytes.toString('latin1');
    default:
      // A pair of surrogates may have been cut in two.
      return encodeURIComponent(text.toWellFormed());
  }
}

function withBytesChanged(target: string, chance: Chance): string {
  let changed = target;
  for (let changes = chance.once(8) ? chance.below(4) : 0; changes > 0; changes -= 1) {
    const at = chance.below(changed.length + 1);
    changed = changed.slice(0, at) + drawByte(chance) + changed.slice(at + chance.below(2));
  }
  return changed;
}

const drawByte = (chance: Chance) =>
  chance.once(4) ? chance.one(encodings) : String.fromCharCode(chance.below(256));

const otherMethods = ['HEAD', 'POST', 'PUT', 'OPTIONS', 'DELETE', 'PATCH'];
const hosts = ['Host: 169.254.169.254', 'Host: localhost', 'Host: [::1]:80', 'Host:'];
const podNames = [
  'one',
  'two',
  'application',
  'exempt',
  'nothing',
  '',
  'a/b',
  '__proto__',
  '\u00ff',
  'x'.repeat(300),
];

function drawHeaders(chance: Chance): string[] {
  const lines = [chance.one(hosts), 'Metadata: true'];
  if (chance.once(2)) lines.push(`podname: ${chance.one(podNames)}`, 'podns: default');
  for (let more = chance.once(4) ? 1 + chance.below(3) : 0; more > 0; more -= 1)
    lines.splice(chance.below(lines.length + 1), chance.below(2), drawHeader(chance, lines));
  return lines;
}

const drawHeader = (chance: Chance, lines: readonly string[]) =>
  chance.once(3) && lines.length > 0
    ? inserted(chance.one(lines), String.fromCharCode(chance.below(256)), chance)
    : chance.one(headerLines);
