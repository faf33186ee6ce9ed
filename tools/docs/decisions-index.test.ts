import { expect, test } from 'vitest';
import { indexLines } from './decisions-index.ts';

const page = (file: string, text: string) => ({ file, text });

test('a page of decisions has a line with its number and title', () => {
  expect(indexLines([page('0007-two-lanes.md', '# 7. Two lanes\n\n**Decision.** Two.\n')])).toEqual([
    '- [7. Two lanes](0007-two-lanes.md)',
  ]);
});

test.each([
  ['another number than its file', '# 8. Two lanes\n\n**Decision.** Two.\n', /title/],
  ['no decision', '# 7. Two lanes\n\nTwo.\n', /Decision/],
])('a page with %s is refused', (_, text, problem) => {
  expect(() => indexLines([page('0007-two-lanes.md', text)])).toThrow(problem);
});
