import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Readonly<Record<string, string>>;
};
const commands = Object.entries(scripts);
const throughBootstrap = 'node tools/workspace/bootstrap.mjs ';

test('npm commands that run TypeScript install what is missing on a fresh clone with Node 20', () => {
  const direct = commands.filter(([, command]) => command.includes('.ts'));
  expect(direct).toEqual([]);
});

test('bootstrap.mjs runs the tasks that package.json names, and names them when asked for another', () => {
  const named = commands.flatMap(([, command]) =>
    command.startsWith(throughBootstrap) ? [command.slice(throughBootstrap.length)] : [],
  );
  const { status, stderr } = spawnSync(process.execPath, ['tools/workspace/bootstrap.mjs', 'other'], {
    cwd: root,
    encoding: 'utf8',
  });
  const [, tasks = ''] = /^unknown task other; there are: (.*)\n$/.exec(stderr) ?? [];
  expect([status, tasks.split(', ').toSorted()]).toEqual([2, named.toSorted()]);
});

test('wrong options of npm start are refused before anything is installed', () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    ['tools/workspace/bootstrap.mjs', 'demo', '--other'],
    {
      cwd: root,
      encoding: 'utf8',
      // There is no npm: what begins with an installation fails.
      env: { PATH: '' },
    },
  );
  expect([status, stderr.split('\n')[0]]).toEqual([2, "npm start: Unknown option '--other'"]);
});
