// `bootstrap.mjs chart`: checks the chart with helm lint and packs it into dist/charts. With arguments it runs helm with them instead.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../stage/places.ts';
import { provideHelm } from './helm.ts';
import { chartFolder } from './places.ts';

const program = await provideHelm('4.2.3');
const given = process.argv.slice(2);
const packed = join(repository, 'dist/charts');
mkdirSync(packed, { recursive: true });
const commands =
  given.length > 0
    ? [given]
    : [
        ['lint', '--strict', chartFolder],
        ['package', chartFolder, '--destination', packed],
      ];
for (const command of commands) {
  const { status } = spawnSync(program, command, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
