/** A row of a Markdown table. */
export const row = (...cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;

/** In code style; nothing for an empty text. */
export const code = (text: string): string => (text === '' ? '' : `\`${text}\``);

/** A whole table, as lines. */
export const table = (titles: readonly string[], rows: readonly string[]): string =>
  [row(...titles), row(...titles.map(() => '---')), ...rows].join('\n');
