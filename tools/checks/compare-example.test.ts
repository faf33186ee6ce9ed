import { expect, test } from 'vitest';
import { compareExample } from './compare-example.ts';

const names = { list: [1, 2], twice: (one: number) => 2 * one };

test('an example gives what its comments say, in values and in what it prints', async () => {
  const text = `twice(2); // 4
const text: string = 'a' + 'b';
text; // ab
if (list.length > 0) for (const one of list) console.log('first', one, { one }); // first 1 { one: 1 }
[...list, { text }];
// [ 1, …, { text:
// 'ab' } ]
`;
  expect(await compareExample(text, names)).toEqual({ compared: 4, differences: [] });
});

test.each([
  ['twice(2); // 5\n', 'twice(2); gives 4, not 5'],
  ['if (list.length > 2) twice(2); // 4\n', 'twice(2); gives nothing, since it is not reached, not 4'],
  ["console.log('a.b'); // a…c\n", "console.log('a.b'); gives a.b, not a…c"],
])('a comment that does not hold is reported: %s', async (text, difference) => {
  expect(await compareExample(text, names)).toEqual({ compared: 1, differences: [difference] });
});

test('a comment above a statement is not compared', async () => {
  expect(await compareExample('// Some words.\ntwice(2);\n// More words.\ntwice(3);\n', names)).toEqual({
    compared: 0,
    differences: [],
  });
});
