// The register as the table of docs/reference/inputs.md.
import { basename } from 'node:path';
import { row } from './markdown.ts';
import type { InputEntry, InputRead } from '../inputs/entry.ts';

const titles = [
  'Input',
  'Written by',
  'Largest, and how many',
  'Costs, charged to',
  'Others lose at the bound',
  'Tests',
];

/** As lines. Without padding, or a change of one cell would change every line. */
export function inputRows(entries: readonly InputEntry[], reads: readonly InputRead[]): readonly string[] {
  return [
    '<!-- prettier-ignore -->',
    row(...titles),
    row(...titles.map(() => '---')),
    ...entries.map((entry) => {
      const { input, readBy, writer, howMany, cost, charged, othersLose } = entry;
      const largest = entry.largest ?? limitsOf(entry, reads);
      return row(
        `${input} (${readBy})`,
        writer,
        `${largest}; ${howMany}`,
        `${cost}; ${charged}`,
        othersLose,
        testsOf(entry),
      );
    }),
  ];
}

function testsOf({ tests }: InputEntry): string {
  return Object.keys(tests)
    .map((file) => `[${basename(file, '.test.ts')}](../../${file})`)
    .join(', ');
}

/** Of all fields together, and of the largest one. */
function limitsOf(entry: InputEntry, reads: readonly InputRead[]): string {
  const own = reads.filter(({ id }) => entry.reads.includes(id)).map(({ upTo = 0 }) => upTo);
  const sum = own.reduce((total, upTo) => total + upTo, 0);
  return own.length === 1
    ? sizeOf(sum)
    : `${sizeOf(sum)} in ${own.length} fields, ${sizeOf(Math.max(...own))} in one`;
}

function sizeOf(bytes: number): string {
  return bytes < 1024 ? `${bytes} bytes` : `${Math.ceil(bytes / 1024)} KiB`;
}
