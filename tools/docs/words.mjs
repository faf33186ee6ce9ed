// Words that comments and docs may not use because they are unclear, and what to write instead.
// ESLint checks the comments and the names of the products, check-docs.ts the pages.

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

/** @type {readonly { pattern: RegExp, instead: string }[]} */
const nameWords = [
  { pattern: /^questions?$/, instead: 'request or review' },
  { pattern: /^ask(s|ed|ing)?$/, instead: 'request, review, send or read' },
  { pattern: /^askers?$/, instead: 'caller' },
  { pattern: /^answer(s|ed|ing)?$/, instead: 'response or result' },
  { pattern: /^(tells?|telling|told)$/, instead: 'report, notify or reported' },
  { pattern: /^places?$/, instead: 'slot, key, index or what it is the place of' },
  { pattern: /^(lanes?|seats?)$/, instead: 'queue, pool or turn' },
  { pattern: /^takers?$/, instead: 'receiver or connection' },
  { pattern: /^wish(es)?$/, instead: 'wanted' },
];

/** Names that others fixed: a label of the metric `queue_depth`. */
const fixedNames = new Set(['lane']);

/**
 * The listed words in a name, such as `mayAsk`, `TokenWish` or `ask-holder`, and what to write instead.
 * @param {string} name
 * @returns {{ word: string, instead: string }[]}
 */
export function listedInName(name) {
  if (fixedNames.has(name)) return [];
  const parts = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  return parts.flatMap((word) => {
    const listed = nameWords.find(({ pattern }) => pattern.test(word));
    return listed ? [{ word, instead: listed.instead }] : [];
  });
}

/** What declares the identifier: `id`, `key`, `params` and `left` are the fields in which it is the declared name. */
const declaring = {
  id: /^(VariableDeclarator|FunctionDeclaration|ClassDeclaration|TS(Interface|TypeAlias|Enum)Declaration)$/,
  key: /^(TSPropertySignature|TSMethodSignature|MethodDefinition|PropertyDefinition)$/,
};

const isDeclared = (node) => {
  const { parent } = node;
  if (parent.id === node) return declaring.id.test(parent.type);
  if (parent.key === node && declaring.key.test(parent.type)) return true;
  if (parent.value === node) return parent.type === 'Property' && parent.parent.type === 'ObjectPattern';
  return parent.params?.includes(node) === true && /Function|TSMethodSignature/.test(parent.type);
};

/** The ESLint rule: an error for each listed word in a declared name, or in the name of the file. */
export const plainNames = {
  meta: { type: 'suggestion', schema: [], messages: { listed: 'Name it by {{instead}}, not "{{word}}".' } },
  create: ({ filename, report }) => {
    const check = (node, name) => {
      for (const data of listedInName(name)) report({ node, messageId: 'listed', data });
    };
    return {
      Program: (node) => check(node, filename.replace(/^.*[\\/]/, '').replace(/\.[a-z]+$/, '')),
      'Identifier, PrivateIdentifier': (node) => {
        if (isDeclared(node)) check(node, node.name);
      },
    };
  },
};
