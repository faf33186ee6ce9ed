import type { Rule } from 'eslint';

/** Each use of a listed word in a text: its line (the first is 0), the word, and what to write instead. */
export declare function listedWords(text: string): { line: number; word: string; instead: string }[];

/** The ESLint rule: an error for each listed word in a comment. */
export declare const plainWords: Rule.RuleModule;

/** The listed words in a name, such as `mayAsk`, `TokenWish` or `ask-holder`, and what to write instead. */
export declare function listedInName(name: string): { word: string; instead: string }[];

/** The ESLint rule: an error for each listed word in a declared name, or in the name of the file. */
export declare const plainNames: Rule.RuleModule;
