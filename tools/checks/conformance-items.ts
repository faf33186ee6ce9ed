// What the original's tests pinned (C) and what its end-to-end suite showed (E): where ours says the same, or why it doesn't.

/** E26 is about a policy of Gatekeeper: it belongs to packaging. */
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
  /** Belongs to an issue that is yet to come: nothing is missing if nothing names it. */
  readonly later: boolean;
  /** `path: title` of the tests that name it. */
  readonly tests: readonly string[];
  /** Whether an entry of the page of differences names it. */
  readonly explained: boolean;
}

/** For each item which test titles name it, and whether the page (a list in Markdown) says how ours differs. */
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

/** First texts of test, it and describe, whatever `.each(…)` is between. A title made at run time is not seen. */
export function titlesOf(source: string): string[] {
  const call = /^\s*(?:test|it|describe)\b[^'"`\n]*?\((['"`])((?:\\.|(?!\1)[^\\\n])*)\1/gm;
  const afterTable = /(?:^\s*\]|\.each\([^\n]*)\)\(\s*(['"`])((?:\\.|(?!\1)[^\\\n])*)\1/gm;
  const titles = [call, afterTable].flatMap((pattern) =>
    [...source.matchAll(pattern)].map((match) => (match[2] ?? '').replaceAll(/\\(.)/g, '$1')),
  );
  return [...new Set(titles)];
}

/** The items that a text names; `W-C4` is a weakness, `1.C2` no word. */
export function itemsIn(text: string): string[] {
  return [...text.matchAll(/(?<![\w.-])[CE]\d{1,2}(?![\w-])/g)].map(([item]) => item);
}

/** Items in the bold text with which an entry of the list begins. */
function explainedBy(markdown: string): string[] {
  return [...markdown.matchAll(/^- \*\*(.*?)\*\*/gms)].flatMap(([, behaviour = '']) => itemsIn(behaviour));
}
