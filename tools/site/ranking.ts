// What the search of the site finds, and in which order. Runs in the browser: no import of Node's.

/** A heading of a page with the text below it, or something that a library exports. */
export interface Entry {
  readonly title: string;
  readonly page: string;
  readonly shelf: string;
  /** From the root of the site. */
  readonly url: string;
  readonly text: string;
}

/** Who searches is most often somebody who runs a cluster: what explains how the code came about comes last. */
const weights: Readonly<Record<string, number>> = {
  Administrator: 1.5,
  'App developer': 1.3,
  Reference: 1.2,
  Decisions: 0.4,
  Attacks: 0.4,
};
const shown = 20;
/** A long table that names a word often isn't a better answer for that. */
const mostHits = 4;

/** Entries that have all words; if none has, those that have some. */
export function find(entries: readonly Entry[], query: string): Entry[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const scored = entries.map((entry) => ({ entry, ...score(entry, words) })).filter(({ hit }) => hit > 0);
  const all = scored.filter(({ hit }) => hit === words.length);
  return (all.length > 0 ? all : scored)
    .toSorted((one, other) => other.hit - one.hit || other.points - one.points)
    .slice(0, shown)
    .map(({ entry }) => entry);
}

function score(entry: Entry, words: readonly string[]): { hit: number; points: number } {
  const [title, page, text] = [entry.title, entry.page, entry.text].map((one) => one.toLowerCase()) as [
    string,
    string,
    string,
  ];
  const phrase = words.join(' ');
  const points = words.map(
    (word) => 20 * starts(title, word) + 8 * starts(page, word) + 2 * count(text, word),
  );
  const hit = points.filter((one) => one > 0).length;
  const together = (title.includes(phrase) ? 40 : 0) + (text.includes(phrase) ? 15 : 0);
  const sum = points.reduce((one, other) => one + other, 0) + (words.length > 1 ? together : 0);
  return { hit, points: sum * (weights[entry.shelf] ?? 1) };
}

/** 1 for a word that begins so, less for a hit in a word, 0 for none. */
function starts(text: string, word: string): number {
  const at = text.indexOf(word);
  if (at < 0) return 0;
  return at === 0 || /[^\p{L}\p{N}]/u.test(text.charAt(at - 1)) ? 1 : 0.3;
}

function count(text: string, word: string): number {
  let [hits, at] = [0, text.indexOf(word)];
  for (; at >= 0 && hits < mostHits; at = text.indexOf(word, at + word.length)) hits += 1;
  return hits === 0 ? 0 : hits - 1 + starts(text, word);
}

export interface Piece {
  readonly text: string;
  readonly isHit: boolean;
}

/** The part of the text around the first hit, with its hits marked. */
export function excerpt(text: string, query: string, length = 160): Piece[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const near = Math.max(0, firstHit(text.toLowerCase(), words) - length / 4);
  const start = near === 0 ? 0 : text.indexOf(' ', near) + 1;
  const part = text.slice(start, start + length);
  const pattern = new RegExp(`(${words.map(quoted).join('|')})`, 'giu');
  return part
    .split(pattern)
    .map((piece, index) => ({ text: piece, isHit: index % 2 === 1 }))
    .filter((piece) => piece.text !== '');
}

/** Where all words stand together, else where one begins a word, else where one is. */
function firstHit(text: string, words: readonly string[]): number {
  const whole = words.flatMap((word) =>
    Array.from(
      text.matchAll(new RegExp(`(?<![\\p{L}\\p{N}])${quoted(word)}(?![\\p{L}\\p{N}])`, 'gu')),
      ({ index }) => index,
    ),
  );
  const together = text.indexOf(words.join(' '));
  if (together >= 0) return together;
  const found = whole.length > 0 ? whole : words.map((word) => text.indexOf(word)).filter((at) => at >= 0);
  return found.length === 0 ? 0 : Math.min(...found);
}

const quoted = (word: string): string => word.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
