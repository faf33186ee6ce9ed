// A large cluster that changes all the time while a page is open: whether program and page stay responsive, and how far they are behind.
import process from 'node:process';
import type { Browser, Tab } from '@pod-identity/kit/testing';
import type { Sim } from '@pod-identity/sim';
import type { Service } from '../../stage/service.ts';
import { anonymousMiB } from '../process.ts';
import { rounded, type Figures } from '../report.ts';
import type { Scale } from '../scale.ts';
import { changePod, movePod, type UiSize } from './ui-cluster.ts';
import { heapMiB, openTab, refusedIn, untilShown, withUi } from './ui-page.ts';

interface BusySize extends UiSize {
  readonly changesPerSecond: number;
  readonly seconds: number;
}

export const busySizes: Readonly<Record<Scale, BusySize>> = {
  full: { pods: 10_000, identities: 500, changesPerSecond: 100, seconds: 30 },
  smoke: { pods: 100, identities: 10, changesPerSecond: 100, seconds: 1 },
};

const watchTasks = `window.longest = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
}).observe({ entryTypes: ['longtask'] });`;

export async function measureBusy(
  browser: Browser,
  size: BusySize,
  say: (text: string) => void,
): Promise<Figures> {
  const { pods, changesPerSecond, seconds } = size;
  say(`${pods} pods with ${changesPerSecond} changes a second for ${seconds} s`);
  return withUi(size, async ({ sim, service, url }) => {
    const tab = await openTab(browser);
    await tab.show(url);
    await untilShown(tab, refusedIn(0));
    const firstMs = await longestStop(service);
    await tab.evaluate(watchTasks);
    await changeAllTheTime(sim, size);
    const behindMs = await followed(tab, sim);
    const stopMs = await longestStop(service);
    const taskMs = Number(await tab.evaluate('window.longest'));
    const of = (name: string, value: number, what: string) => ({
      name: `ui-busy-${name}`,
      value: rounded(value),
      what,
    });
    return [
      of('first-stop-ms', firstMs, `longest stop of the command until a page shows ${pods} pods`),
      of('server-stop-ms', stopMs, `longest stop while ${changesPerSecond} pods change in a second`),
      of('page-task-ms', taskMs, 'longest task of the page meanwhile; 0: none of 50 ms'),
      of('behind-ms', behindMs, 'from the last of these changes to the page that shows it'),
      of('server-mib', await anonymousMiB(service.pid), 'memory of the command after it'),
      of('page-mib', await heapMiB(tab), 'memory of the scripts of the page after it'),
    ];
  });
}

/** Each pod twice: it loses its binding, and gets it again. */
async function changeAllTheTime(sim: Sim, size: BusySize): Promise<void> {
  const { pods, identities, changesPerSecond, seconds } = size;
  const begun = performance.now();
  const all = changesPerSecond * seconds;
  let done = 0;
  while (done < all) {
    const due = Math.min(all, Math.ceil(((performance.now() - begun) / 1000) * changesPerSecond));
    for (; done < due; done += 1)
      changePod(sim, { number: 1 + ((done >> 1) % (pods - 1)), identities, isLost: done % 2 === 0 });
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** How long the page takes to show one more change. */
async function followed(tab: Tab, sim: Sim): Promise<number> {
  const begun = performance.now();
  movePod(sim, true);
  await untilShown(tab, refusedIn(1));
  return performance.now() - begun;
}

/** Of the event loop, since the last call. */
async function longestStop(service: Service): Promise<number> {
  const before = service.lines.length;
  process.kill(service.pid, 'SIGUSR2');
  const isNew = () => service.lines.slice(before).find((line) => line.includes('longest stop'));
  while (isNew() === undefined) await new Promise((resolve) => setTimeout(resolve, 10));
  return (JSON.parse(isNew() ?? '') as { readonly ms: number }).ms;
}
