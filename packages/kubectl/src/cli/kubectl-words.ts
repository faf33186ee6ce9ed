// The options of a call that kubectl needs as well, to go to the same cluster.
import { printable } from '@pod-identity/kit/core';
import { shellWord } from '@pod-identity/policy';
import type { GlobalOptions } from './program.ts';

const wordsOf = (given: Readonly<Record<string, string | undefined>>): readonly string[] =>
  Object.entries(given).flatMap(([name, text]) => (text === undefined ? [] : [`--${name}=${text}`]));

/** What a reader of printed commands must know; undefined if the call was given no cluster: then they go to the one that it read. */
export function clusterNoteOf({ kubeconfig, context, cluster }: GlobalOptions): string | undefined {
  const words = wordsOf({ kubeconfig, context, cluster }).map(shellWord).join(' ');
  if (words === '') return undefined;
  return `commands that are printed go to the cluster of the current context: add ${printable(words)} after each "kubectl" or "kubectl azure-pod-identity"`;
}

interface Printing {
  readonly print: (line: string) => void;
  readonly complain: (line: string) => void;
}

/** Prints the note on standard error, once, before the first line with a command of kubectl. */
export function withClusterNote(note: string | undefined, { print, complain }: Printing): Printing {
  if (note === undefined) return { print, complain };
  let isPrinted = false;
  const after = (write: (line: string) => void) => (line: string) => {
    if (!isPrinted && /\bkubectl /.test(line)) {
      isPrinted = true;
      complain(`note: ${note}`);
    }
    write(line);
  };
  return { print: after(print), complain: after(complain) };
}
