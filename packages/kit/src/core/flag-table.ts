// One row for each flag: parser, `--help`, documents and the type of the configuration come from it.
import type { FlagType } from './flag-type.ts';

/** Compared with the original. `changed`: as `why` states. `dropped`: accepted without effect. */
export type FlagFate = 'kept' | 'changed' | 'dropped' | 'new';

interface Words {
  readonly help: string;
  /** The difference to the original. */
  readonly why?: string;
  /** The environment variable that counts if the flag is not given. */
  readonly env?: string;
  readonly aliases?: readonly string[];
}

export interface Flag<T> extends Words {
  readonly name: string;
  readonly type: FlagType<T>;
  readonly fate: FlagFate;
}

/** Flags by the key of their value in the configuration. */
export interface FlagTable {
  readonly [key: string]: Flag<unknown> | FlagTable;
}

export interface ServiceFlags<T extends FlagTable> {
  readonly settings: T;
  /** Of the original, or ours before; accepted, so that manifests and charts work. */
  readonly dropped: readonly Flag<unknown>[];
}

export type FlagValues<T extends FlagTable> = {
  readonly [K in keyof T]: T[K] extends Flag<infer V> ? V : T[K] extends FlagTable ? FlagValues<T[K]> : never;
};

const flagOf =
  (fate: FlagFate) =>
  <T>(name: string, type: FlagType<T>, words: Words): Flag<T> => ({ name, type, fate, ...words });
type Changed = <T>(name: string, type: FlagType<T>, words: Words & { readonly why: string }) => Flag<T>;

export const keptFlag = flagOf('kept');
export const changedFlag: Changed = flagOf('changed');
export const newFlag = flagOf('new');
const dropped = flagOf('dropped');
export const droppedFlag = (name: string, type: FlagType<unknown>, why: string): Flag<unknown> =>
  dropped(name, type, { help: 'Accepted without effect.', why });

export function flagsOf({ settings, dropped }: ServiceFlags<FlagTable>): readonly Flag<unknown>[] {
  return [...rowsOf(settings), ...dropped];
}

function rowsOf(table: FlagTable): readonly Flag<unknown>[] {
  return Object.values(table).flatMap((row) => (isFlag(row) ? [row] : rowsOf(row)));
}

/** The table's shape with the value of each flag. */
export function valuesIn(table: FlagTable, valueOf: (flag: Flag<unknown>) => unknown): object {
  const entries = Object.entries(table).map(([key, row]) => [
    key,
    isFlag(row) ? valueOf(row) : valuesIn(row, valueOf),
  ]);
  return Object.fromEntries(entries) as object;
}

function isFlag(row: Flag<unknown> | FlagTable): row is Flag<unknown> {
  return typeof row.name === 'string';
}
