// The command to run: MIC itself, or another one.
import { flagHelp, type FlagProblem, type FlagReading } from '@pod-identity/kit/core';
import { micFlags, type MicFlagValues } from './flags.ts';

type Flags = FlagReading<MicFlagValues>;

export type MicCommand =
  | { readonly kind: 'run' }
  | { readonly kind: 'explain'; readonly namespace: string; readonly pod: string }
  | { readonly kind: 'version' }
  | { readonly kind: 'help'; readonly text: string };

export interface UnknownCommand {
  readonly kind: 'unknown';
  readonly problem: FlagProblem;
}

export function readCommand(flags: Flags): MicCommand | UnknownCommand {
  if (flags.values.words.help) return { kind: 'help', text: flagHelp(micFlags, helpHeading) };
  if (flags.values.words.version) return { kind: 'version' };
  const [word, ...more] = flags.positional;
  if (word === undefined) return { kind: 'run' };
  return word === 'explain'
    ? readExplain(more, flags)
    : unknown(word, `unknown command '${word}'; there is: ${explainUsage}`);
}

/** The default namespace of a name is --namespace, as in earlier versions. */
function readExplain([pod = '', ...more]: readonly string[], flags: Flags): MicCommand | UnknownCommand {
  const [, namespace = flags.values.words.namespace, name] = /^(?:([^/]+)\/)?([^/]+)$/.exec(pod) ?? [];
  return name === undefined || more.length > 0
    ? unknown('explain', `name one pod: mic ${explainUsage}`)
    : { kind: 'explain', namespace, pod: name };
}

function unknown(name: string, message: string): UnknownCommand {
  return { kind: 'unknown', problem: { name, message } };
}

const explainUsage = 'explain NAMESPACE/POD';

const helpHeading = [
  'mic: assigns Azure identities to pods\n',
  'Usage: mic [flags]',
  `       mic ${explainUsage}`,
].join('\n');
