// Completion by kubectl's protocol: a candidate in each line, with a description after a tab, and at last a directive for the shell.
import type { PlugInCommand } from './command.ts';
import { globalOptions } from './program.ts';

/** Directives of cobra, which kubectl is built with. */
const [filesToo, noFiles] = [':0', ':4'];

interface Candidate {
  readonly name: string;
  readonly what: string;
}

interface Flag extends Candidate {
  readonly names: readonly string[];
  readonly takesValue: boolean;
  readonly choices: readonly string[];
}

/** `words`: what follows the name of the plug-in; the last one, which may be empty, is to be completed. */
export function completionLines(
  commands: readonly PlugInCommand[],
  words: readonly string[],
): readonly string[] {
  const [before, last] = [words.slice(0, -1), words.at(-1) ?? ''];
  const command = commandIn(commands, before);
  const flags = [
    ...(command?.options ?? []).map((option) => flagOf(option.flags, option.what)),
    ...globalFlags(),
  ];
  const previous = flags.find(({ names }) => names.includes(before.at(-1) ?? ''));
  if (previous?.takesValue === true) {
    const isFile = previous.names.includes('--kubeconfig');
    return [
      ...matching(
        previous.choices.map((name) => ({ name, what: '' })),
        last,
      ),
      isFile ? filesToo : noFiles,
    ];
  }
  if (last.startsWith('-')) return [...matching(flags, last), noFiles];
  const names = command ? [] : commands.map(({ name, summary }) => ({ name, what: summary }));
  return [...matching(names, last), noFiles];
}

/** The first word that is neither a flag nor the value of one. */
function commandIn(commands: readonly PlugInCommand[], words: readonly string[]): PlugInCommand | undefined {
  const flags = globalFlags();
  const at = words.findIndex(
    (word, position) =>
      !word.startsWith('-') &&
      flags.find(({ names }) => names.includes(words[position - 1] ?? ''))?.takesValue !== true,
  );
  return commands.find(({ name }) => name === words[at]);
}

function globalFlags(): readonly Flag[] {
  return globalOptions().map(({ flags, description, argChoices }) => flagOf(flags, description, argChoices));
}

/** `flags` as commander writes them: `-n, --namespace <name>`. */
function flagOf(flags: string, what: string, choices: readonly string[] = []): Flag {
  const names = flags.split(/[ ,]+/).filter((word) => word.startsWith('-'));
  return { name: names.at(-1) ?? '', names, what, takesValue: flags.includes('<'), choices };
}

function matching(candidates: readonly Candidate[], last: string): readonly string[] {
  return candidates
    .filter(({ name }) => name.startsWith(last))
    .map(({ name, what }) => (what === '' ? name : `${name}\t${what}`));
}
