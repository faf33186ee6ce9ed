// Measures clients, with built bundles on an otherwise idle machine:
//   node tools/e2e/clients/measure.ts statuses   writes behaviour.json, the source of docs/errors.md
//   node tools/e2e/clients/measure.ts pending    prints the table of docs/decisions/0008-pending-status.md
//   node tools/e2e/clients/measure.ts coping     writes the table of packages/imds-client/README.md (as root: it makes a network namespace)
import { readFile, rm, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStage } from '../../stage/stage.ts';
import { behaviourOf, cellOf } from './behaviour.ts';
import { measureCoping } from './coping-namespace.ts';
import { copingTable, readme, withTable } from './coping.ts';
import { playPending, type Played } from './pending.ts';
import { columnsOf, pathWithAz, players } from './players.ts';
import { playStatus } from './play-status.ts';
import { createStarts } from './starts.ts';

const starts = createStarts(4);

async function measureStatuses(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'clients-'));
  const path = await pathWithAz(folder);
  const rows = players.map(async (player) => {
    const cells = columnsOf(player).map(async (column) => {
      const measured = await playStatus({ starts, path }, player, column);
      return [column.title, cellOf(behaviourOf(measured))] as const;
    });
    return [player.name, Object.fromEntries(await Promise.all(cells))] as const;
  });
  const table = Object.fromEntries(await Promise.all(rows));
  const file = fileURLToPath(new URL('behaviour.json', import.meta.url));
  await writeFile(file, `${JSON.stringify(table, null, 2)}\n`);
  await rm(folder, { recursive: true });
}

const seconds = [5, 15, 20, 60, 90];

async function measurePending(): Promise<void> {
  const stage = await openStage();
  try {
    await stage.install();
    const nmi = await stage.startNmi(0);
    const rows = players.map(async (player, index) => {
      const cells = seconds.map(async (late) => {
        const key = `m${index}-${late}`;
        return [
          `${late} s`,
          describePlay(await playPending({ stage, nmi, starts }, { player, key, seconds: late })),
        ];
      });
      return { client: player.name, ...Object.fromEntries(await Promise.all(cells)) } as object;
    });
    console.table(await Promise.all(rows));
  } finally {
    await stage.stop();
  }
}

async function writeCoping(): Promise<void> {
  const table = copingTable(await measureCoping());
  await writeFile(readme, withTable(await readFile(readme, 'utf8'), table));
}

function describePlay({ answer, statuses, lasted }: Played): string {
  const end = 'token' in answer ? 'token' : 'none';
  return `${end}, ${statuses.length} in ${lasted.toFixed(0)} s`;
}

const what = process.argv[2];
if (what === 'statuses') await measureStatuses();
else if (what === 'pending') await measurePending();
else if (what === 'coping') await writeCoping();
else throw new Error('say what to measure: statuses, pending or coping');
