// The web page in headless Chromium, as a phone shows it. PAGE_SCREENSHOT=1 writes the picture of the README again.
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  readPicture,
  startBrowser,
  whyNoPrograms,
  withNote,
  type Browser,
  type Tab,
} from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderPage } from '../src/page.ts';
import { sentenceFor } from '../src/explain.ts';
import { addressOf, startServer } from '../src/server.ts';

const missing = whyNoPrograms({ programs: ['chromium'] });
if (missing !== undefined) console.warn(`skipped the web page in a browser: ${missing}`);

const pictureFile = fileURLToPath(new URL('../page.png', import.meta.url));
const now = new Date('2026-11-27T12:00:00Z');
const days = (count: number) => new Date(now.getTime() + count * 86_400_000);
const subscription = '/subscriptions/00000000-0000-0000-0000-000000000001/resourcegroups/demo-resource-group';
const objectId = '7c1e0a6e-6b0f-4d8e-9d6f-0c2f5f0f9a11';
const readAt = now;

/** Made up, but with the lengths of real ids. */
const settings = { vaultUrl: 'https://demo-vault.vault.azure.net', isImds: false };
const known: Parameters<typeof renderPage>[1] = {
  identity: {
    clientId: '5f2b1c7a-93a4-4f5e-8a55-1f0a4a3f1c1d',
    objectId,
    tenantId: '2d4d6ab0-5d42-4f4a-8f4e-a1b2c3d4ad00',
    resourceId: `${subscription}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/demo_pod_identity`,
  },
  entries: [
    {
      item: { kind: 'secret', name: 'database-password' },
      object: { version: '9a04f3b2c1d84e5f8a7b6c5d4e3f2a1b', enabled: true, expiresOn: days(400) },
      versionBefore: '3f1c0d9e8b7a46958c7d6e5f4a3b2c1d',
      readAt,
    },
    {
      item: { kind: 'secret', name: 'api-key' },
      object: { version: '77d0c9b8a7f64e3d9c8b7a6f5e4d3c2b', enabled: true },
      readAt,
    },
    {
      item: { kind: 'certificate', name: 'web' },
      object: { version: 'c0ffee00c1d84e5f8a7b6c5d4e3f2a1b', enabled: true, expiresOn: days(12) },
      readAt,
    },
    {
      item: { kind: 'key', name: 'signing' },
      failure: {
        reason: 'no-role',
        sentence: sentenceFor('no-role', { right: 'read a key', role: 'Key Vault Reader', objectId }),
        detail: undefined,
      },
    },
  ],
};

describe.skipIf(missing !== undefined)('the web page in a browser', () => {
  let server: Awaited<ReturnType<typeof startServer>>;
  let browser: Browser;
  beforeAll(async () => {
    server = await startServer(() => renderPage(settings, known, now), { port: 0, address: '127.0.0.1' });
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser.close();
    server.close().closeAllConnections();
  });

  const show = async (width: number, height: number, more: object = {}): Promise<Tab> => {
    const tab = await browser.openTab();
    for (const domain of ['Network', 'Log', 'Runtime']) await tab.send(`${domain}.enable`);
    await tab.send('Emulation.setDeviceMetricsOverride', {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: true,
      ...more,
    });
    await tab.show(addressOf(server));
    return tab;
  };

  test.each([
    ['a small phone', 320],
    ['a phone', 390],
    ['a tablet', 820],
    ['a screen', 1600],
  ])(
    'on %s of %i pixels nothing is wider than the screen, and text is at least 14 pixels high',
    async (_, width) => {
      const tab = await show(width, 844);
      expect(await tab.evaluate('document.documentElement.scrollWidth')).toBe(width);
      const outside = `[...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > innerWidth + 1).length`;
      expect(await tab.evaluate(outside)).toBe(0);
      const smallest = `Math.min(...[...document.querySelectorAll('body *')].map((one) => parseFloat(getComputedStyle(one).fontSize)))`;
      expect(await tab.evaluate(smallest)).toBeGreaterThanOrEqual(14);
    },
  );

  test('the policy allows what the page needs: its style is used, nothing is refused, nothing else is loaded', async () => {
    const tab = await show(390, 844);
    expect(await tab.evaluate(`getComputedStyle(document.querySelector('li')).borderTopStyle`)).toBe('solid');
    const loaded = tab
      .events('Network.requestWillBeSent')
      .map(({ request }) => (request as { url: string }).url);
    expect(loaded.length).toBeGreaterThan(0);
    expect(loaded.filter((url) => url !== addressOf(server))).toEqual([]);
    const complaints = [...tab.events('Log.entryAdded'), ...tab.events('Runtime.exceptionThrown')];
    expect(complaints).toEqual([]);
  });

  test('it shows the same without scripts', async () => {
    const [withScripts, without] = [await show(390, 844), await browser.openTab()];
    await without.send('Emulation.setScriptExecutionDisabled', { value: true });
    await without.show(addressOf(server));
    const textOf = (tab: Tab) => tab.evaluate('document.body.innerText');
    expect(await textOf(without)).toBe(await textOf(withScripts));
    expect(await textOf(without)).toContain('database-password');
  });

  test('a reader of screens finds headings, a list and the language', async () => {
    const tab = await show(390, 844);
    const headings = `[...document.querySelectorAll('h1, h2, h3')].map((one) => one.tagName + ' ' + one.textContent.trim()).join('\\n')`;
    expect(await tab.evaluate(headings)).toBe(
      [
        'H1 keyvault-sample',
        'H2 Identity',
        'H2 Secrets, keys and certificates',
        ...['H3 signing key', 'H3 database-password secret', 'H3 api-key secret', 'H3 web certificate'],
      ].join('\n'),
    );
    expect(await tab.evaluate('document.documentElement.lang')).toBe('en');
    expect(await tab.evaluate(`document.querySelectorAll('ul[role=list] > li').length`)).toBe(4);
  });

  test('the picture of the README shows the page of today and has less than 100 KB', async () => {
    const tab = await show(390, 844);
    const height = Number(await tab.evaluate('document.documentElement.scrollHeight'));
    const { data } = await tab.send('Page.captureScreenshot', {
      format: 'png',
      captureBeyondViewport: true,
      clip: { x: 0, y: 0, width: 390, height, scale: 1 },
    });
    const note = createHash('sha256')
      .update(renderPage(settings, known, now))
      .digest('hex');
    const made = withNote(Buffer.from(String(data), 'base64'), note);
    expect(readPicture(made)).toEqual({ width: 390, height, note });
    if (process.env['PAGE_SCREENSHOT'] === '1') await writeFile(pictureFile, made);
    const kept = await readFile(pictureFile);
    expect(kept.length).toBeLessThan(100_000);
    // Other fonts make another height.
    expect(readPicture(kept)).toMatchObject({ width: 390, note });
  });
});
