import { Command, Option } from 'commander';
import { formats } from '../print/output.ts';
import type { Given, PlugInCommand } from './command.ts';

/** kubectl's options that all commands have, as given. */
export interface GlobalOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
  readonly allNamespaces?: true;
  readonly output?: string;
  readonly requestTimeout: string;
  readonly as?: string;
  readonly asGroup?: readonly string[];
}

export interface Call {
  readonly command: PlugInCommand;
  readonly given: Given;
  readonly globals: GlobalOptions;
}

interface ProgramOptions {
  readonly commands: readonly PlugInCommand[];
  readonly description: string;
  readonly version: string;
  readonly onCall: (call: Call) => Promise<void>;
}

/** The command line, made of the declarations of the commands. */
export function createProgram({ commands, description, version, onCall }: ProgramOptions): Command {
  const program = new Command('kubectl azure-pod-identity')
    .description(description)
    .version(version)
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', exitCodeHelp)
    .showHelpAfterError('Add --help to see what there is.')
    .exitOverride();
  for (const option of globalOptions()) program.addOption(option);
  for (const command of commands) addCommand(program, command, onCall);
  return program;
}

function addCommand(program: Command, command: PlugInCommand, onCall: ProgramOptions['onCall']): void {
  const examples = command.examples.map((example) => `  kubectl azure-pod-identity ${example}`);
  const added = program
    .command(command.name)
    .summary(command.summary)
    .description(command.summary)
    .addHelpText('after', `\nExamples:\n${examples.join('\n')}\n${exitCodeHelp}`);
  for (const { name, what, optional } of command.args ?? [])
    added.argument(optional === true ? `[${name}]` : `<${name}>`, what);
  for (const { flags, what, default: byDefault } of command.options ?? [])
    added.option(flags, what, byDefault);
  added.action(async () => {
    const given = { args: added.args, options: added.opts<Given['options']>() };
    await onCall({ command, given, globals: program.opts<GlobalOptions>() });
  });
}

const exitCodeHelp = `
Exit codes:
  0  what was asked is so: no problem was found
  1  a problem was found
  2  it could not be determined: wrong arguments, API server away, missing rights`;

/** Names and meanings as in kubectl. */
function globalOptions(): readonly Option[] {
  return [
    new Option('--kubeconfig <file>', 'kubeconfig file; default: $KUBECONFIG, else ~/.kube/config'),
    new Option('--context <name>', 'context of the kubeconfig'),
    new Option('--cluster <name>', 'cluster of the kubeconfig'),
    new Option('--user <name>', 'user of the kubeconfig'),
    new Option('-n, --namespace <name>', "namespace; default: that of the kubeconfig's context"),
    new Option('-A, --all-namespaces', 'all namespaces'),
    new Option('-o, --output <format>', 'format of the output').choices(formats.slice(1)),
    new Option('--request-timeout <duration>', 'of each request to the API server, as 10s; 0: none').default(
      '0',
    ),
    new Option('--as <user>', 'user to impersonate'),
    new Option('--as-group <group>', 'group to impersonate; may be repeated').argParser(
      (group: string, groups: readonly string[] | undefined) => [...(groups ?? []), group],
    ),
  ];
}
