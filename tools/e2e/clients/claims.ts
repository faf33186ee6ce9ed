// The claims about clients in the tables of docs/reference/errors.md.
import { readFile } from 'node:fs/promises';
import { parseCell, type Behaviour } from './behaviour.ts';

const page = new URL('../../../docs/reference/errors.md', import.meta.url);

/** By the name of the client, then by the title of the column. */
export type Claims = ReadonlyMap<string, ReadonlyMap<string, Behaviour>>;

/** The claims of the tables whose first column is "Client, run here". */
export async function readClaims(): Promise<Claims> {
  const claims = new Map<string, Map<string, Behaviour>>();
  let titles: readonly string[] = [];
  for (const line of (await readFile(page, 'utf8')).split('\n')) {
    const [name = '', ...cells] = cellsOf(line);
    if (name === 'Client, run here') titles = cells;
    else if (!line.startsWith('|')) titles = [];
    else if (titles.length > 0 && !name.startsWith('---')) addRow(claims, name, { titles, cells });
  }
  return claims;
}

function addRow(
  claims: Map<string, Map<string, Behaviour>>,
  name: string,
  { titles, cells }: { readonly titles: readonly string[]; readonly cells: readonly string[] },
): void {
  const row = claims.get(name) ?? new Map<string, Behaviour>();
  for (const [index, title] of titles.entries()) row.set(title, parseCell(cells[index] ?? ''));
  claims.set(name, row);
}

function cellsOf(line: string): readonly string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}
