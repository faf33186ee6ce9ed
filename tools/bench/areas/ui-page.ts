// The command `ui` as a process, and a page of it in a browser.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Tab } from '@pod-identity/kit/testing';
import type { Sim } from '@pod-identity/sim';
import { repository } from '../../stage/places.ts';
import { startService, type Service } from '../../stage/service.ts';
import { startCluster, type UiSize } from './ui-cluster.ts';

interface RunningUi {
  readonly sim: Sim;
  readonly service: Service;
  /** When the command was started, by `performance.now`. */
  readonly begun: number;
  /** With the token. */
  readonly url: string;
}

const preload = new URL('../programs/longest-stop-preload.ts', import.meta.url).href;

/** Of a cluster of this size. */
export async function withUi<T>(size: UiSize, measure: (running: RunningUi) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'pod-identity-bench-ui-'));
  const sim = await startCluster(size);
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, sim.kube.kubeconfig());
  const begun = performance.now();
  const entry = join(repository, 'packages/kubectl/dist/main.js');
  const args = ['ui', '-A', '--kubeconfig', kubeconfig];
  const service = startService({ name: 'ui', entry, args, preload });
  try {
    const url = await service.line((line) => line.startsWith('http://'));
    return await measure({ sim, service, begun, url });
  } finally {
    await service.stop();
    await sim.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

export async function openTab(browser: Browser): Promise<Tab> {
  const tab = await browser.openTab();
  await tab.send('Performance.enable');
  return tab;
}

/** That all pods are judged, and that this many are refused. */
export const refusedIn = (count: number): string =>
  `!document.querySelector('header')?.textContent.includes('being judged') &&
  [...document.querySelectorAll('button')].some((one) => one.textContent.trim() === '${count} refused')`;

/** Polls as often as frames are painted. */
export async function untilShown(tab: Tab, condition: string): Promise<void> {
  while ((await tab.evaluate(condition)) !== true) await new Promise((resolve) => setTimeout(resolve, 16));
}

async function metric(tab: Tab, name: string): Promise<number> {
  const { metrics } = await tab.send('Performance.getMetrics');
  return (metrics as { name: string; value: number }[]).find((one) => one.name === name)?.value ?? NaN;
}

export const taskTimeMs = async (tab: Tab) => (await metric(tab, 'TaskDuration')) * 1000;

export async function heapMiB(tab: Tab): Promise<number> {
  await tab.send('HeapProfiler.collectGarbage');
  return (await metric(tab, 'JSHeapUsedSize')) / 1024 / 1024;
}
