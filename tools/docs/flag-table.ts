import { flagMeaning, flagsOf, type Flag, type FlagTable, type ServiceFlags } from '@pod-identity/kit/core';
import { code, row, table } from './markdown.ts';

/** The flags of a service, as a Markdown table. */
export function flagTable(flags: ServiceFlags<FlagTable>): string {
  return table(['Flag', 'Default', 'Meaning', 'Compared with the original'], flagsOf(flags).map(rowOf));
}

function rowOf(flag: Flag<unknown>): string {
  const { name, env, type, fate, why } = flag;
  return row(
    code(`--${name}`) + (env === undefined ? '' : ` or ${code(env)}`),
    fate === 'dropped' ? '' : code(type.default ?? ''),
    flagMeaning(flag),
    why === undefined ? fate : `${fate}: ${why}`,
  );
}
