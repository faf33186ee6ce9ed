import { flagMeaning, flagsOf, type Flag, type FlagTable, type ServiceFlags } from '@pod-identity/kit/core';
import { code, row, table } from './markdown.ts';

interface Services {
  readonly mic: ServiceFlags<FlagTable>;
  readonly nmi: ServiceFlags<FlagTable>;
}

/** As Markdown: the flags that both services have with one meaning, and those of each. */
export function flagTables({ mic, nmi }: Services): Readonly<Record<'both' | 'mic' | 'nmi', string>> {
  const rowsOfMic = new Set(flagsOf(mic).map(rowOf));
  const both = flagsOf(nmi).filter((flag) => rowsOfMic.has(rowOf(flag)));
  const names = new Set(both.map(({ name }) => name));
  const own = (flags: ServiceFlags<FlagTable>) => flagsOf(flags).filter(({ name }) => !names.has(name));
  return { both: tableOf(both), mic: tableOf(own(mic)), nmi: tableOf(own(nmi)) };
}

function tableOf(flags: readonly Flag<unknown>[]): string {
  const dropped = Map.groupBy(
    flags.filter(({ fate }) => fate === 'dropped'),
    ({ why = '' }) => why,
  );
  const used = flags.filter(({ fate }) => fate !== 'dropped').map(rowOf);
  const unused = [...dropped].map(
    ([why, those]) => `- ${those.map(({ name }) => code(`--${name}`)).join(', ')}: ${why}`,
  );
  return [
    table(['Flag', 'Default', 'Meaning', 'Compared with the original'], used),
    ...(unused.length > 0 ? ['Accepted without effect:', unused.join('\n')] : []),
  ].join('\n\n');
}

function rowOf(flag: Flag<unknown>): string {
  const { name, env, type, fate, why } = flag;
  return row(
    code(`--${name}`) + (env === undefined ? '' : ` or ${code(env)}`),
    code(type.default ?? ''),
    flagMeaning(flag),
    why === undefined ? fate : `${fate}: ${why}`,
  );
}
