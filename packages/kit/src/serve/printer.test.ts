import { expect, test } from 'vitest';
import { createPrinter } from './printer.ts';

function stage() {
  const lines: string[] = [];
  return { lines, printer: createPrinter((line) => lines.push(line)) };
}

test('a line stays one line whatever its content, and is limited in length', () => {
  const { lines, printer } = stage();
  printer.line('✓ identity     a\n✓ result       forged\u001b[A\u202e');
  printer.line('x'.repeat(1_000_000));
  expect(lines[0]).toBe(String.raw`✓ identity     a\n✓ result       forged\u001b[A\u202e`);
  expect(lines[1]).toBe(`${'x'.repeat(8_192)}… (991808 more characters)`);
});

test('JSON is one line of ASCII with the whole value', () => {
  const { lines, printer } = stage();
  printer.json({ text: 'a\n\u009b\u202eé' });
  expect(lines).toEqual([String.raw`{"text":"a\n\u009b\u202e\u00e9"}`]);
});
