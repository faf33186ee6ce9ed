// Measures clients, with built bundles on an otherwise idle machine:
//   node tools/e2e/clients/measure.ts statuses   writes behaviour.json, the source of docs/reference/errors.md
//   node tools/e2e/clients/measure.ts pending    prints when clients have a token, if their identity comes late
//   node tools/e2e/clients/measure.ts missing    prints the same for a binding that comes late, or never
//   node tools/e2e/clients/measure.ts rights     prints the same for a right
import { rm, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStage } from '../../stage/stage.ts';
import { behaviourOf, cellOf } from './behaviour.ts';
import {
  playMissing,
  playPending,
  playUnbound,
  playWithoutRight,
  type PendingStage,
  type Played,
} from './pending.ts';
import { columnsOf, pathWithAz, players, type Player } from './players.ts';
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

type Cells = (
  where: PendingStage,
  of: { readonly player: Player; readonly key: string },
) => Readonly<Record<string, Promise<Pick<Played, 'answer' | 'statuses' | 'lasted'>>>>;

const late: Cells = (where, { player, key }) =>
  Object.fromEntries(
    seconds.map((late) => [
      `${late} s`,
      playPending(where, { player, key: `${key}-${late}`, seconds: late }),
    ]),
  );

const missing: Cells = (where, { player, key }) => ({
  ...Object.fromEntries(
    [3, 20, 40].map((late) => [
      `binding after ${late} s`,
      playUnbound(where, { player, key: `${key}-${late}`, seconds: late }),
    ]),
  ),
  'no binding': playMissing(where, { player, key: `${key}-none`, what: 'binding' }),
  'wrong client id': playMissing(where, { player, key: `${key}-wrong`, what: 'client id' }),
});

const rights: Cells = (where, { player, key }) => ({
  ...Object.fromEntries(
    [3, 20, 40].map((late) => [
      `right after ${late} s`,
      playWithoutRight(where, { player, key: `${key}-${late}`, seconds: late }),
    ]),
  ),
  'no right': playMissing(where, { player, key: `${key}-none`, what: 'right' }),
});

interface Measured {
  readonly cellsOf: Cells;
  readonly of?: readonly Player[];
  /** With MIC, both in mode rbac. */
  readonly byRights?: boolean;
}

async function measureEach({ cellsOf, of = players, byRights = false }: Measured): Promise<void> {
  const stage = await openStage();
  try {
    await stage.install();
    const mode = byRights ? ['--identity-access', 'rbac'] : [];
    if (byRights) await stage.startMic('1', mode);
    const nmi = await stage.startNmi(0, mode);
    const rows = of.map(async (player, index) => {
      const cells = Object.entries(cellsOf({ stage, nmi, starts }, { player, key: `m${index}` }));
      const described = cells.map(async ([name, playing]) => [name, describePlay(await playing)] as const);
      return { client: player.name, ...Object.fromEntries(await Promise.all(described)) };
    });
    console.table(await Promise.all(rows));
  } finally {
    await stage.stop();
  }
}

function describePlay({ answer, statuses, lasted }: Pick<Played, 'answer' | 'statuses' | 'lasted'>): string {
  const last = statuses.at(-1);
  const end = 'token' in answer ? 'token' : last === 0 ? 'no response' : `${last}`;
  return `${end}, ${statuses.length} in ${lasted.toFixed(0)} s`;
}

const what = process.argv[2];
/** Chains do as their credential alone. */
const single = players.filter(({ wish }) => wish.credential === undefined);
if (what === 'statuses') await measureStatuses();
else if (what === 'pending') await measureEach({ cellsOf: late });
else if (what === 'missing') await measureEach({ cellsOf: missing });
else if (what === 'rights') await measureEach({ cellsOf: rights, of: single, byRights: true });
else throw new Error('say what to measure: statuses, pending, missing or rights');
