// One call of the plug-in, from its arguments to its exit code.
import { CommanderError } from 'commander';
import {
  ConfigurationError,
  DeadlinePassed,
  printable,
  value,
  withDeadline,
  type Clock,
} from '@pod-identity/kit/core';
import { KubeError } from '@pod-identity/kit/kube';
import { connect, describeFailure, type Connection } from '../cluster/connect.ts';
import { createOut, type Format, type Terminal } from '../print/output.ts';
import { parseOption } from './arguments.ts';
import { CommandProblem, exitCodes, type PlugInCommand, type Session } from './command.ts';
import { clusterNoteOf, withClusterNote } from './kubectl-words.ts';
import { createProgram, type Call, type GlobalOptions } from './program.ts';

/** The process, as far as the plug-in uses it. */
export interface Surroundings {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly description: string;
  readonly commands: readonly PlugInCommand[];
  readonly print: (line: string) => void;
  readonly complain: (line: string) => void;
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A person waits for it; it lists a large cluster in pages. */
const deadlineMs = 120_000;

export async function run(surroundings: Surroundings): Promise<number> {
  const { argv, print, complain, signal } = surroundings;
  let code: number = exitCodes.ok;
  const program = createProgram({
    ...surroundings,
    onCall: async (call) => void (code = await runCall(call, surroundings)),
  });
  for (const command of [program, ...program.commands])
    command.configureOutput({
      writeOut: (text) => print(text.trimEnd()),
      writeErr: (text) => complain(text.trimEnd()),
      getOutHelpWidth: () => surroundings.terminal.columns,
      getOutHasColors: () => surroundings.terminal.colour,
    });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.unknown;
    if (signal.aborted) return interrupted;
    if (error instanceof CommandProblem) {
      complain(`error: ${printable(error.message)}`);
      return error.exitCode;
    }
    complain(`error: ${printable(messageOf(error))}`);
    return exitCodes.unknown;
  }
}

/** As shells report the end by Ctrl-C. */
const interrupted = 130;

async function runCall({ command, given, globals }: Call, surroundings: Surroundings): Promise<number> {
  const { clock, signal, env, version } = surroundings;
  const connection = await connect(
    { ...globals, requestTimeoutMs: timeoutOf(globals) },
    { env, userAgent: `kubectl-azure_pod_identity/${version}`, clock },
  );
  const session = createSession(globals, connection, surroundings);
  const start = (limited: AbortSignal) => command.run({ ...session, signal: limited }, given);
  try {
    return await (command.isEndless === true
      ? start(signal)
      : withDeadline({ clock, ms: deadlineMs, awaited: `result of ${command.name}`, signal }, start));
  } catch (error) {
    throw naming(connection.kube.server, error);
  } finally {
    await connection.kube.close().catch(() => undefined);
  }
}

function createSession(
  globals: GlobalOptions,
  connection: Connection,
  surroundings: Surroundings,
): Omit<Session, 'signal'> {
  const { terminal, clock } = surroundings;
  const clusterNote = clusterNoteOf(globals);
  const { print, complain } = withClusterNote(clusterNote, surroundings);
  const format = (globals.output ?? 'table') as Format;
  return {
    kube: connection.kube,
    namespace:
      globals.allNamespaces === true ? undefined : (globals.namespace ?? connection.namespace ?? 'default'),
    format,
    out: createOut(format, print),
    err: (text) => complain(printable(text)),
    terminal,
    clock,
    clusterNote,
  };
}

function timeoutOf({ requestTimeout }: GlobalOptions): number | undefined {
  // kubectl takes a number without a unit for seconds.
  const text = /^\d+$/.test(requestTimeout) ? `${requestTimeout}s` : requestTimeout;
  return parseOption('request-timeout', value.duration('0', { min: 0 }), text) || undefined;
}

/** Errors of the connection name the server. */
function naming(server: string, error: unknown): unknown {
  if (error instanceof DeadlinePassed)
    return new CommandProblem(`the API server ${server}: ${error.message}`);
  return error instanceof KubeError ? new CommandProblem(describeFailure(server, error)) : error;
}

function messageOf(error: unknown): string {
  if (error instanceof ConfigurationError) return error.problems.join('; ');
  return error instanceof Error ? error.message : String(error);
}
