// The index of docs/contributor/decisions: the title of each page.
import { readdirSync, readFileSync } from 'node:fs';

const folder = 'docs/contributor/decisions';

export interface DecisionPage {
  readonly file: string;
  readonly text: string;
}

/** One line for each page. Throws if the title has another number than the file, or there is no decision. */
export function indexLines(pages: readonly DecisionPage[]): readonly string[] {
  return pages.map(({ file, text }) => {
    const [, number, title] = /^# (\d+)\. (.+)\n/.exec(text) ?? [];
    if (number === undefined || Number(number) !== Number(file.slice(0, 4)))
      throw new Error(`${file}: the title does not begin with the number of the file`);
    if (!text.includes('**Decision')) throw new Error(`${file}: there is no paragraph **Decision.**`);
    return `- [${number}. ${title ?? ''}](${file})`;
  });
}

export function decisionsIndex(): readonly string[] {
  const pages = readdirSync(folder)
    .filter((file) => /^\d{4}-.*\.md$/.test(file))
    .sort()
    .map((file) => ({ file, text: readFileSync(`${folder}/${file}`, 'utf8') }));
  return [
    '# Decisions',
    'What was decided, why, and what was not chosen. A missing number was never merged.',
    indexLines(pages).join('\n'),
  ];
}
