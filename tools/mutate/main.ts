// `npm run mutate [-- ROOM ...]`: changes one operator at a time in the rooms that matter most and counts which changes a test notices.
// Fails when a room's score is below 90 %. Takes minutes for each room; not part of CI.
import { readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Stryker } from '@stryker-mutator/core';
import equivalent from './equivalent.json' with { type: 'json' };
import { judge, type Equivalent, type Mutant } from './judge.ts';
import { rooms } from './rooms.ts';

const least = 90;
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').slice(0, 120);
const known: readonly Equivalent[] = equivalent;
const root = join(import.meta.dirname, '../..');

const wanted = process.argv.slice(2);
for (const name of wanted) {
  if (name in rooms) continue;
  console.error(`there is no room '${name}'; there are: ${Object.keys(rooms).join(', ')}`);
  process.exit(2);
}

let isGoodEnough = true;
for (const name of wanted.length > 0 ? wanted : Object.keys(rooms)) {
  const { score, killed, timedOut, living, equivalent: same } = judge(await mutantsOf(name), known);
  for (const { file, line, original, replacement, status } of living)
    console.log(`${file}:${line}: ${status}: ${oneLine(original)} => ${oneLine(replacement)}`);
  console.log(
    `${name}: ${score.toFixed(1)} % (${killed} killed, ${timedOut} of them by a timeout, ${living.length} live, ${same} equivalent)`,
  );
  isGoodEnough &&= score >= least;
}
process.exit(isGoodEnough ? 0 : 1);

async function mutantsOf(room: string): Promise<readonly Mutant[]> {
  const paths = (rooms[room] ?? []).flatMap((path) =>
    path.endsWith('/') ? [`${path}**/*.ts`, `!${path}**/*.test.ts`, `!${path}**/test/**`] : [path],
  );
  const results = await new Stryker({
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner'],
    vitest: { configFile: 'tools/mutate/vitest.config.ts', related: true },
    mutate: paths,
    // Texts are no decisions: a message with another word is no hole.
    mutator: { excludedMutations: ['StringLiteral'] },
    coverageAnalysis: 'perTest',
    concurrency: 2,
    // Long enough for a busy machine: what runs into it loops without end.
    timeoutMS: 10_000,
    timeoutFactor: 3,
    tempDirName: '.stryker-tmp',
    reporters: [],
    ignorePatterns: ['/tools/node/node_modules', '/.nx', '**/dist'],
  }).runMutationTest();
  rmSync(join(root, '.stryker-tmp'), { recursive: true, force: true });
  return results.map(({ fileName, location, replacement, status }) => ({
    file: relative(root, fileName),
    line: location.start.line,
    original: textAt(fileName, location),
    replacement,
    status,
  }));
}

interface Place {
  readonly line: number;
  readonly column: number;
}

/** Lines count from 1, columns from 1. */
function textAt(file: string, { start, end }: { readonly start: Place; readonly end: Place }): string {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .slice(start.line - 1, end.line);
  const last = lines.length - 1;
  return lines
    .map((text, i) => text.slice(i === 0 ? start.column - 1 : 0, i === last ? end.column - 1 : undefined))
    .join('\n');
}
