/** A row of a Markdown table. */
export const row = (...cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;

/** The text in code style; empty for an empty text. */
export const code = (text: string): string => (text === '' ? '' : `\`${text}\``);

/** A table, as lines. */
export const table = (titles: readonly string[], rows: readonly string[]): string =>
  [row(...titles), row(...titles.map(() => '---')), ...rows].join('\n');
