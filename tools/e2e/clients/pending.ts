// An identity that is assigned some seconds after a client's first request to the real NMI: whether and how the client gets its token.
import { setTimeout as delay } from 'node:timers/promises';
import { grantObjects } from '../granted.ts';
import * as names from '../../stage/names.ts';
import type { Stage, StageNmi } from '../../stage/stage.ts';
import { openRecordedPath, type RecordedCall, type RecordedPath } from './recorded-path.ts';
import type { Player } from './players.ts';
import type { Answer } from './real-clients.ts';
import { run } from './run-client.ts';
import { labelledPod, pendingPod } from './scene.ts';
import type { Starts } from './starts.ts';

export interface PendingStage {
  readonly stage: Stage;
  readonly nmi: StageNmi;
  readonly starts: Starts;
}

export interface PendingPlay {
  readonly player: Player;
  /** Of the pod, its identity and its binding. */
  readonly key: string;
  /** Real seconds: the client's own timers are measured. */
  readonly seconds: number;
}

export interface Played {
  readonly answer: Answer;
  readonly clientId: string;
  /** Of NMI's answers. */
  readonly statuses: readonly number[];
  /** When NMI's responses came, for messages: '503 after 25.0 s, 200 after 25.9 s'. */
  readonly times: string;
  /** From the first request to the last response. */
  readonly lasted: number;
  /** Seconds from the first request until it was given what it waited for: on a busy machine more than were wanted. */
  readonly givenAfter: number;
}

/** Without an identity, which never comes. */
export type WithoutIdentity = Omit<Played, 'clientId' | 'givenAfter'>;

/** The identity is Created before the first request, and Assigned so many seconds after it. */
export function playPending(where: PendingStage, play: PendingPlay): Promise<Played> {
  return playLate(where, play, async () => {
    const scene = await pendingPod(where.stage, play.key);
    await scene.create();
    return { ...scene, give: () => scene.assign() };
  });
}

/** At the first request there is only a new labelled pod; everything else is created so many seconds after it. */
export function playUnbound(where: PendingStage, play: PendingPlay): Promise<Played> {
  return playLate(where, play, async () => {
    const scene = await labelledPod(where.stage, play.key, { startedAt: new Date() });
    const give = async () => {
      await scene.bind();
      await scene.assign();
    };
    return { ...scene, give };
  });
}

/** At the first request the pod's ServiceAccount has no right to use its identity; it gets the right so many seconds after it. For a stage with MIC, in mode rbac. The machine has the identity, as for another pod: MIC attaches only so many one by one. */
export function playWithoutRight(where: PendingStage, play: PendingPlay): Promise<Played> {
  return playLate(where, play, async () => {
    const scene = await labelledPod(where.stage, play.key, { startedAt: new Date() });
    where.stage.sim.azure.world.attach(names.scaleSetId(names.scaleSet), scene.identity.resourceId);
    await scene.bind();
    const rights = grantObjects('default', ['default'], { type: 0, resourceID: scene.identity.resourceId });
    const give = async () => {
      for (const object of rights) await where.stage.create(object);
    };
    return { ...scene, give };
  });
}

type Missing = 'binding' | 'client id' | 'right';

/** What is missing never comes: a new pod has a label without a binding, asks for a client id that none of its identities has, or has no right. */
export async function playMissing(
  { stage, nmi, starts }: PendingStage,
  { player, key, what }: Omit<PendingPlay, 'seconds'> & { readonly what: Missing },
): Promise<WithoutIdentity> {
  const asked = Promise.withResolvers<unknown>();
  return starts.run(async () => {
    const scene = await labelledPod(stage, key, { startedAt: new Date() });
    if (what !== 'binding') await scene.bind();
    const path = await openRecordedPath({ pod: scene.pod, nmi });
    const wish = what === 'client id' ? { ...player.wish, clientId: foreignId } : player.wish;
    const running = run(player.client, wish, { url: path.url });
    asked.resolve(await path.asked());
    const answer = await running;
    await path.close();
    return { answer, ...timesOf(path.calls) };
  }, asked.promise);
}

/** Of no identity. */
const foreignId = 'c0000000-0000-4000-8000-ffffffffffff';

interface LateScene extends Pick<Awaited<ReturnType<typeof pendingPod>>, 'pod' | 'identity'> {
  give(): Promise<void>;
}

function playLate(
  { nmi, starts }: PendingStage,
  { player, seconds }: PendingPlay,
  prepare: () => Promise<LateScene>,
): Promise<Played> {
  const asked = Promise.withResolvers<number>();
  return starts.run(async () => {
    const scene = await prepare();
    const path = await openRecordedPath({ pod: scene.pod, nmi });
    const answer = run(player.client, player.wish, { url: path.url });
    asked.resolve((await path.asked()).askedAt);
    await delay((await asked.promise) + seconds * 1000 - Date.now());
    await scene.give();
    const givenAfter = (Date.now() - (await asked.promise)) / 1000;
    const result = await answer;
    await path.close();
    return { answer: result, clientId: scene.identity.clientId, givenAfter, ...timesOf(path.calls) };
  }, asked.promise);
}

function timesOf(calls: RecordedPath['calls']): Pick<Played, 'statuses' | 'times' | 'lasted'> {
  const last = calls.at(-1);
  // Without a response: until the program has ended.
  const endedAt = last?.status === 0 ? Date.now() : (last?.answeredAt ?? 0);
  const lasted = (endedAt - (calls[0]?.askedAt ?? 0)) / 1000;
  const afterFirst = ({ status, answeredAt }: RecordedCall) =>
    `${status} after ${((answeredAt - (calls[0]?.askedAt ?? 0)) / 1000).toFixed(1)} s`;
  return { lasted, times: calls.map(afterFirst).join(', '), statuses: calls.map(({ status }) => status) };
}
