// Room: the command line: which commands there are, what they are given, how they end.
// It must not decide anything about identities, or know a single command beyond its declaration.
import type { Clock } from '@pod-identity/kit/core';
import type { KubeTransport } from '@pod-identity/kit/kube';
import type { Format, Out, Terminal } from '../print/output.ts';

/** One command of the plug-in: all that the command line knows of it. */
export interface PlugInCommand {
  /** For example `explain`. */
  readonly name: string;
  /** One line for `--help`. */
  readonly summary: string;
  readonly args?: readonly Argument[];
  readonly options?: readonly Option[];
  /** What follows `kubectl azure-pod-identity`. */
  readonly examples: readonly string[];
  /** It goes on until it is interrupted: it has no deadline then. */
  readonly isEndless?: true;
  /** The exit code. */
  run(session: Session, given: Given): Promise<number>;
}

interface Argument {
  readonly name: string;
  readonly what: string;
  readonly optional?: boolean;
}

interface Option {
  /** As commander writes them: `--since <duration>`. */
  readonly flags: string;
  readonly what: string;
  readonly default?: string;
}

export interface Given {
  readonly args: readonly string[];
  /** By their names in camel case: `--dry-run` is `dryRun`. */
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
}

/** What a command uses of the cluster, the terminal and the process. */
export interface Session {
  readonly kube: KubeTransport;
  /** Undefined: all of them (`-A`). */
  readonly namespace: string | undefined;
  readonly format: Format;
  readonly out: Out;
  /** A line on standard error. */
  readonly err: (text: string) => void;
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Where commands that are shown go, if not to this cluster; `out` and `err` have it printed. */
  readonly clusterNote: string | undefined;
}

/** A sentence for the user about what was asked: the exit code is 2, or the given one. */
export class CommandProblem extends Error {
  override readonly name = 'CommandProblem';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.unknown) {
    super(message);
    this.exitCode = exitCode;
  }
}

export const exitCodes = {
  /** What was asked is so; no problem was found. */
  ok: 0,
  problem: 1,
  /** It could not be determined: wrong arguments, no API server, missing rights. */
  unknown: 2,
} as const;
