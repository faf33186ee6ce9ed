// `npm run mutate [-- ROOM ...]`: changes one operator at a time in the most important rooms and counts the changes that tests notice.
// Fails if a room's score is below 90 %, a living mutant is not in the list, or an entry of the list has no mutant.
// Takes minutes for each room; not part of CI.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import equivalent from './equivalent.json' with { type: 'json' };
import { instrument, sourcesOf } from './instrument.ts';
import { findListed, judge, numbered, type Equivalent, type Verdict } from './judge.ts';
import { measure } from './measure.ts';
import { rooms } from './rooms.ts';

const least = 90;
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').slice(0, 120);
const known: readonly Equivalent[] = equivalent;
const root = join(import.meta.dirname, '../..');

const args = process.argv.slice(2);
/** Runs the tests on listed mutants as well, to find those that a test kills. */
const isListChecked = args.includes('--listed');
const wanted = args.filter((arg) => arg !== '--listed');
for (const name of wanted) {
  if (name in rooms) continue;
  console.error(`there is no room '${name}'; there are: ${Object.keys(rooms).join(', ')}`);
  process.exit(2);
}

// Ctrl-C is sent only to the process group of the terminal; the tests have their own groups, which are killed at the exit.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const inRooms = new Set(sourcesOf(root, Object.values(rooms).flat()));
const homeless = known.filter(({ file }) => !inRooms.has(file));
for (const one of homeless) console.log(`listed, but in no room: ${textOf(one)}`);

let isGoodEnough = homeless.length === 0;
for (const name of wanted.length > 0 ? wanted : Object.keys(rooms))
  isGoodEnough = (await measureRoom(name)) && isGoodEnough;
process.exit(isGoodEnough ? 0 : 1);

/** Measures a room and prints the result. Returns whether it is good enough. */
async function measureRoom(room: string): Promise<boolean> {
  const started = performance.now();
  const box = join(root, 'node_modules/.cache/mutate', room);
  const sources = sourcesOf(root, rooms[room] ?? []);
  const sites = await instrument(root, sources, join(box, 'sources'));
  const { ids: listed, stale } = findListed(sites, known);
  const mutants = sites.map(({ id }) => id);
  const { outcomes, useless } = await measure({
    root,
    sources,
    box,
    mutants,
    wanted: mutants.filter((id) => !listed.has(id)),
    sourceOf: new Map(sites.map(({ id, file }) => [id, file])),
    tried: isListChecked ? [...listed] : [],
  });
  const results = numbered(sites).map((site) => ({ ...site, outcome: outcomes.get(site.id) }));
  writeFileSync(join(box, 'results.json'), JSON.stringify(results, null, 1));
  const verdict = judge(sites, outcomes, listed);
  for (const [test, why] of useless) console.log(`${test} fails without a change: ${oneLine(why)}`);
  for (const one of verdict.refuted) console.log(`listed, but a test kills it: ${textOf(one)}`);
  for (const one of stale) console.log(`listed, but there is none: ${textOf(one)}`);
  for (const one of verdict.living) console.log(`${one.outcome}: ${textOf(one)}`);
  console.log(`${room}: ${figuresOf(verdict)}, ${((performance.now() - started) / 60_000).toFixed(1)} min`);
  return (
    verdict.score >= least &&
    verdict.living.length === 0 &&
    stale.length === 0 &&
    verdict.refuted.length === 0
  );
}

function textOf(one: { file: string; line?: number; original: string; replacement: string }): string {
  return `${one.file}:${one.line ?? ''}: ${oneLine(one.original)} => ${oneLine(one.replacement)}`;
}

function figuresOf({ score, strictScore, mutants, looped, late, living, equivalent: same }: Verdict): string {
  return (
    `${score.toFixed(1)} % (${strictScore.toFixed(1)} % without loops and time limits): ${mutants} mutants, ` +
    `${looped} loop, ${late} too late, ${living.length} live, ${same} equivalent`
  );
}
