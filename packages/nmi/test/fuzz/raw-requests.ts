import type { Chance } from './chance.ts';
import {
  bodies,
  headerLines,
  honestTargets,
  methods,
  oddities,
  pieces,
  targets,
  versions,
} from './corpus.ts';

/** A target out of the corpus, changed a little or not at all, or put together from pieces. */
export function drawTarget(chance: Chance): string {
  if (chance.once(6)) return `/${Array.from({ length: chance.below(8) }, () => chance.one(pieces)).join('')}`;
  let target = chance.one(chance.once(3) ? honestTargets : targets);
  if (chance.once(8)) target = `http://169.254.169.254${target}`;
  for (let changes = chance.below(4); changes > 0; changes -= 1) target = changeTarget(target, chance);
  return target;
}

function changeTarget(target: string, chance: Chance): string {
  const at = chance.below(target.length + 1);
  const [before, after] = [target.slice(0, at), target.slice(at)];
  switch (chance.below(6)) {
    case 0:
      return before + chance.one(pieces) + after;
    case 1:
      return before + after.slice(1 + chance.below(4));
    case 2:
      return before + escaped(after.slice(0, 1), chance) + after.slice(1);
    case 3:
      return before + swapCase(after.slice(0, 1)) + after.slice(1);
    case 4:
      return before + String.fromCharCode(chance.below(256)) + after.slice(1);
    default:
      return before + chance.one(targets).slice(chance.below(12));
  }
}

function escaped(character: string, chance: Chance): string {
  if (character === '') return '%';
  const hex = character.charCodeAt(0).toString(16).padStart(2, '0');
  return chance.one([`%${hex}`, `%${hex.toUpperCase()}`, `%25${hex}`, `%u00${hex}`]);
}

const swapCase = (character: string) =>
  character === character.toLowerCase() ? character.toUpperCase() : character.toLowerCase();

/** The server closes a connection on which more than four requests are unanswered. */
const together = 3;

/**
 * What comes over one connection, in parts that wait for all answers to the one before: requests that are HTTP, whatever their
 * targets, and often one or two at the end that may not be. Nothing is read after those that are none, so they come last.
 */
export function drawConnection(chance: Chance): readonly (readonly string[])[] {
  const sound = Array.from({ length: 1 + chance.below(16) }, () => drawSound(chance));
  const wild = Array.from({ length: chance.below(3) }, () => drawWild(chance));
  const parts: string[][] = [];
  for (let at = 0; at < sound.length; at += together) parts.push(sound.slice(at, at + together));
  const last = parts.at(-1) ?? [];
  if (last.length + wild.length > together) parts.push(wild);
  else last.push(...wild);
  return parts;
}

/** Header lines that can be added to any request without making it none. */
const soundLines = headerLines.filter((line) =>
  /^(?:Metadata|X-|Forwarded|Authorization|Cookie|podn|Dest)/i.test(line),
);

function drawSound(chance: Chance): string {
  const target = drawTarget(chance).replace(/[^\x21-\x7e]/g, (character) => escaped(character, chance));
  const lines = ['Host: 169.254.169.254', 'Metadata: true', 'X-Smuggled: smuggled'];
  if (chance.once(4)) lines.splice(chance.below(3), chance.below(2), chance.one(soundLines));
  return `${chance.once(12) ? 'HEAD' : 'GET'} ${target === '' ? '/' : target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}

function drawWild(chance: Chance): string {
  if (chance.once(4)) return chance.one(oddities);
  const lines = ['Host: 169.254.169.254', 'Metadata: true', 'X-Smuggled: smuggled'];
  for (let more = chance.below(4); more > 0; more -= 1)
    lines.splice(chance.below(lines.length + 1), chance.below(2), chance.one(headerLines));
  const end = chance.one(['\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', '\r\r\n', ' \r\n']);
  const head = [`${chance.one(methods)} ${drawTarget(chance)} ${chance.one(versions)}`, ...lines].join(end);
  return damaged(`${head}${end}${end}${chance.one(bodies)}`, chance);
}

/** Now and then a byte is lost, doubled or turned into another one. */
function damaged(raw: string, chance: Chance): string {
  if (!chance.once(8)) return raw;
  const at = chance.below(raw.length);
  return (
    raw.slice(0, at) +
    chance.one(['', '\r', '\n', ' ', '\0', raw.charAt(at) + raw.charAt(at)]) +
    raw.slice(at + 1)
  );
}

/** Where the bytes of a connection are cut into separate writes: ascending positions, mostly none. */
export function drawCuts(length: number, chance: Chance): readonly number[] {
  if (!chance.once(8)) return [];
  return Array.from({ length: 1 + chance.below(3) }, () => chance.below(length)).sort((a, b) => a - b);
}
