import { expect, test } from 'vitest';
import { readArguments } from './arguments.ts';

test('a run has a seed and a length, with small defaults', () => {
  expect(readArguments([])).toMatchObject({ kind: 'run', seed: 1, minutes: 0.5 });
  expect(readArguments(['--seed', '7', '--minutes', '3', '--json', 'f'])).toMatchObject({
    kind: 'run',
    seed: 7,
    minutes: 3,
    json: 'f',
  });
  expect(readArguments(['--sum', 'a', 'b'])).toEqual({ kind: 'sum', files: ['a', 'b'] });
});

test.each([[['--seed', 'x']], [['--minutes', '0']], [['--minutes', '61']], [['--speed', '1']], [['file']]])(
  'invalid arguments are refused with the usage: %j',
  (args) => {
    expect(readArguments(args)).toMatchObject({ kind: 'wrong', message: expect.stringContaining('usage') });
  },
);
