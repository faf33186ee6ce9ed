/**
 * The lines of a text that are no longer than so many columns. Further lines begin below the first word, or, in a text with a label and
 * two blanks, below what follows the label. A word that is longer than a line, such as an address or a path, stays whole.
 */
export function wrap(text: string, columns: number): string[] {
  const [first = ''] = /^ *(\S+( \S+)* {2,})?/.exec(text) ?? [];
  const lines: string[] = [];
  let line = first;
  for (const word of text.slice(first.length).split(' ')) {
    const isEmpty = line.length === first.length;
    if (!isEmpty && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = ' '.repeat(first.length) + word;
    } else line += isEmpty ? word : ` ${word}`;
  }
  return [...lines, line];
}
