import { formatDuration, parseDuration } from './duration.ts';
import type { FlagKind, FlagSpec } from './flag-spec.ts';

export type FlagValue = string | number | boolean | readonly string[];
export type ReadValue = { readonly value: FlagValue } | { readonly problem: string };

/** As in Go's flag package. */
const truths: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(['1', 't', 'T', 'true', 'TRUE', 'True'].map((word) => [word, true])),
  ...Object.fromEntries(['0', 'f', 'F', 'false', 'FALSE', 'False'].map((word) => [word, false])),
};

const zeros = { string: '', boolean: false, integer: 0, number: 0, duration: 0, list: [] } as const;

export function defaultOf(spec: FlagSpec): FlagValue {
  return spec.default ?? zeros[spec.kind];
}

const wanted = {
  string: 'text',
  boolean: 'true or false',
  integer: 'a whole number',
  number: 'a number',
  duration: 'a duration such as 30s or 1m30s',
  list: 'a list',
} as const satisfies Record<FlagKind, string>;

/** Parses a value and checks bounds and choices. A list is comma-separated. */
export function readValue(spec: FlagSpec, text: string): ReadValue {
  if (spec.words?.includes(text)) return { value: text };
  // Without the text: it may have a password.
  if (spec.isUrl === true && !isUrl(text))
    return { problem: 'must be a URL with http or https, such as http://collector:4318' };
  const value = parseValue(spec.kind, text);
  const need = value === undefined ? wantedFor(spec) : unmetNeed(spec, value);
  if (value !== undefined && need === undefined) return { value };
  return { problem: `must be ${need}, not "${text}"` };
}

function isUrl(text: string): boolean {
  const protocol = URL.parse(text)?.protocol;
  return text === '' || protocol === 'http:' || protocol === 'https:';
}

function wantedFor({ kind, words }: FlagSpec): string {
  return words ? `true, false or ${words.join(' or ')}` : wanted[kind];
}

function parseValue(kind: FlagKind, text: string): FlagValue | undefined {
  switch (kind) {
    case 'string':
      return text;
    case 'boolean':
      return truths[text];
    case 'integer':
      return /^[+-]?\d+$/.test(text) ? Number(text) : undefined;
    case 'number':
      return /\d/.test(text) && Number.isFinite(Number(text)) ? Number(text) : undefined;
    case 'duration':
      return parseDuration(text);
    case 'list':
      return text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
  }
}

function unmetNeed(spec: FlagSpec, value: FlagValue): string | undefined {
  if (typeof value === 'number') return unmetBound(spec, value);
  if (typeof value === 'boolean' || !spec.choices) return undefined;
  const { choices } = spec;
  const items = typeof value === 'string' ? [value] : value;
  return items.every((item) => choices.includes(item)) ? undefined : `one of ${choices.join(', ')}`;
}

function unmetBound({ kind, min = -Infinity, max = Infinity }: FlagSpec, value: number): string | undefined {
  const shown = (bound: number) => (kind === 'duration' ? formatDuration(bound) : `${bound}`);
  if (value < min) return `at least ${shown(min)}`;
  return value > max ? `at most ${shown(max)}` : undefined;
}
