import { Linter } from 'eslint';
import typescript from 'typescript-eslint';
import { describe, expect, it } from 'vitest';
import { listedInName, listedWords, plainNames } from './words.mjs';

describe('the words that docs and comments may not use', () => {
  it('are found with their line and what to write instead', () => {
    expect(listedWords('A pod waits.\n * Its caller is told of each change.')).toEqual([
      { line: 1, word: 'told of', instead: '"notified of" or "called on"' },
    ]);
  });

  it.each([
    'Answers the token of a pod',
    'The service answered 404',
    'one that belies the record',
    'begins anew',
  ])('refuse "%s"', (text) => {
    expect(listedWords(text)).toHaveLength(1);
  });

  it.each([
    'two answers of the service',
    'the record as it is stored',
    'told which pod it was',
    'the questionnaire',
  ])('permit "%s"', (text) => {
    expect(listedWords(text)).toEqual([]);
  });
});

describe('the words that names of the products may not use', () => {
  it.each([
    ['mayAsk', 'ask'],
    ['TokenWish', 'wish'],
    ['createQuestions', 'questions'],
    ['placesKept', 'places'],
    ['ask-holder', 'ask'],
  ])('refuse %s', (name, word) => {
    expect(listedInName(name)).toEqual([{ word, instead: expect.any(String) as string }]);
  });

  it.each(['mask', 'replaceAll', 'request', 'placeholder', 'lane', 'taskOf'])('permit %s', (name) => {
    expect(listedInName(name)).toEqual([]);
  });

  const refusedIn = (code: string, file = 'packages/nmi/src/some.ts') =>
    new Linter()
      .verify(
        code,
        {
          files: ['**/*.ts'],
          languageOptions: { parser: typescript.parser },
          plugins: { house: { rules: { 'plain-names': plainNames } } },
          rules: { 'house/plain-names': 'error' },
        },
        file,
      )
      .map(({ message }) => /"(.*)"/.exec(message)?.[1]);

  it.each([
    ['a variable', 'const answer = 1;'],
    ['a function', 'function readAnswer() {}'],
    ['a parameter', 'const read = (answer) => 1;'],
    ['what is taken from an object', 'const { answer } = given;'],
    ['a type', 'interface Answer {}'],
    ['a property of a type', 'interface Given { readonly answer: string }'],
    ['a method of a class', 'class Given { #answer() {} }'],
  ])('are found as %s', (_, code) => {
    expect(refusedIn(code)).toEqual(['answer']);
  });

  it('are found in the name of a file', () => {
    expect(refusedIn('const fine = 1;', 'packages/nmi/src/ask-holder.ts')).toEqual(['ask']);
  });

  it('do not concern the names that others gave', () => {
    expect(refusedIn("import { ask } from 'dns'; log({ question: ask.answer });")).toEqual([]);
  });
});
