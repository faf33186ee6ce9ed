// The command to run: MIC itself, or another one.
import type { AccessSubject } from '@pod-identity/crd-types';
import { flagHelp, type FlagProblem, type FlagReading } from '@pod-identity/kit/core';
import { micFlags, type MicFlagValues } from './flags.ts';

type Flags = FlagReading<MicFlagValues>;

export type MicCommand =
  | { readonly kind: 'run' }
  | { readonly kind: 'explain'; readonly namespace: string; readonly pod: string }
  | { readonly kind: 'access'; readonly subject: AccessSubject; readonly id?: string }
  | { readonly kind: 'access-report' }
  | { readonly kind: 'version' }
  | { readonly kind: 'help'; readonly text: string };

export interface UnknownCommand {
  readonly kind: 'unknown';
  readonly problem: FlagProblem;
}

type Read = (words: readonly string[], flags: Flags) => MicCommand | UnknownCommand;

const commands: Readonly<Record<string, Read>> = {
  explain: readExplain,
  access: readAccess,
  'access-report': (words) =>
    words.length === 0 ? { kind: 'access-report' } : unknown('access-report', 'takes no arguments'),
};

export function readCommand(flags: Flags): MicCommand | UnknownCommand {
  if (flags.values.words.help) return { kind: 'help', text: flagHelp(micFlags, helpHeading) };
  if (flags.values.words.version) return { kind: 'version' };
  const [word, ...more] = flags.positional;
  if (word === undefined) return { kind: 'run' };
  const read = Object.hasOwn(commands, word) ? commands[word] : undefined;
  return read?.(more, flags) ?? unknown(word, `unknown command '${word}'; there are: ${usages.join('; ')}`);
}

/** The default namespace of a name is --namespace, as in earlier versions. */
function readExplain([pod = '', ...more]: readonly string[], flags: Flags): MicCommand | UnknownCommand {
  const [, namespace = flags.values.words.namespace, name] = /^(?:([^/]+)\/)?([^/]+)$/.exec(pod) ?? [];
  return name === undefined || more.length > 0
    ? unknown('explain', 'name one pod: mic explain NAMESPACE/POD')
    : { kind: 'explain', namespace, pod: name };
}

function readAccess([who = '', id, ...more]: readonly string[]): MicCommand | UnknownCommand {
  const [, namespace, name] = /^([^/]+)\/([^/]+)$/.exec(who) ?? [];
  if (namespace === undefined || name === undefined || more.length > 0)
    return unknown('access', 'name one ServiceAccount: mic access NAMESPACE/SERVICEACCOUNT [ID]');
  return { kind: 'access', subject: { namespace, name }, ...(id !== undefined && { id }) };
}

function unknown(name: string, message: string): UnknownCommand {
  return { kind: 'unknown', problem: { name, message } };
}

const usages = ['explain NAMESPACE/POD', 'access NAMESPACE/SERVICEACCOUNT [ID]', 'access-report'] as const;

const helpHeading = [
  'mic: assigns Azure identities to pods\n',
  'Usage: mic [flags]',
  ...usages.map((usage) => `       mic ${usage}`),
].join('\n');
