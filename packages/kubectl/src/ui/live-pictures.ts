// The cluster as the user may see it, and the pictures of it.
import { setImmediate as yieldTurn } from 'node:timers/promises';
import { rulesOf } from '../rights/modes.ts';
import type { Session } from '../cli/command.ts';
import { readAgents } from '../cluster/agents.ts';
import { followCluster, type FollowedCluster } from '../cluster/follow-cluster.ts';
import { readServices, type Services } from '../cluster/services.ts';
import type { AgentFault } from '../status/object-rows.ts';
import { agentFaults, serviceRows } from '../status/services-rows.ts';
import { createJudge } from './judge.ts';
import { makePicture, type PictureInput } from './make-picture.ts';
import { createPictureFeed, type PictureMaker, type Pictures } from './picture-feed.ts';
import { watchHealth } from './server-health.ts';

export interface LivePictures {
  readonly pictures: Pictures;
  /** Until the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

export async function openLivePictures(session: Session): Promise<LivePictures> {
  const { clock, kube } = session;
  let serviceState = await readServiceState(session, await session.services());
  const { forceNamespaced } = await rulesOf(session);
  const healthy = watchHealth(kube, (problem) => feed.setProblem(problem));
  const live = followCluster({ ...session, kube: healthy, forceNamespaced });
  const feed = createPictureFeed({
    clock,
    yieldTurn,
    ...createPictureMaker(session, live, () => serviceState),
  });
  live.onChange(() => feed.note());
  const takeServices = (found: ServiceState) => {
    serviceState = found;
    feed.note();
  };
  return {
    pictures: feed,
    async run(signal) {
      const taking = live.synced.then(() => feed.run(signal));
      await Promise.all([
        live.run(signal),
        taking,
        followServices({ kube, clock, signal }, serviceState, takeServices),
      ]);
    },
  };
}

/** Judges the pods of the cluster as it is now, and makes pictures of the results. */
function createPictureMaker(
  { namespace, clock, clusterNote, kube: { server } }: Session,
  live: FollowedCluster,
  servicesNow: () => ServiceState,
): Pick<PictureMaker, 'judge' | 'make'> {
  const judge = createJudge();
  let seen: PictureInput | undefined;
  const update = (): PictureInput => {
    const { cluster, changed } = live.current();
    const { services, agentFault } = servicesNow();
    const hasMic = services.mic.length > 0 || services.unknown.length > 0;
    const brokers = serviceRows(services).filter(({ kind }) => kind === 'broker');
    seen = { cluster, namespace, hasMic, now: clock.now(), brokers, agentFault };
    judge.update(seen, changed);
    return seen;
  };
  return {
    *judge() {
      do {
        update();
        for (;;) {
          const [hasSettled, hasJudged] = [live.settle(), judge.next()];
          if (!hasSettled && !hasJudged) break;
          yield;
        }
      } while (judge.waiting() > 0);
    },
    make(number) {
      const shown = seen ?? update();
      const { things, lines, unknown } = makePicture(shown, judge.parts());
      const lacking = [...servicesNow().services.unknown, ...shown.cluster.unknown, ...unknown];
      const takenAt = new Date(clock.now()).toISOString();
      const pending = judge.waiting();
      return { number, takenAt, server, namespace, clusterNote, unknown: lacking, pending, things, lines };
    },
  };
}

/** The services, and what is known against NMI on the nodes. */
interface ServiceState {
  readonly services: Services;
  readonly agentFault: AgentFault;
}

async function readServiceState(
  reading: Pick<Session, 'kube' | 'signal'>,
  services: Services,
): Promise<ServiceState> {
  return { services, agentFault: agentFaults(services, await readAgents(services, reading)) };
}

/** NMI's pods come and go with nodes. */
const agentsMs = 15_000;
/** Services change seldom, and to look for them takes reviews of rights. */
const servicesEvery = 4;

async function followServices(
  { clock, ...reading }: Pick<Session, 'kube' | 'signal' | 'clock'>,
  first: ServiceState,
  onServices: (serviceState: ServiceState) => void,
): Promise<void> {
  let { services } = first;
  for (let turn = 1; !reading.signal.aborted; turn += 1) {
    await clock.sleep(agentsMs, reading.signal).catch(() => undefined);
    try {
      if (turn % servicesEvery === 0) services = await readServices(reading);
      onServices(await readServiceState(reading, services));
    } catch {
      // The API server is away, or the command ends: what was known stays.
    }
  }
}
