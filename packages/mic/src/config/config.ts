// Room: the configuration of MIC: flags and environment, read once into one frozen value, or all problems at once.
// It must not read `process`, or use a value of the configuration.
import {
  logOf,
  readFlags,
  tracingOf,
  type FlagProblem,
  type FlagReading,
  type IgnoredFlag,
  type LogSettings,
  type TracingSettings,
} from '@pod-identity/kit/core';
import { readCommand, type MicCommand, type UnknownCommand } from './command.ts';
import { micFlags, type MicFlagValues } from './flags.ts';
import { nodeProblems, nodeSettings, type NodeSettings } from './startup-taint.ts';

export type { MicCommand } from './command.ts';

export type Env = Readonly<Record<string, string | undefined>>;

type AsGiven = Omit<MicFlagValues, 'words' | 'leader' | 'log' | 'tracing' | keyof NodeSettings>;

export interface MicConfig extends AsGiven, NodeSettings {
  readonly command: MicCommand;
  /** MIC's own namespace. */
  readonly podNamespace: string;
  readonly leader: Leader;
  readonly log: LogSettings;
  readonly tracing: TracingSettings | undefined;
  /** Given flags of the original that have no effect. */
  readonly ignored: readonly IgnoredFlag[];
  /** Environment variables that are not used because of their values. */
  readonly warnings: readonly string[];
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
  const command = readCommand(flags);
  // Problems do not prevent help.
  const problems = command.kind === 'help' ? [] : problemsOf(flags, command);
  if (problems.length > 0 || command.kind === 'unknown') return { ok: false, problems };
  const { ignored, warnings } = flags;
  const log = logOf(flags.values.log, flags.given);
  return {
    ok: true,
    config: Object.freeze({ command, ...settingsOf(flags.values, from), log, ignored, warnings }),
  };
}

function settingsOf(
  values: MicFlagValues,
  { env, hostname }: { readonly env: Env; readonly hostname: string },
): Omit<MicConfig, 'command' | 'log' | 'ignored' | 'warnings'> {
  const podNamespace = env['MIC_POD_NAMESPACE'] ?? 'default';
  const { leader, tracing } = values;
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
    tracing: tracingOf(tracing, 'mic'),
  };
}

function problemsOf(
  { values, given, ...flags }: FlagReading<MicFlagValues>,
  command: MicCommand | UnknownCommand,
): readonly FlagProblem[] {
  const problems = [...flags.problems, ...nodeProblems(values)];
  if (values.debounceMs > values.debounceMaxMs) {
    problems.push({ name: 'debounce-max', message: '--debounce-max must not be shorter than --debounce' });
  }
  if (given.has('master') && given.has('kubeconfig')) {
    const message = '--master and --kubeconfig both name an API server: give one of them';
    problems.push({ name: 'master', message });
  }
  // The value of a misspelt flag looks like a command: only the flag is reported.
  if (command.kind === 'unknown' && problems.length === 0) problems.push(command.problem);
  return problems;
}
