// What the picture of `kubectl azure-pod-identity ui` costs its program and its page, beside an empty page of preact with as many rows.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { startBrowser, whyNoPrograms, type Browser, type Tab } from '@pod-identity/kit/testing';
import { build } from 'esbuild';
import type { Sim } from '@pod-identity/sim';
import { repository } from '../../stage/places.ts';
import { anonymousMiB, cpuMicroseconds } from '../process.ts';
import { median, rounded, type Figures } from '../report.ts';
import type { Scale } from '../scale.ts';
import { busySizes, measureBusy } from './ui-busy.ts';
import { movePod, type UiSize } from './ui-cluster.ts';
import { heapMiB, openTab, refusedIn, taskTimeMs, untilShown, withUi } from './ui-page.ts';

interface Sizes {
  readonly clusters: readonly UiSize[];
  readonly changes: number;
}
const sizes: Readonly<Record<Scale, Sizes>> = {
  full: {
    clusters: [
      { pods: 100, identities: 10 },
      { pods: 5_000, identities: 500 },
    ],
    changes: 20,
  },
  smoke: { clusters: [{ pods: 100, identities: 10 }], changes: 2 },
};

/** Of a page: processor time in its tab for one change, and what its scripts hold. */
interface PageCost {
  readonly firstMs: number;
  readonly changeMs: number;
  readonly heapMiB: number;
}
interface Cost {
  readonly page: PageCost;
  readonly bare: PageCost;
  readonly readyMs: number;
  readonly serverMs: number;
  readonly serverMiB: number;
}

export async function benchUi(say: (text: string) => void, scale: Scale): Promise<Figures> {
  const missing = whyNoPrograms({ programs: ['chromium'] });
  if (missing !== undefined) {
    say(missing);
    return [];
  }
  const { clusters, changes } = sizes[scale];
  const browser = await startBrowser();
  const figures: Figures[] = [];
  try {
    for (const size of clusters) {
      say(`${size.pods} pods and ${size.identities} identities`);
      const bare = await measureBare(browser, size.pods, changes);
      figures.push(figuresOf(size.pods, { bare, ...(await measureUi(browser, size, changes)) }));
    }
    figures.push(await measureBusy(browser, busySizes[scale], say));
  } finally {
    await browser.close();
  }
  return figures.flat();
}

async function measureUi(browser: Browser, size: UiSize, changes: number): Promise<Omit<Cost, 'bare'>> {
  return withUi(size, async ({ sim, service, begun, url }) => {
    const tab = await openTab(browser);
    const opened = performance.now();
    await tab.show(url);
    await untilShown(tab, refusedIn(0));
    const firstMs = performance.now() - opened;
    const readyMs = performance.now() - begun;
    const { changeMs, cpuMs } = await measureChanges(tab, { sim, changes, pid: service.pid });
    return {
      page: { firstMs, changeMs, heapMiB: await heapMiB(tab) },
      readyMs,
      serverMs: cpuMs,
      serverMiB: await anonymousMiB(service.pid),
    };
  });
}

async function measureChanges(
  tab: Tab,
  { sim, changes, pid }: { readonly sim: Sim; readonly changes: number; readonly pid: number },
): Promise<{ readonly changeMs: number; readonly cpuMs: number }> {
  const [inPage, inServer]: [number[], number[]] = [[], []];
  for (let turn = 1; turn <= changes; turn += 1) {
    const [taskMs, cpu] = [await taskTimeMs(tab), cpuMicroseconds(pid)];
    movePod(sim, turn % 2 === 1);
    await untilShown(tab, refusedIn(turn % 2));
    inServer.push((cpuMicroseconds(pid) - cpu) / 1000);
    inPage.push((await taskTimeMs(tab)) - taskMs);
  }
  return { changeMs: median(inPage), cpuMs: median(inServer) };
}

async function measureBare(browser: Browser, rows: number, changes: number): Promise<PageCost> {
  const server = createServer((_, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><body></body>'),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const script = await bareScript();
    const tab = await openTab(browser);
    const begun = performance.now();
    await tab.show(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await tab.evaluate(`{ ${script} }`);
    const show = async (state: string) => {
      await tab.evaluate(`showRows(${rows}, '${state}')`);
      await untilShown(tab, `document.querySelector('li').textContent.endsWith('${state}')`);
    };
    await show('waiting');
    const firstMs = performance.now() - begun;
    const times: number[] = [];
    for (let turn = 1; turn <= changes; turn += 1) {
      const before = await taskTimeMs(tab);
      await show(`state-${turn}`);
      times.push((await taskTimeMs(tab)) - before);
    }
    return { firstMs, changeMs: median(times), heapMiB: await heapMiB(tab) };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** As text, since the types of preact bring those of browsers. */
const barePage = `
import { h, render } from 'preact';
globalThis.showRows = (rows, state) => {
  const text = (index) => 'pod-' + index + ' ' + (index === 0 ? state : 'waiting');
  const items = Array.from({ length: rows }, (_, index) => h('li', { key: index }, text(index)));
  render(h('ul', null, items), document.body);
};
`;

async function bareScript(): Promise<string> {
  const stdin = { contents: barePage, resolveDir: join(repository, 'packages/kubectl') };
  const { outputFiles } = await build({ stdin, bundle: true, format: 'iife', write: false });
  return outputFiles[0]?.text ?? '';
}

function figuresOf(pods: number, { page, bare, readyMs, serverMs, serverMiB }: Cost): Figures {
  const of = (name: string, value: number, what: string) => ({
    name: `ui-${pods}-${name}`,
    value: rounded(value),
    what,
  });
  return [
    of('start-ms', readyMs, `from the start of the command to the picture of ${pods} pods in a page`),
    of('first-picture-ms', page.firstMs, 'from opening the page to the picture'),
    of('first-picture-ratio', page.firstMs / bare.firstMs, 'the same as a multiple of the empty page'),
    of('change-server-ms', serverMs, 'processor time of the command for one changed pod'),
    of('change-page-ms', page.changeMs, 'processor time of the page for one changed pod'),
    of('change-page-ratio', page.changeMs / bare.changeMs, 'the same as a multiple of the empty page'),
    of('server-mib', serverMiB, 'memory of the command'),
    of('page-mib', page.heapMiB, 'memory of the scripts of the page'),
    of('page-ratio', page.heapMiB / bare.heapMiB, 'the same as a multiple of the empty page'),
  ];
}
