// Writes the generated parts of the chart: the table of values in its README.md, and crds/, copies of deploy/crds. --check prints what is stale
// instead, and fails.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { settle } from './generated-files.ts';
import { code, row, table } from './markdown.ts';
import { inChart } from '../chart/places.ts';
import { valueRows } from '../chart/value-rows.ts';
import { repository } from '../stage/places.ts';

const page = inChart('README.md');
const [start, end] = ['<!-- values: made by tools/docs/gen-chart.ts -->', '<!-- end of values -->'];

function valuesTable(): string {
  const rows = valueRows(readFileSync(inChart('values.yaml'), 'utf8')).map(
    ({ path, default: value, meaning, compared }) => row(code(path), code(value), meaning, compared),
  );
  return table(['Value', 'Default', 'Meaning', "Compared with the original's chart"], rows);
}

async function pageWithTables(): Promise<string> {
  const text = readFileSync(page, 'utf8');
  const [before, after] = [text.indexOf(start), text.indexOf(end)];
  if (before < 0 || after < before) throw new Error('README.md of the chart has no marks for the values');
  const part = `${start}\n\n${valuesTable()}\n\n`;
  return format(text.slice(0, before) + part + text.slice(after), {
    ...(await resolveConfig(page)),
    parser: 'markdown',
  });
}

const definitions = join(repository, 'deploy/crds');
settle(
  [
    { path: 'charts/pod-identity/README.md', text: await pageWithTables() },
    ...readdirSync(definitions)
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => ({
        path: `charts/pod-identity/crds/${name}`,
        text: readFileSync(join(definitions, name), 'utf8'),
      })),
  ],
  { command: 'node tools/docs/gen-chart.ts', noun: 'parts of the chart' },
);
