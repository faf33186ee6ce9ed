import { flagsOf, type Flag, type FlagTable, type ServiceFlags } from './flag-table.ts';

/** What `--help` prints. */
export function flagHelp(flags: ServiceFlags<FlagTable>, heading: string): string {
  const entries = flagsOf({ ...flags, dropped: [] }).map((flag) => {
    const facts = [
      flag.type.default && `default ${flag.type.default}`,
      flag.env && `environment ${flag.env}`,
    ];
    const notes = facts.filter(Boolean).join(', ');
    return `  ${usage(flag)}\n      ${flagMeaning(flag)}${notes && ` (${notes})`}`;
  });
  return `${heading}\n\n${entries.join('\n')}\n`;
}

function usage({ name, aliases = [], type: { kind } }: Flag<unknown>): string {
  const names = [name, ...aliases].map((each) => `--${each}`).join(', ');
  return kind === 'boolean' ? names : `${names} ${kind}`;
}

/** The help of a flag, with a list of its choices unless the help explains each of them. */
export function flagMeaning({ help, type: { kind, choices } }: Flag<unknown>): string {
  return choices?.every((choice) => help.includes(`${choice}:`)) !== false
    ? help
    : `${help} ${kind === 'list' ? 'Some' : 'One'} of: ${choices.join(', ')}.`;
}
