// Behaviour that the original's unit tests (C) and end-to-end tests (E) check: where our tests do, or why it differs.

/** E26 is about a Gatekeeper policy, which belongs to packaging. */
const now = [...range('C', 1, 62), ...range('E', 1, 25), 'E27', 'E28'];
const later = ['E26'];

function range(letter: string, from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, step) => `${letter}${from + step}`);
}

export interface TestFile {
  readonly path: string;
  readonly text: string;
}

export interface ItemReport {
  readonly item: string;
  /** Belongs to a later issue: it needs no test yet. */
  readonly later: boolean;
  /** `path: title` of the tests that name it. */
  readonly tests: readonly string[];
  /** Whether an entry of the page about the original names it. */
  readonly explained: boolean;
}

/** For each item the test titles that name it, and whether the page (a list in Markdown) explains a difference. */
export function conformance(files: readonly TestFile[], differences: string): ItemReport[] {
  const titles = files.flatMap(({ path, text }) => titlesOf(text).map((title) => ({ path, title })));
  const explained = new Set(explainedBy(differences));
  return [...now, ...later].map((item) => ({
    item,
    later: later.includes(item),
    tests: titles
      .filter(({ title }) => itemsIn(title).includes(item))
      .map(({ path, title }) => `${path}: ${title}`),
    explained: explained.has(item),
  }));
}

export function isMissing({ later: isLater, tests, explained }: ItemReport): boolean {
  return !isLater && tests.length === 0 && !explained;
}

/** The first strings of test, it and describe, also after `.each(…)`. Titles that are built at run time are not found. */
export function titlesOf(source: string): string[] {
  const call = /^\s*(?:test|it|describe)\b[^'"`\n]*?\((['"`])((?:\\.|(?!\1)[^\\\n])*)\1/gm;
  const afterTable = /(?:^\s*\]|\.each\([^\n]*)\)\(\s*(['"`])((?:\\.|(?!\1)[^\\\n])*)\1/gm;
  const titles = [call, afterTable].flatMap((pattern) =>
    [...source.matchAll(pattern)].map((match) => (match[2] ?? '').replaceAll(/\\(.)/g, '$1')),
  );
  return [...new Set(titles)];
}

/** The items that a text names; `W-C4` and `1.C2` are none. */
export function itemsIn(text: string): string[] {
  return [...text.matchAll(/(?<![\w.-])[CE]\d{1,2}(?![\w-])/g)].map(([item]) => item);
}

/** Items in the bold text at the start of a list entry. */
function explainedBy(markdown: string): string[] {
  return [...markdown.matchAll(/^- \*\*(.*?)\*\*/gms)].flatMap(([, behaviour = '']) => itemsIn(behaviour));
}
