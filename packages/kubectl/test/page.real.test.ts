// The page of `ui` in headless Chromium, served by its server, with reports that are made up. UI_SCREENSHOTS=FOLDER writes what it looks like.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBrowser, whyNoPrograms, type Browser, type Tab } from '@pod-identity/kit/testing';
import type { Finding } from '@pod-identity/policy';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildPage } from '../page.config.ts';
import type { Report } from '../src/judge/report.ts';
import { readPageFiles } from '../src/ui/page-files.ts';
import { startPageServer, type PageServer } from '../src/ui/server.ts';
import { hostileReport, hostileStory, largeReport, reported, smallReport, smallStory } from './reports.ts';

const missing = whyNoPrograms({ programs: ['chromium'] });
if (missing !== undefined) console.warn(`skipped the page of ui in a browser: ${missing}`);

const require = createRequire(import.meta.url);
const screenshots = process.env['UI_SCREENSHOTS'];
const wide = 1_400;
const looks = [360, 700, wide].flatMap((width) =>
  (['light', 'dark'] as const).map((scheme) => [width, scheme] as const),
);
/** The page asks again after a twentieth of its pause. */
const fasterPage = `{ const { setTimeout: after } = window; window.setTimeout = (run, ms) => after(run, ms / 20); }`;

/** Words of cells that are broken elsewhere than behind a hyphen, a slash or a space. */
const brokenWords = `[...document.querySelectorAll('th, td')].flatMap((cell) => {
  const broken = [];
  const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  for (let node; (node = texts.nextNode());)
    for (const { index, 0: word } of node.data.matchAll(/[^\\s\\-/?]+/g)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      if (new Set([...range.getClientRects()].map(({ top }) => top)).size > 1) broken.push(word);
    }
  return broken;
})`;

describe.skipIf(missing !== undefined)('the page of ui in a browser', () => {
  let folder: string;
  let files: Awaited<ReturnType<typeof readPageFiles>>;
  let browser: Browser;
  let axe: string;
  let server: PageServer;
  let report: Report;
  let story: readonly Finding[] | undefined;
  const start = (port: number) =>
    startPageServer({
      port,
      token: 'a-token',
      proof: 'a-proof',
      files,
      readStatus: () =>
        Promise.resolve({
          body: JSON.stringify({ server: 'https://cluster.example:6443', report }),
          readAt: '2026-12-01T04:00:00.000Z',
        }),
      readStory: (pod) =>
        story ? Promise.resolve(story) : Promise.reject(new Error(`there is no pod ${pod}`)),
    });
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pod-identity-page-test-'));
    await buildPage(folder);
    files = await readPageFiles(folder);
    axe = await readFile(require.resolve('axe-core/axe.min.js'), 'utf8');
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    [report, story] = [smallReport, smallStory];
    server = await start(0);
  });
  afterEach(() => server.close());

  interface Look {
    readonly width?: number;
    readonly scheme?: 'light' | 'dark';
    readonly token?: string;
  }

  const openTab = async ({
    width = wide,
    scheme = 'light',
    token = 'a-token.a-proof',
  }: Look = {}): Promise<Tab> => {
    const tab = await browser.openTab();
    for (const domain of ['Network', 'Log', 'Runtime', 'Page']) await tab.send(`${domain}.enable`);
    await tab.send('Page.addScriptToEvaluateOnNewDocument', { source: fasterPage });
    const size = { width, height: width === 360 ? 720 : 900, deviceScaleFactor: 1 };
    await tab.send('Emulation.setDeviceMetricsOverride', { ...size, mobile: width === 360 });
    await tab.send('Emulation.setEmulatedMedia', {
      features: [{ name: 'prefers-color-scheme', value: scheme }],
    });
    await tab.show(`http://127.0.0.1:${server.port}/#token=${token}`);
    return tab;
  };
  const openPage = async (look?: Look): Promise<Tab> => {
    const tab = await openTab(look);
    await waitFor(tab, `document.querySelectorAll('tbody tr').length > 0`);
    return tab;
  };
  const waitFor = (tab: Tab, expression: string) =>
    expect.poll(() => tab.evaluate(expression), { message: expression, timeout: 20_000 }).toBe(true);
  const textOf = async (tab: Tab, selector: string) =>
    String(await tab.evaluate(`document.querySelector('${selector}').innerText`));
  const openStory = async (tab: Tab, pod = reported): Promise<void> => {
    await tab.evaluate(`document.querySelector('th [data-key="${pod}"]').click()`);
    await waitFor(tab, `document.querySelector('aside li, aside [role=alert]') !== null`);
  };
  const keep = async (tab: Tab, name: string): Promise<void> => {
    if (screenshots === undefined) return;
    const { data } = await tab.send('Page.captureScreenshot', { format: 'png' });
    await writeFile(join(screenshots, `${name}.png`), Buffer.from(String(data), 'base64'));
  };
  const accessibilityFaults = async (tab: Tab): Promise<unknown> => {
    await tab.evaluate(axe);
    const expression = `axe.run({ resultTypes: ['violations'] }).then(({ violations }) =>
      violations.map(({ id, nodes }) => id + ': ' + nodes.length + ' ' + nodes[0].html + nodes[0].failureSummary))`;
    const run = { expression, awaitPromise: true, returnByValue: true };
    return ((await tab.send('Runtime.evaluate', run))['result'] as { value?: unknown }).value;
  };
  const press = async (tab: Tab, ...keys: readonly string[]): Promise<void> => {
    for (const key of keys) {
      const text = key === 'Enter' ? '\r' : undefined;
      await tab.send('Input.dispatchKeyEvent', { type: 'keyDown', key, code: key, ...(text && { text }) });
      await tab.send('Input.dispatchKeyEvent', { type: 'keyUp', key, code: key });
    }
  };
  const faultsOf = (tab: Tab) => [
    ...tab.events('Runtime.exceptionThrown'),
    ...tab.events('Log.entryAdded').filter(({ entry }) => (entry as { level: string }).level === 'error'),
  ];

  test.each(looks)(
    'at %i pixels in %s colours causes, table and story pass axe, fit the window and break no words',
    async (width, scheme) => {
      const tab = await openPage({ width, scheme });
      const check = async (what: string) => {
        await keep(tab, `${what}-${width}-${scheme}`);
        expect(await accessibilityFaults(tab), what).toEqual([]);
        expect(await tab.evaluate('document.documentElement.scrollWidth'), what).toBe(width);
        expect(await tab.evaluate(brokenWords), what).toEqual([]);
      };
      await check('causes');
      await tab.evaluate(`document.querySelector('table').scrollIntoView()`);
      await check('pods');
      await openStory(tab);
      await check('story');
      expect(faultsOf(tab)).toEqual([]);
    },
  );

  test('causes come before pods, each with who must act, its pods and a remedy that is copied', async () => {
    const tab = await openPage();
    const text = await textOf(tab, '.report');
    const said = [
      'Causes: 4',
      'may not use',
      'cluster administrator must act · 6 pods',
      'and 1 more',
      'kind: Role',
      'Pods: 11',
      '7 problem',
    ];
    expect(said.map((part) => text.indexOf(part))).toEqual(
      said.map((part) => text.indexOf(part)).toSorted((a, b) => a - b),
    );
    for (const part of said) expect(text).toContain(part);
    await tab.evaluate(
      `navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }`,
    );
    await tab.evaluate(
      `[...document.querySelectorAll('.causes button')].filter((one) => one.innerText === 'Copy')[1].click()`,
    );
    expect(await tab.evaluate('window.copied')).toMatch(/^kubectl patch statefulset cart/);
    await waitFor(
      tab,
      `[...document.querySelectorAll('.causes button')].some((one) => one.innerText === 'Copied')`,
    );
  });

  test('a story has its remedy before what holds, and each sentence once; that of a pod that is gone says so', async () => {
    const tab = await openPage();
    await openStory(tab);
    const text = await textOf(tab, 'aside');
    expect(text.indexOf('Remedy')).toBeLessThan(text.indexOf('it runs on node'));
    for (const part of ['may not use AzureIdentity', 'Remedy', 'kind: Role'])
      expect(text.split(part)).toHaveLength(2);
    expect(text).toContain('ServiceAccount shop/report → pod shop/report-generator');
    story = undefined;
    await openStory(tab, 'shop/cart-0');
    await waitFor(tab, `/there is no pod shop.cart-0/.test(document.querySelector('aside').innerText)`);
  });

  test('what changes is shown without a reload, and keeps the focus', async () => {
    const tab = await openPage();
    await tab.evaluate(
      `window.isSamePage = true; document.querySelector('th [data-key="shop/cart-0"]').focus()`,
    );
    const pods = smallReport.pods.map((row) =>
      row.pod === 'shop/cart-0' ? ({ ...row, state: 'ok', why: '' } as const) : row,
    );
    report = { ...smallReport, pods: pods.filter(({ pod }) => pod !== reported) };
    await waitFor(
      tab,
      `/^.? ?ok/.test(document.activeElement.closest('tr')?.querySelector('.state').innerText)`,
    );
    expect(await tab.evaluate(`document.querySelector('th [data-key="${reported}"]')`)).toBeNull();
    expect(await tab.evaluate('document.activeElement.dataset.key')).toBe('shop/cart-0');
    expect(await tab.evaluate('document.title')).toBe('5 with problems, Pod Identity');
    expect(await tab.evaluate('window.isSamePage')).toBe(true);
  });

  test('the token leaves the address bar, goes in a header, and outlives a reload', async () => {
    const tab = await openPage();
    expect(await tab.evaluate('location.href')).toBe(`http://127.0.0.1:${server.port}/`);
    await tab.evaluate('location.reload()');
    await waitFor(
      tab,
      `performance.getEntriesByType('navigation')[0].type === 'reload' && document.querySelectorAll('tbody tr').length > 0`,
    );
    const urls = tab
      .events('Network.requestWillBeSent')
      .map(({ request }) => (request as { url: string }).url);
    expect(urls.filter((url) => url.includes('/v1/')).length).toBeGreaterThan(0);
    expect(urls.filter((url) => url.includes('a-token'))).toEqual([]);
  });

  test('attack: without the token the page says which address to open', async () => {
    const tab = await openTab({ token: 'another' });
    await waitFor(tab, `/Open the URL that the command has printed/.test(document.body.innerText)`);
  });

  test('by keyboard alone: a filter, a story and back', async () => {
    const tab = await openPage();
    await tab.evaluate(`document.querySelector('#search').focus()`);
    await tab.send('Input.insertText', { text: 'report x2x43' });
    await waitFor(tab, `document.querySelectorAll('tbody tr').length === 1`);
    await press(tab, 'Tab', 'Enter');
    await waitFor(tab, `document.querySelector('aside li') !== null`);
    expect(await tab.evaluate('document.activeElement.id')).toBe('story');
    await press(tab, 'Escape');
    await waitFor(tab, `document.querySelector('aside').hidden`);
    expect(await tab.evaluate('document.activeElement.dataset.key')).toBe(
      'shop/report-generator-7d9f8b6c5d-x2x43',
    );
  });

  test('a seventh tab loads, and all of them go on', async () => {
    const tabs: Tab[] = [];
    for (let at = 0; at < 7; at += 1) tabs.push(await openPage());
    report = { ...smallReport, causes: [] };
    for (const tab of tabs)
      await waitFor(tab, `document.querySelector('h2').innerText === 'Nothing is wrong'`);
  });

  test('of 5,000 pods some are in the document, more at the press of a button, and a filter finds each', async () => {
    report = largeReport(5_000, 500);
    const tab = await openPage();
    const rows = `document.querySelectorAll('tbody tr').length`;
    expect(await tab.evaluate(rows)).toBe(100);
    await keep(tab, 'large');
    await tab.evaluate(`[...document.querySelectorAll('.report > section > button')].at(1).click()`);
    expect(await tab.evaluate(rows)).toBe(200);
    await tab.evaluate(`document.querySelector('#search').focus()`);
    await tab.send('Input.insertText', { text: '04999' });
    await waitFor(tab, `${rows} === 1`);
  });

  test('attack: names and messages with markup run nothing and stay text', async () => {
    [report, story] = [hostileReport, hostileStory];
    const tab = await openPage();
    for (const at of [0, 1]) {
      await tab.evaluate(`document.querySelectorAll('th button')[${at}].click()`);
      await waitFor(tab, `document.querySelectorAll('aside li').length === 2`);
      await keep(tab, `hostile-${at}`);
      expect(await tab.evaluate('document.documentElement.scrollWidth')).toBe(wide);
    }
    expect(await tab.evaluate('window.attacked ?? null')).toBeNull();
    expect(
      await tab.evaluate(
        `document.querySelectorAll('img, script:not([src="/page.js"]), [onload], [onerror]').length`,
      ),
    ).toBe(0);
    expect(await tab.evaluate(`/[\\u202e\\u001b]/.test(document.body.textContent)`)).toBe(false);
    expect(tab.events('Runtime.exceptionThrown')).toEqual([]);
  });

  test('a command that ends is reported, and the page goes on when it is back', async () => {
    const tab = await openPage();
    const { port } = server;
    await server.close();
    await waitFor(tab, `/has ended or does not respond/.test(document.querySelector('header').innerText)`);
    server = await start(port);
    await waitFor(tab, `document.querySelector('header .alert').hidden`);
  });
});
