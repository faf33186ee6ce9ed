import type { Rule } from 'eslint';

/** Each use of a listed word in a text: its line (the first is 0), the word, and what to write instead. */
export declare function listedWords(text: string): { line: number; word: string; instead: string }[];

/** The ESLint rule: an error for each listed word in a comment. */
export declare const plainWords: Rule.RuleModule;
