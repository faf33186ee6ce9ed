// The demo as a process: eight steps, exit code 0, no process left; Ctrl-C cleans up.
import { readFile, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { columns, pictureOf, withoutTimes } from '../../demo/picture.ts';
import { repository } from '../../stage/places.ts';
import { hasProc, openDemoPlace } from '../demo-process.ts';

const pictureFile = join(repository, 'tools/demo/demo.svg');

let demo: Awaited<ReturnType<typeof openDemoPlace>>;
beforeEach(async () => {
  demo = await openDemoPlace();
});
afterEach(() => demo.remove());

test.each([[[]], [['--2018']]])('npm start %j prints the eight steps and exits with 0', async (args) => {
  const { lines, ended } = demo.start({}, ...args);
  const [code] = await ended();
  const told = lines.join('\n');
  expect(code, told).toBe(0);
  for (const step of [1, 2, 3, 4, 5, 6, 7, 8]) expect(told).toMatch(new RegExp(`^.*\\b${step}\\.`, 'm'));
  expect(told).toContain('Binding demo-aad-identity-binding applied on node');
  // Without MIC.
  const [, federated = ''] = told.split('both replicas are stopped');
  expect(federated).toContain(
    'ServiceAccount pay/guest may not use AzureIdentity pay/vault: it needs the right',
  );
  expect(federated).toMatch(
    /sample {2}read secret database-password,.*\n.*reader is demo_federated_identity,/,
  );
  await demo.expectNothingLeft();
});

test('Ctrl-C in the middle ends every process and leaves no folder', async () => {
  const { child, until, ended, lines } = demo.start({}, '--keep');
  await until(/ s {2}3\. /);
  if (hasProc) expect(await demo.programsLeft()).not.toEqual([]);
  child.kill('SIGINT');
  const [code] = await ended();
  expect(lines.join('\n')).not.toMatch(/ s {2}5\. /);
  expect(code).toBe(0);
  await demo.expectNothingLeft();
});

test.each([
  [[], 128 + constants.signals.SIGPIPE],
  [['--keep'], 0],
])(
  'npm start %j | head ends in silence when head has what it wants, and leaves no process and no folder',
  async (args, expected) => {
    const { child, until, ended, lines } = demo.start({}, ...args);
    await until(/ s {2}3\. /);
    child.stdout.destroy();
    const read = lines.length;
    const [code] = await ended();
    expect(lines.slice(read)).toEqual([]);
    expect(code).toBe(expected);
    await demo.expectNothingLeft();
  },
);

test('two runs tell the same story, except for times and counts of calls, and the picture of README.md shows it', async () => {
  const runs = [demo.start({ columns }), demo.start({ columns })];
  await Promise.all(runs.map(({ ended }) => ended()));
  const [one = [], other] = runs.map(({ lines }) => withoutTimes(lines));
  expect(one).toContain('The story is told.');
  expect(one).toEqual(other);
  const picture = pictureOf(one, 6);
  if (process.env['DEMO_PICTURE'] === '1') await writeFile(pictureFile, picture);
  expect(await readFile(pictureFile, 'utf8'), 'DEMO_PICTURE=1 writes it again').toBe(picture);
});

test('an option that does not exist is refused with the usage, for exit code 2', async () => {
  const { ended, lines } = demo.start({}, '--unknown');
  expect(await ended()).toEqual([2, null]);
  expect(lines.join('\n')).toMatch(/^npm start: Unknown option '--unknown'\n\nUsage: npm start -- /);
});
