import { describe, expect, it } from 'vitest';
import { listedWords } from './words.mjs';

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
