// Tests that a page names as the proof of what it says: the file, then the titles. A renamed test must not leave a page that names none.

interface QuotedTest {
  /** From the root of the repository. */
  readonly file: string;
  /** As in the file; `…` stands for a part that is left out, and one of a describe may come first. */
  readonly title: string;
}

const list = /^[ \t]*- (?:Tests?|\d+): (.*(?:\n[ \t]+(?!- ).*)*)/gm;
const file = /`([^`\s]+\.test\.ts)`(?:: )?/;

/** The entries `- Test: \`file\`: title; another title` of a page, which may begin with a number as well. A file without a title is not among them. */
export function quotedTests(markdown: string): QuotedTest[] {
  return Array.from(markdown.matchAll(list), ([, entry = '']) => entry.replaceAll(/\s+/g, ' ')).flatMap(
    (entry) => pairs(entry.split(file).slice(1)),
  );
}

/** Whether the source has tests of these titles. */
export function hasTest(source: string, title: string): boolean {
  const titles = titlesIn(source).map(plain);
  return plain(title)
    .split(/…|%[a-z]/)
    .map((part) => part.trim())
    .every((part) => part === '' || titles.some((one) => one.includes(part)) || isTwo(part, titles));
}

function pairs([path, text = '', ...rest]: readonly string[]): QuotedTest[] {
  if (path === undefined) return [];
  const titles = text
    .split(/; | and $/)
    .map((title) => title.trim())
    .filter((title) => title !== '' && title !== ';');
  return [...titles.map((title) => ({ file: path, title })), ...pairs(rest)];
}

const call =
  /\b(?:it|test|describe)\b[\s\S]*?\(\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`)/g;
const literal = /'((?:\\.|[^'\\\n])*)'|"((?:\\.|[^"\\\n])*)"|`((?:\\.|[^`\\])*)`/g;

/** Rows of a table of tests are titles as well, so every string counts. */
function titlesIn(source: string): string[] {
  return [call, literal].flatMap((pattern) =>
    Array.from(source.matchAll(pattern), ([, single, double, template]) =>
      (single ?? double ?? template ?? '').replaceAll(/\\(.)/g, '$1'),
    ),
  );
}

/** The end of the title of a describe, then the beginning of that of a test. */
function isTwo(part: string, titles: readonly string[]): boolean {
  return Array.from(part.matchAll(/[ :]+/g)).some(({ 0: gap, index }) => {
    const [first, second] = [part.slice(0, index), part.slice(index + gap.length)];
    return titles.some((title) => title.endsWith(first)) && titles.some((title) => title.startsWith(second));
  });
}

function plain(text: string): string {
  return text.replaceAll('’', "'");
}
