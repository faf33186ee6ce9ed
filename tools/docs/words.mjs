// Words that comments and docs may not use because they are unclear, and what to write instead.
// ESLint checks the comments, check-docs.ts the pages.

/** @type {readonly { pattern: RegExp, instead: string }[]} */
const words = [
  { pattern: /\btold of\b/i, instead: '"notified of" or "called on"' },
  { pattern: /\bfor want of\b/i, instead: '"because there is no"' },
  { pattern: /\b(hears?|heard) of\b/i, instead: '"sees" or "receives"' },
  { pattern: /\banswer(s|ed)? (with )?(an? )?[1-5]\d\d\b/i, instead: '"returns 404"' },
  {
    pattern: /\banswers (undefined|null|true|false|whether|what|how|which)\b/i,
    instead: '"returns undefined" or "returns whether"',
  },
  { pattern: /(?<=^|[.:;] )Answers\b/, instead: '"Returns"' },
  { pattern: /\bas it is(?= ?[.;:,)]|$)/i, instead: '"by default" or "unchanged"' },
  { pattern: /\bbelie[sd]\b/i, instead: '"contradicts"' },
  { pattern: /\bdisbeliev/i, instead: '"does not accept"' },
  { pattern: /\bno matter of\b/i, instead: '"does not concern"' },
  {
    pattern: /\b(lest|whence|hence|thereby|therein|whereby|wherefore|shall)\b/i,
    instead: '"so", "so that" or "must"',
  },
  { pattern: /\banew\b/i, instead: '"again"' },
  { pattern: /\blets? go\b/i, instead: '"releases"' },
  { pattern: /\bfalls? silent\b/i, instead: '"stops responding"' },
  { pattern: /\bgoes without\b/i, instead: '"has no"' },
  { pattern: /\bmakes itself\b/i, instead: 'who does it' },
  { pattern: /\bin vain\b/i, instead: '"without success"' },
  { pattern: /\bguess(es)? never\b|\bluck\b/i, instead: 'the fact' },
  { pattern: /\bwell only if\b|\bis well\b/i, instead: '"is healthy" or "is ready"' },
  { pattern: /\bbe it\b/i, instead: '"whether"' },
  { pattern: /\bspeaks for\b/i, instead: '"stands for"' },
];

/**
 * Each use of a listed word in a text: its line (the first is 0), the word, and what to write instead.
 * @param {string} text
 * @returns {{ line: number, word: string, instead: string }[]}
 */
export function listedWords(text) {
  return text.split('\n').flatMap((content, line) =>
    words.flatMap(({ pattern, instead }) => {
      const word = pattern.exec(content.replace(/^\s*\*?\s*/, ''))?.[0];
      return word === undefined ? [] : [{ line, word, instead }];
    }),
  );
}

/** The ESLint rule: an error for each listed word in a comment. */
export const plainWords = {
  meta: { type: 'suggestion', schema: [], messages: { listed: 'Write {{instead}} instead of "{{word}}".' } },
  create: ({ sourceCode, report }) => ({
    Program() {
      for (const { value, loc } of sourceCode.getAllComments())
        for (const { line, word, instead } of listedWords(value))
          report({
            loc: { line: loc.start.line + line, column: 0 },
            messageId: 'listed',
            data: { word, instead },
          });
    },
  }),
};
