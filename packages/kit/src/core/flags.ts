import type { FlagReading, FlagSpec } from './flag-spec.ts';
export function readFlags(
  specs: readonly FlagSpec[],
  from: { readonly argv: readonly string[]; readonly env: Readonly<Record<string, string | undefined>> },
): FlagReading {
  throw new Error('soon');
}
