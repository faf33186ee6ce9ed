import { expect, it } from 'vitest';
import { nearest } from './nearest.ts';

it.each([
  ['demoo', ['demo', 'other'], 'demo'],
  ['dmeo', ['demo'], 'demo'],
  ['Demo', ['demo'], 'demo'],
  ['aadpodidbindng', ['aadpodidbinding'], 'aadpodidbinding'],
  ['aadpodidbiding', ['aadpodidbinding', 'app'], 'aadpodidbinding'],
  ['demo-x', ['demo-a', 'demo-b'], undefined],
  ['demo-1', ['demo-12', 'demo-345'], 'demo-12'],
  ['a', ['b'], undefined],
  ['abc', ['xyz'], undefined],
  ['abcdefgh', ['abcdexyz'], undefined],
  ['demo', [], undefined],
])('%s among %j is %s', (word, candidates, meant) => {
  expect(nearest(word, candidates)).toBe(meant);
});
