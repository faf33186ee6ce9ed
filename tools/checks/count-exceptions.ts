// Prints how many lint exceptions there are, and fails if one has no reason or the number exceeds `allowed`.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const allowed = 9;

const files = execFileSync('git', ['ls-files', '*.ts', '*.mjs'], { encoding: 'utf8' })
  .split('\n')
  .filter(Boolean);
const disables = files.flatMap((file) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .map((text, index) => ({ place: `${file}:${index + 1}`, text }))
    .filter(({ text }) => /^\s*(\/\/|\/\*)\s*eslint-disable/.test(text)),
);
const unexplained = disables.filter(({ text }) => !/--\s+\S+/.test(text));

for (const { place } of unexplained)
  console.error(`${place}: an eslint-disable without a reason (write: -- why)`);
console.log(`${disables.length} lint exceptions, each with a stated reason; ${allowed} are agreed`);
if (disables.length > allowed) {
  for (const { place, text } of disables) console.error(`${place}: ${text.trim()}`);
  console.error(
    'The number of lint exceptions grew: undo it, or raise `allowed` in this script in the same commit.',
  );
}
process.exit(unexplained.length > 0 || disables.length > allowed ? 1 : 0);
