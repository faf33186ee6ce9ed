// The commands that the pages of this repository print for an administrator's shell.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './places.ts';

/** The blocks for a shell of a page, and its code in text, each as one text. */
export function printedCommands(page: string): readonly string[] {
  const text = readFileSync(join(repository, page), 'utf8');
  const fence = /^ *```(\w*)\n([^]*?)^ *```$/gm;
  const blocks = [...text.matchAll(fence)].flatMap(([, language, block = '']) =>
    language === 'sh' ? [block] : [],
  );
  const spans = [...text.replaceAll(fence, '').matchAll(/`([^`]+)`/g)].map(([, span = '']) =>
    span.replaceAll(/\s+/g, ' '),
  );
  return [...blocks, ...spans];
}

/** The only one of a page that contains these words. */
export function printedCommand(page: string, ...words: readonly string[]): string {
  const found = printedCommands(page).filter((each) => words.every((word) => each.includes(word)));
  const [command, ...others] = found;
  if (command === undefined || others.length > 0)
    throw new Error(`${page} prints ${found.length} commands with ${words.join(' and ')}`);
  return command;
}
