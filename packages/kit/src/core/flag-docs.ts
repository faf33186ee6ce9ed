import type { FlagSpec } from './flag-spec.ts';
export function flagHelp(specs: readonly FlagSpec[], heading: string): string { throw new Error('soon'); }
export function flagTable(specs: readonly FlagSpec[]): string { throw new Error('soon'); }
