// The tables of flags: what they say of themselves, and whether the services use what they declare.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { flagsOf, type FlagTable } from '@pod-identity/kit/core';
import { describe, expect, test } from 'vitest';
import { micFlags } from '../../packages/mic/src/config/flags.ts';
import { nmiFlags } from '../../packages/nmi/src/config/flags.ts';
import { flagTables } from '../docs/flag-table.ts';

const packages = join(import.meta.dirname, '../../packages');
const sourcesOf = (folder: string) =>
  readdirSync(join(packages, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(packages, folder, file), 'utf8'))
    .join('\n');
const shared = sourcesOf('kit/src/core');
const tables = flagTables({ mic: micFlags, nmi: nmiFlags });

const keysOf = (table: FlagTable): readonly string[] =>
  Object.entries(table).flatMap(([key, row]) =>
    typeof row.name === 'string' ? [key] : keysOf(row as FlagTable),
  );

/** Keys that the code names only where it declares them. */
function unusedKeys(table: FlagTable, source: string): readonly string[] {
  const code = source.replaceAll(/\/\*.*?\*\/|\/\/[^\n]*|'[^'\n]*'|"[^"\n]*"/gs, '');
  return keysOf(table).filter((key) => {
    const declared = String.raw`\s*:\s*(?:kept|changed|new)Flag\b|\s*:\s*\w+Flag,`;
    return !new RegExp(String.raw`(?<![\w$])${key}(?![\w$])(?!${declared})`).test(code);
  });
}

describe.each([
  ['mic', micFlags],
  ['nmi', nmiFlags],
] as const)('the flags of %s', (service, flags) => {
  const source = sourcesOf(`${service}/src`) + shared;

  test('are each read by somebody', () => {
    expect(unusedKeys(flags.settings, source)).toEqual([]);
  });

  test('would be found if nobody read them', () => {
    const row =
      "nobodyReadsThis: newFlag('nobody', text(''), { help: 'nobodyReadsThis' }), // nobodyReadsThis";
    const [spare] = flagsOf(flags);
    const settings = { ...flags.settings, group: { nobodyReadsThis: spare } } as FlagTable;
    expect(unusedKeys(settings, `${source}\n${row}`)).toContain('nobodyReadsThis');
  });

  test('have one name each, and defaults that they accept', () => {
    const rows = flagsOf(flags);
    const names = rows.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
    const refused = rows.filter(
      ({ type }) => type.default !== undefined && 'need' in type.parse(type.default),
    );
    expect(refused).toEqual([]);
  });

  test('are all in the documents, with the reason where they differ from the original', () => {
    const page = Object.values(tables).join('\n');
    const rows = flagsOf(flags);
    for (const { name } of rows) expect(page).toMatch(new RegExp(`^(?:\\| |- .*)\`--${name}\``, 'm'));
    expect(rows.filter(({ fate, why = '' }) => /changed|dropped/.test(fate) && why === '')).toEqual([]);
  });
});

test('the documents have defaults as a user writes them', () => {
  expect(tables.mic).toContain('| `--detach-grace-period` | `5m` |');
});
