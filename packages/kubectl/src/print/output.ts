import { asciiJson, printable } from '@pod-identity/kit/core';
import { stringify } from 'yaml';
import { tableLines, type Table } from './table.ts';

export const formats = ['table', 'wide', 'json', 'yaml'] as const;
export type Format = (typeof formats)[number];

/** Whether `-o` wants an object, and no text. */
export const isForPrograms = ({ format }: { readonly format: Format }) =>
  format === 'json' || format === 'yaml';

/** Standard output. Characters that control a terminal are escaped. */
export interface Out {
  line(text: string): void;
  table(table: Table): void;
  /** As JSON, or as YAML with `-o yaml`. */
  object(value: unknown): void;
}

export interface Terminal {
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly colour: boolean;
}

/** What `-o` says, over a function that writes a line. */
export function createOut(format: Format, write: (line: string) => void): Out {
  return {
    line: (text) => write(printable(text)),
    table: (table) => {
      for (const line of tableLines(table, format === 'wide')) write(line);
    },
    object: (value) =>
      write(format === 'yaml' ? yamlOf(value) : asciiJson(JSON.stringify(value, undefined, 2))),
  };
}

/** Of what the JSON would have. */
function yamlOf(value: unknown): string {
  const plain: unknown = JSON.parse(JSON.stringify(value));
  const lines = stringify(plain, { aliasDuplicateObjects: false }).trimEnd().split('\n');
  return lines.map(printable).join('\n');
}

/** `NO_COLOR`: https://no-color.org */
export function terminalOf(
  output: { readonly isTTY?: boolean; readonly columns?: number },
  env: Readonly<Record<string, string | undefined>>,
): Terminal {
  const isTerminal = output.isTTY === true;
  const isPlain = Boolean(env['NO_COLOR']) || env['TERM'] === 'dumb';
  return { isTerminal, columns: output.columns ?? 80, colour: isTerminal && !isPlain };
}
