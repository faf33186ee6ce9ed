// docs/reference/limits.md: the limits of all rooms, from the sources.
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { limitWriters } from './limit-writers.ts';
import { limitsOf, type LimitGroup } from './limits.ts';
import { code } from './markdown.ts';

interface FileLimits {
  readonly path: string;
  readonly groups: readonly LimitGroup[];
}

export function readLimits(): readonly FileLimits[] {
  return globSync('packages/*/src/**/*.ts')
    .toSorted()
    .filter((path) => !/\.test(-d)?\.ts$|\/test(ing)?\//.test(path))
    .map((path) => ({ path, groups: limitsOf(readFileSync(path, 'utf8')) }))
    .filter(({ groups }) => groups.length > 0);
}

/** Paths and names of numbers without a comment. */
export function withoutReason(files: readonly FileLimits[]): readonly string[] {
  return files.flatMap(({ path, groups }) =>
    groups
      .filter(({ reason }) => reason === '')
      .flatMap(({ limits }) => limits.map(({ name }) => `${path} ${name}`)),
  );
}

export function limitsPage(files: readonly FileLimits[]): readonly string[] {
  const rooms = Map.groupBy(files, ({ path }) =>
    dirname(path)
      .replace(/^packages\//, '')
      .replace('/src', ''),
  );
  return [
    '# Limits',
    'The numbers at the top of source files: limits, delays and shares, by room, with whoever may write what they limit, and the first sentence of the comment above them if it fits on the line ([why so](../contributor/decisions/0046-limits-beside-their-use.md)). Flags: [configuration](configuration.md).',
    ...[...rooms].flatMap(([room, those]) => roomPart(room, those)),
  ];
}

function roomPart(room: string, files: readonly FileLimits[]): readonly string[] {
  const writers = limitWriters[room];
  if (writers === undefined)
    throw new Error(`tools/docs/limit-writers.ts does not say who writes what ${room} limits`);
  return [`## ${room}`, `Written by: ${writers}.`, files.map(entryOf).join('\n')];
}

function entryOf({ path, groups }: FileLimits): string {
  const parts = groups.map(({ limits, reason }) => {
    const numbers = limits.map(({ name, value }) => `${code(name)} ${value}`).join(', ');
    return [numbers, shortReason(reason)].filter((part) => part !== '').join(': ');
  });
  return `- [${basename(path, '.ts')}](../../${path}): ${parts.join('; ')}`;
}

/** A longer sentence explains more than how the number is meant, and a single word is a unit: whoever needs it has the file open. */
const longestReason = 60;

function shortReason(reason: string): string {
  const first = reason.split(/\.(?:\s|$)/, 1).join('');
  return first.length > longestReason || !first.includes(' ') ? '' : first;
}
