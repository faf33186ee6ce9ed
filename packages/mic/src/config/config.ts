// Room: the configuration of MIC: flags and environment, read once into one frozen value, or all problems at once.
// It must not read `process`, or use a value of the configuration.
import {
  flagHelp,
  logOf,
  readFlags,
  type FlagProblem,
  type FlagReading,
  type IgnoredFlag,
  type LogSettings,
  type ObjectName,
} from '@pod-identity/kit/core';
import { micFlags, type MicFlagValues } from './flags.ts';

export type Env = Readonly<Record<string, string | undefined>>;

type AsGiven = Omit<MicFlagValues, 'words' | 'leader' | 'log' | keyof NodeSettings>;

type Command = { readonly kind: 'run' | 'version' } | { readonly kind: 'help'; readonly text: string };

export interface MicConfig extends AsGiven, NodeSettings {
  readonly command: Command;
  /** MIC's own namespace. */
  readonly podNamespace: string;
  readonly leader: Leader;
  readonly log: LogSettings;
  /** Given flags of the original that have no effect. */
  readonly ignored: readonly IgnoredFlag[];
}

/** Undefined: no node is changed, and no pod of NMI is looked at. */
interface NodeSettings {
  /** The key of the taint that is removed when NMI's pod of the node is ready. */
  readonly startupTaint: string | undefined;
  /** The DaemonSet of NMI. */
  readonly nmi: ObjectName | undefined;
}

interface Leader {
  readonly identity: string;
  readonly namespace: string;
  readonly name: string;
  readonly durationMs: number;
  readonly renewMs: number;
  readonly retryMs: number;
}

export type ConfigReading =
  | { readonly ok: true; readonly config: MicConfig }
  | { readonly ok: false; readonly problems: readonly FlagProblem[] };

export function readMicConfig(from: {
  readonly argv: readonly string[];
  readonly env: Env;
  readonly hostname: string;
}): ConfigReading {
  const flags = readFlags(micFlags, from);
  const command = commandOf(flags.values.words);
  // Problems do not prevent help.
  const problems = command.kind === 'help' ? [] : problemsOf(flags);
  if (problems.length > 0) return { ok: false, problems };
  const log = logOf(flags.values.log, flags.given);
  const { ignored } = flags;
  return { ok: true, config: Object.freeze({ command, ...settingsOf(flags.values, from), log, ignored }) };
}

function commandOf({ help, version }: MicFlagValues['words']): Command {
  if (help) return { kind: 'help', text: flagHelp(micFlags, helpHeading) };
  return { kind: version ? 'version' : 'run' };
}

const helpHeading = 'mic: assigns Azure identities to pods\n\nUsage: mic [flags]';

function settingsOf(
  values: MicFlagValues,
  { env, hostname }: { readonly env: Env; readonly hostname: string },
): Omit<MicConfig, 'command' | 'log' | 'ignored'> {
  const podNamespace = env['MIC_POD_NAMESPACE'] ?? 'default';
  const { leader } = values;
  return {
    ...values,
    ...nodeSettings(values, podNamespace),
    podNamespace,
    leader: {
      identity: leader.identity ?? hostname,
      namespace: leader.namespace ?? podNamespace,
      name: leader.name,
      durationMs: leader.durationMs,
      renewMs: leader.durationMs / 2,
      retryMs: leader.durationMs / 4,
    },
  };
}

/**
 * Many users may create pods in the namespace `default`, also one that looks like NMI's. There the taint is not removed unless an
 * administrator has named the DaemonSet.
 */
function nodeSettings({ startupTaint, nmi }: MicFlagValues, podNamespace: string): NodeSettings {
  const removesTaint = startupTaint !== '' && (nmi !== undefined || podNamespace !== 'default');
  return removesTaint
    ? { startupTaint, nmi: nmi ?? { namespace: podNamespace, name: 'nmi' } }
    : { startupTaint: undefined, nmi: undefined };
}

function problemsOf({
  values,
  given,
  positional,
  ...flags
}: FlagReading<MicFlagValues>): readonly FlagProblem[] {
  const problems = [...flags.problems];
  if (given.has('master') && given.has('kubeconfig')) {
    const message = '--master and --kubeconfig both name an API server: give one of them';
    problems.push({ name: 'master', message });
  }
  // The value of a misspelt flag looks like a command: only the flag is reported.
  const [word] = positional;
  if (word !== undefined && !values.words.version && problems.length === 0)
    problems.push({ name: word, message: `'${word}' is not understood: mic has no commands` });
  return problems;
}
