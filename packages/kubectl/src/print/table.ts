// Room: what commands print: tables, JSON, YAML, findings in words.
// It must not know what is printed, or write it anywhere.
import { printable } from '@pod-identity/kit/core';

export interface Column {
  readonly name: string;
  /** Printed with `-o wide` alone. */
  readonly isWide?: boolean;
}

export interface Table {
  readonly columns: readonly Column[];
  /** As many cells as there are columns. */
  readonly rows: readonly (readonly string[])[];
}

const gap = '   ';

/** A longer cell moves the rest of its own row alone: one long text of an object must not become as many spaces in every row. */
const widest = 120;

/** As kubectl prints tables: columns as wide as their widest cell, and the last one unchanged. */
export function tableLines({ columns, rows }: Table, isWide: boolean): readonly string[] {
  const shown = columns.map((column) => isWide || column.isWide !== true);
  const pick = (cells: readonly string[]) => cells.filter((_, at) => shown[at] === true);
  const lines = [columns.map(({ name }) => name), ...rows].map((cells) => pick(cells).map(cellOf));
  const widths = (lines[0] ?? []).map((_, at) =>
    lines.reduce((width, cells) => Math.max(width, Math.min(lengthOf(cells[at]), widest)), 0),
  );
  return lines.map((cells) =>
    cells
      .map((cell, at) =>
        at === cells.length - 1 ? cell : cell + ' '.repeat(Math.max(0, (widths[at] ?? 0) - lengthOf(cell))),
      )
      .join(gap)
      .trimEnd(),
  );
}

/** Nothing is `<none>`, so that programs that count columns find it. */
const cellOf = (text: string) => (text === '' ? '<none>' : printable(text));
/** Characters, not the halves of those beyond the first 65,536. */
const lengthOf = (text = '') => Array.from(text).length;
