// What to do: run, or print a text.
import { flagHelp, type FlagProblem, type FlagReading } from '@pod-identity/kit/core';
import { micFlags, type MicFlagValues } from './flags.ts';

type Flags = FlagReading<MicFlagValues>;

export type MicCommand =
  { readonly kind: 'run' } | { readonly kind: 'version' } | { readonly kind: 'help'; readonly text: string };

export interface UnknownCommand {
  readonly kind: 'unknown';
  readonly problem: FlagProblem;
}

export function readCommand(flags: Flags): MicCommand | UnknownCommand {
  if (flags.values.words.help) return { kind: 'help', text: flagHelp(micFlags, helpHeading) };
  if (flags.values.words.version) return { kind: 'version' };
  const [word] = flags.positional;
  return word === undefined
    ? { kind: 'run' }
    : {
        kind: 'unknown',
        problem: { name: word, message: `'${word}' is not understood: mic has no commands` },
      };
}

const helpHeading = 'mic: assigns Azure identities to pods\n\nUsage: mic [flags]';
