// What `kubectl azure-pod-identity ui` and a page of it cost in a cluster of many pods.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBrowser, whyNoPrograms, type Browser, type Tab } from '@pod-identity/kit/testing';
import { repository } from '../../stage/places.ts';
import type { Sim } from '@pod-identity/sim';
import { startService } from '../../stage/service.ts';
import { anonymousMiB, cpuMicroseconds } from '../process.ts';
import { median, rounded, type Figures } from '../report.ts';
import type { Scale } from '../scale.ts';
import { movePod, startCluster, type UiSize } from './ui-cluster.ts';

const sizes: Readonly<Record<Scale, UiSize & { readonly changes: number }>> = {
  full: { pods: 5_000, identities: 500, changes: 5 },
  smoke: { pods: 100, identities: 10, changes: 1 },
};

const watchTasks = `window.longest = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
}).observe({ type: 'longtask', buffered: true });`;

export async function benchUi(say: (text: string) => void, scale: Scale): Promise<Figures> {
  const missing = whyNoPrograms({ programs: ['chromium'] });
  if (missing !== undefined) {
    say(missing);
    return [];
  }
  const { changes, ...size } = sizes[scale];
  say(`${size.pods} pods and ${size.identities} identities`);
  const folder = await mkdtemp(join(tmpdir(), 'pod-identity-bench-ui-'));
  const sim = await startCluster(size);
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, sim.kube.kubeconfig());
  const browser = await startBrowser();
  const begun = performance.now();
  const entry = join(repository, 'packages/kubectl/dist/main.js');
  const service = startService({ name: 'ui', entry, args: ['ui', '-A', '--kubeconfig', kubeconfig] });
  try {
    const url = await service.line((line) => line.startsWith('http://'));
    const page = await openPage(browser, url);
    const startMs = performance.now() - begun;
    const firstTaskMs = await longestTask(page.tab);
    const readMs = await measureChanges(page.tab, { sim, pid: service.pid, changes });
    return figuresOf(size, {
      startMs,
      firstMs: page.firstMs,
      firstTaskMs,
      readMs,
      taskMs: await longestTask(page.tab),
      serverMiB: await anonymousMiB(service.pid),
      pageMiB: await heapMiB(page.tab),
    });
  } finally {
    await browser.close();
    await service.stop();
    await sim.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

type Measured = Readonly<
  Record<'startMs' | 'firstMs' | 'firstTaskMs' | 'taskMs' | 'readMs' | 'serverMiB' | 'pageMiB', number>
>;

function figuresOf({ pods }: UiSize, measured: Measured): Figures {
  const of = (name: string, value: number, what: string) => ({
    name: `ui-${pods}-${name}`,
    value: rounded(value),
    what,
  });
  return [
    of('start-ms', measured.startMs, `from the start of the command to the first of ${pods} pods in a page`),
    of('first-row-ms', measured.firstMs, 'from opening the page to the first row'),
    of('first-task-ms', measured.firstTaskMs, 'longest task of the page until then; 0: none of 50 ms'),
    of('task-ms', measured.taskMs, 'longest task of the page while pods change; 0: none of 50 ms'),
    of('read-cpu-ms', measured.readMs, 'processor time of the command until a change is in the page'),
    of('server-mib', measured.serverMiB, 'memory of the command'),
    of('page-mib', measured.pageMiB, 'memory of the scripts of the page'),
  ];
}

async function measureChanges(
  tab: Tab,
  { sim, pid, changes }: { readonly sim: Sim; readonly pid: number; readonly changes: number },
): Promise<number> {
  const cpu: number[] = [];
  for (let turn = 1; turn <= changes; turn += 1) {
    const [before, used] = [await tab.evaluate(summary), cpuMicroseconds(pid)];
    movePod(sim, turn % 2 === 1);
    await until(tab, `${summary} !== ${JSON.stringify(before)}`);
    cpu.push((cpuMicroseconds(pid) - used) / 1000);
  }
  return median(cpu);
}

const summary = `document.querySelector('[role=status]').textContent`;

async function openPage(
  browser: Browser,
  url: string,
): Promise<{ readonly tab: Tab; readonly firstMs: number }> {
  const tab = await browser.openTab();
  await tab.send('Page.enable');
  await tab.send('Performance.enable');
  await tab.send('Page.addScriptToEvaluateOnNewDocument', { source: watchTasks });
  const opened = performance.now();
  await tab.show(url);
  await until(tab, `document.querySelector('tbody tr') !== null`);
  return { tab, firstMs: performance.now() - opened };
}

/** Polls as often as frames are painted. */
async function until(tab: Tab, condition: string): Promise<void> {
  const end = performance.now() + 60_000;
  while ((await tab.evaluate(condition)) !== true) {
    if (performance.now() > end) throw new Error(`within a minute the page did not fulfil ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 16));
  }
}

/** Since the last call. */
async function longestTask(tab: Tab): Promise<number> {
  // Tasks are told when they are over.
  await new Promise((resolve) => setTimeout(resolve, 100));
  return Number(await tab.evaluate('{ const ms = window.longest; window.longest = 0; ms }'));
}

async function heapMiB(tab: Tab): Promise<number> {
  await tab.send('HeapProfiler.collectGarbage');
  const { metrics } = await tab.send('Performance.getMetrics');
  const used = (metrics as { name: string; value: number }[]).find(({ name }) => name === 'JSHeapUsedSize');
  return (used?.value ?? NaN) / 1024 / 1024;
}
