import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { functionsWithoutExample } from './missing-examples.ts';

test('functions without an example are found, also those that another file declares or a constant holds', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pod-identity-examples-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const shown = '/**\n * Words.\n *\n * @example\n * ```ts\n * shown();\n * ```\n */\n';
  writeFileSync(
    join(folder, 'other.d.ts'),
    `${shown}export declare function shown(): void;\n/** Words. */\nexport declare function bare(): void;\n`,
  );
  const entry = join(folder, 'index.d.ts');
  writeFileSync(
    entry,
    `export { shown, bare } from './other.js';\n/** Words. */\nexport declare const held: () => void;\nexport declare const text: string;\nexport interface Shape { (): void }\nexport {};\n`,
  );
  expect(functionsWithoutExample(entry)).toEqual(['bare', 'held']);
});

test('what is no module is reported', () => {
  expect(() => functionsWithoutExample('/nowhere/index.d.ts')).toThrow('run npm run build first');
});
