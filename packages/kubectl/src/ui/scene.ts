// The cluster as the user may see it, and the pictures of it.
import { rulesOf } from '../access/modes.ts';
import type { Session } from '../cli/command.ts';
import { followWorld } from '../cluster/follow-world.ts';
import { readServices, type Services } from '../cluster/services.ts';
import { serviceRows } from '../status/services-rows.ts';
import { makePicture, type Kept } from './make-picture.ts';
import type { Picture } from './picture.ts';
import { createAlbum, type Pictures } from './pictures.ts';
import { watchHealth } from './server-health.ts';

export interface Scene {
  readonly pictures: Pictures;
  /** Until the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

export async function openScene(session: Session): Promise<Scene> {
  const { namespace, clock, kube } = session;
  let services = await session.services();
  let kept: Kept | undefined;
  const album = createAlbum({ clock, make });
  const healthy = watchHealth(kube, (problem) => album.setProblem(problem));
  const { forceNamespaced } = await rulesOf(session);
  const live = followWorld({ ...session, kube: healthy, forceNamespaced });
  live.onChange(() => album.note());

  function make(number: number): Picture {
    const { world, changed } = live.look();
    const hasMic = services.mic.length > 0 || services.unknown.length > 0;
    const brokers = serviceRows(services).filter(({ kind }) => kind === 'broker');
    const made = makePicture({ world, namespace, hasMic, now: clock.now(), brokers }, changed, kept);
    ({ kept } = made);
    return {
      number,
      takenAt: new Date(clock.now()).toISOString(),
      server: kube.server,
      namespace,
      unknown: [...services.unknown, ...world.unknown, ...made.unknown],
      things: made.things,
      lines: made.lines,
    };
  }
  const takeServices = (found: Services) => {
    services = found;
    album.note();
  };
  return {
    pictures: album,
    async run(signal) {
      const taking = live.synced.then(() => album.run(signal));
      await Promise.all([live.run(signal), taking, followServices({ kube, clock, signal }, takeServices)]);
    },
  };
}

/** They change seldom, and to look for them takes reviews of rights. */
const servicesMs = 60_000;

async function followServices(
  { kube, signal, clock }: Pick<Session, 'kube' | 'signal' | 'clock'>,
  onServices: (services: Services) => void,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(servicesMs, signal).catch(() => undefined);
    const services = await readServices({ kube, signal }).catch(() => undefined);
    if (services) onServices(services);
  }
}
