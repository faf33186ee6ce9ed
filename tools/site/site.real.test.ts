// The built site in headless Chromium, opened as files. SITE_SCREENSHOTS=FOLDER writes what it looks like.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startBrowser, whyNoPrograms, type Browser, type Tab } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeSite } from './make-site.ts';

const missing = whyNoPrograms({ programs: ['chromium'] });
if (missing !== undefined) console.warn(`skipped the site in a browser: ${missing}`);

const screenshots = process.env['SITE_SCREENSHOTS'];
const narrow = 360;
const wide = 1400;

describe.skipIf(missing !== undefined)('the site in a browser', () => {
  let folder: string;
  let browser: Browser;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pod-identity-site-test-'));
    expect((await makeSite(folder)).problems).toEqual([]);
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  });

  const openTab = async (width: number, scheme: 'light' | 'dark' = 'light'): Promise<Tab> => {
    const tab = await browser.openTab();
    for (const domain of ['Network', 'Log', 'Runtime']) await tab.send(`${domain}.enable`);
    await tab.send('Emulation.setDeviceMetricsOverride', {
      width,
      height: 900,
      deviceScaleFactor: 1,
      mobile: width < 500,
    });
    const features = [{ name: 'prefers-color-scheme', value: scheme }];
    await tab.send('Emulation.setEmulatedMedia', { features });
    return tab;
  };
  const show = (tab: Tab, page: string): Promise<void> => tab.show(pathToFileURL(join(folder, page)).href);
  const keep = async (tab: Tab, name: string): Promise<void> => {
    if (screenshots === undefined) return;
    const { data } = await tab.send('Page.captureScreenshot', { format: 'png' });
    await writeFile(join(screenshots, `${name}.png`), Buffer.from(String(data), 'base64'));
  };

  test('no page is wider than a phone of 360 pixels', async () => {
    const pages = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.html'));
    expect(pages.length).toBeGreaterThan(100);
    const tooWide: string[] = [];
    const take = async (tab: Tab): Promise<void> => {
      for (let page = pages.pop(); page !== undefined; page = pages.pop()) {
        await show(tab, page);
        const width = await tab.evaluate('document.documentElement.scrollWidth');
        if (width !== narrow) tooWide.push(`${page}: ${String(width)} pixels`);
      }
    };
    await Promise.all(Array.from({ length: 4 }, async () => take(await openTab(narrow))));
    expect(tooWide).toEqual([]);
  });

  test.each([
    [narrow, 'light'],
    [narrow, 'dark'],
    [wide, 'light'],
    [wide, 'dark'],
  ] as const)(
    'on %i pixels in %s colours the page follows, and loads nothing but files of the site',
    async (width, scheme) => {
      const tab = await openTab(width, scheme);
      await show(tab, 'docs/administrator/no-token.html');
      const background = await tab.evaluate('getComputedStyle(document.body).backgroundColor');
      const [red = 0] = (/\d+/.exec(String(background)) ?? []).map(Number);
      expect(red > 127 ? 'light' : 'dark').toBe(scheme);
      const urls = tab
        .events('Network.requestWillBeSent')
        .map(({ request }) => (request as { url: string }).url);
      expect(urls.length).toBeGreaterThan(3);
      expect(urls.filter((url) => !url.startsWith(pathToFileURL(folder).href))).toEqual([]);
      expect(tab.events('Runtime.exceptionThrown')).toEqual([]);
      await keep(tab, `no-token-${width}-${scheme}`);
    },
  );

  test.each([
    ['no token', 'docs/administrator/no-token.html'],
    ['AADSTS70021', 'docs/administrator/runbooks/broker.html'],
    ['forbidden', 'docs/administrator/no-token.html'],
    ['sizing memory', 'docs/administrator/sizing.html'],
    ['helm rollback', 'deploy/index.html'],
    ['--hold', 'docs/reference/configuration.html'],
    ['createImdsClient', 'api/'],
  ])('a search for "%s" finds %s among the first five', async (words, page) => {
    const tab = await openTab(narrow);
    await show(tab, 'docs/app-developer/index.html');
    const links = `[...document.querySelectorAll('#tsd-search-results a')].map((one) => one.href)`;
    await tab.evaluate(`document.getElementById('tsd-search-trigger').click()`);
    // TypeDoc hides the body for up to half a second after the load, and what is hidden takes no focus.
    const focused = `document.getElementById('tsd-search-input').focus(), document.activeElement.id`;
    await expect
      .poll(() => tab.evaluate(focused), { message: 'the focus of the search' })
      .toBe('tsd-search-input');
    await tab.send('Input.insertText', { text: words });
    const count = async (): Promise<number> => Number(await tab.evaluate(`${links}.length`));
    await expect.poll(count, { message: 'results' }).toBeGreaterThan(0);
    await keep(tab, `search-${words.replaceAll(/\W/g, '-')}`);
    const found = String(await tab.evaluate(`${links}.slice(0, 5).join(' ')`)).split(' ');
    expect(found).toContainEqual(expect.stringContaining(page));
    expect(await tab.evaluate('document.documentElement.scrollWidth')).toBe(narrow);
    const [first = ''] = found;
    await tab.send('Input.dispatchKeyEvent', { type: 'keyDown', key: 'Enter' });
    await expect.poll(() => tab.evaluate('location.href'), { message: 'the page after Enter' }).toBe(first);
  });
});
