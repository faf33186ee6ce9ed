// How long the clients in pods retry: with a fixed response, as behaviour.json says,
// and with the built NMI, while an identity is assigned late. All of them run at the same time, because they mostly wait.
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contradiction, secondsOf, type Behaviour, type Column } from '../clients/behaviour.ts';
import { claims } from '../clients/claims.ts';
import {
  playMissing,
  playPending,
  playUnbound,
  playWithoutRight,
  type Played,
  type WithoutIdentity,
} from '../clients/pending.ts';
import { columnsOf, pathWithAz, players, type Player } from '../clients/players.ts';
import { playStatus } from '../clients/play-status.ts';
import { createStarts } from '../clients/starts.ts';
import { openStage, type Stage } from '../../stage/stage.ts';

/** Whether the programs of the client are installed here. */
const isHere = ({ name, client }: Player) => {
  const missing = whyNoPrograms({ programs: client.programs });
  if (missing !== undefined) console.warn(`client-patience is skipped with ${name}: ${missing}`);
  return missing === undefined;
};
const here = players.filter(isHere);
/** Without chains of credentials, which wait for managed identity as the single credential does. */
const alone = here.filter(({ wish }) => wish.credential === undefined);
const repeating = alone.filter(({ client }) => client.repeats.includes(503));

/** Seconds. The hold is 25 s: a busy machine has 10 s left to notice the assignment. */
const withinHold = [5, 15];
const beyondHold = 60;
const missing = ['binding', 'client id', 'right'] as const;

let stage: Stage;
/** With MIC; both in mode rbac. */
let strict: Stage;
/** All runs, started at the beginning. */
const plays = new Map<string, Promise<unknown>>();

const play = <T>(name: string, playing: Promise<T>) => {
  playing.catch(() => undefined);
  plays.set(name, playing);
};
const played = <T>(name: string) => plays.get(name) as Promise<T>;

beforeAll(async () => {
  stage = await openStage();
  await stage.install();
  const nmi = await stage.startNmi(0);
  const path = await pathWithAz(stage.folder);
  const starts = createStarts(4);
  const where = { stage, nmi, starts };
  const byRights = { ...(await openStrict()), starts };
  for (const player of alone) {
    const key = `client-${alone.indexOf(player)}`;
    for (const seconds of [beyondHold, ...withinHold])
      play(`${player.name} ${seconds}`, playPending(where, { player, key: `${key}-${seconds}`, seconds }));
    play(`${player.name} unbound`, playUnbound(where, { player, key: `${key}-unbound`, seconds: 3 }));
    for (const [index, what] of missing.entries())
      play(
        `${player.name} ${what}`,
        playMissing(what === 'right' ? byRights : where, { player, key: `${key}-missing-${index}`, what }),
      );
    for (const seconds of [3, 20])
      play(
        `${player.name} right ${seconds}`,
        playWithoutRight(byRights, { player, key: `${key}-right-${seconds}`, seconds }),
      );
  }
  for (const { player, column, claimed } of longestFirst()) {
    const comparing = playStatus({ starts, path }, player, column).then((measured) => {
      if (claimed === undefined) return `${column.title} is not in behaviour.json`;
      const wrong = contradiction(claimed, measured);
      return wrong && `${column.title}: ${wrong}`;
    });
    play(`${player.name}, status ${column.title}`, comparing);
  }
});
afterAll(async () => {
  await strict.stop();
  await stage.stop();
});

async function openStrict() {
  const mode = ['--identity-access', 'rbac'];
  strict = await openStage();
  await strict.install();
  await strict.startMic('1', mode);
  return { stage: strict, nmi: await strict.startNmi(0, mode) };
}

interface Cell {
  readonly player: Player;
  readonly column: Column;
  readonly claimed: Behaviour | undefined;
}

/** For all cells of behaviour.json: the suite takes as long as the slowest of them. */
function longestFirst(): readonly Cell[] {
  const cells = here.flatMap((player) =>
    columnsOf(player).map((column) => ({
      player,
      column,
      claimed: claims.get(player.name)?.get(column.title),
    })),
  );
  return cells.toSorted((one, other) => secondsOf(other.claimed) - secondsOf(one.claimed));
}

/** Each run has a deadline of its own; the first test waits for most of them. */
const patienceMs = 900_000;

test.each(here)(
  '$name does with each status what behaviour.json says, and shows its user the reason where it says so',
  async (player) => {
    const all = columnsOf(player).map(({ title }) =>
      played<string | undefined>(`${player.name}, status ${title}`),
    );
    expect((await Promise.all(all)).filter((wrong) => wrong !== undefined)).toEqual([]);
  },
  patienceMs,
);

/** The client id of the token, or the error. */
function subjectOf({ answer }: Played): string {
  if ('refused' in answer) return answer.refused;
  return (
    JSON.parse(Buffer.from(answer.token.split('.')[1] ?? '', 'base64url').toString()) as { appid: string }
  ).appid;
}

describe.each(alone)('$name', ({ name, client }) => {
  test.each(withinHold)(
    'gets an identity that is assigned %i s after its first request, with this request',
    async (seconds) => {
      const seen = await played<Played>(`${name} ${seconds}`);
      // A busy machine assigns it later than wanted, and the hold may end before: whoever retries gets it all the same.
      const isLate = seen.givenAfter > seconds + 1 && seen.statuses[0] === 503;
      const isGot = !isLate || client.repeats.includes(503);
      expect(seen.statuses.filter((status) => status !== 503)).toEqual(isGot ? [200] : []);
      if (isGot) expect(subjectOf(seen)).toBe(seen.clientId);
      if (!isLate) expect(seen.statuses, seen.times).toHaveLength(1);
    },
    patienceMs,
  );

  test(
    'gets an identity whose binding is created 3 s after its first request, with this request',
    async () => {
      const seen = await played<Played>(`${name} unbound`);
      expect([subjectOf(seen), seen.statuses]).toEqual([seen.clientId, [200]]);
    },
    patienceMs,
  );

  test(
    'gets an identity for which its right is granted 3 s after its first request, with this request',
    async () => {
      const seen = await played<Played>(`${name} right 3`);
      expect([subjectOf(seen), seen.statuses]).toEqual([seen.clientId, [200]]);
    },
    patienceMs,
  );
});

const reasons = {
  binding: 'No AzureIdentityBinding has the selector',
  'client id': 'has no such identity. It may ask for',
  right: 'may not use AzureIdentity default/client-',
};

test.each(alone.flatMap(({ name, client }) => missing.map((what) => ({ name, client, what }))))(
  '$name, whose $what is missing, is told so with 503 in the first minute of its pod',
  async ({ name, client, what }) => {
    const { answer, statuses } = await played<WithoutIdentity>(`${name} ${what}`);
    expect('refused' in answer && answer.refused).toContain(reasons[what]);
    expect(statuses[0]).toBe(503);
    if (!client.repeats.includes(503)) expect(statuses).toHaveLength(1);
  },
  patienceMs,
);

test.each(repeating)(
  '$name retries, and gets an identity that is assigned 60 s after its first request',
  async ({ name }) => {
    const seen = await played<Played>(`${name} ${beyondHold}`);
    expect(subjectOf(seen)).toBe(seen.clientId);
    expect(seen.statuses.slice(0, -1)).toEqual(seen.statuses.slice(0, -1).fill(503));
  },
  patienceMs,
);

test.each(repeating)(
  '$name retries, and gets an identity for which its right is granted 20 s after its first request',
  async ({ name }) => {
    const seen = await played<Played>(`${name} right 20`);
    expect(subjectOf(seen)).toBe(seen.clientId);
    expect(seen.statuses.slice(0, -1)).toEqual(seen.statuses.slice(0, -1).fill(503));
  },
  patienceMs,
);

test.each(alone.filter((player) => !repeating.includes(player)))(
  '$name sends one request, and gets the reason after the hold',
  async ({ name }) => {
    const seen = await played<Played>(`${name} ${beyondHold}`);
    expect(seen.statuses).toEqual([503]);
    expect(subjectOf(seen)).toContain('is not assigned to its node yet');
  },
  patienceMs,
);
