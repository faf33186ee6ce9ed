// The page of `ui` in headless Chromium, with pictures that are played to it. UI_SCREENSHOTS=FOLDER writes what it looks like,
// PAGE_SCREENSHOT=1 the pictures of the README again.
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  readPicture,
  startBrowser,
  whyNoPrograms,
  withNote,
  type Browser,
  type Tab,
} from '@pod-identity/kit/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildPage } from '../page.config.ts';
import type { Change, Picture, State, Thing } from '../src/ui/picture.ts';
import { startPagePlayer, type PageServer } from './page-server.ts';
import {
  hostileChecks,
  hostilePicture,
  hostileStory,
  largePicture,
  smallChecks,
  smallPicture,
  smallStory,
} from './pictures.ts';

const missing = whyNoPrograms({ programs: ['chromium'] });
if (missing !== undefined) console.warn(`skipped the page of ui in a browser: ${missing}`);

const require = createRequire(import.meta.url);
const screenshots = process.env['UI_SCREENSHOTS'];
const [narrow, wide] = [360, 1_400];
const looks = [narrow, wide].flatMap((width) =>
  (['light', 'dark'] as const).map((scheme) => [width, scheme] as const),
);

describe.skipIf(missing !== undefined)('the page of ui in a browser', () => {
  let folder: string;
  let browser: Browser;
  let axe: string;
  let server: PageServer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pod-identity-page-test-'));
    await buildPage(folder);
    axe = await readFile(require.resolve('axe-core/axe.min.js'), 'utf8');
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    server = await startPagePlayer(folder);
  });
  afterEach(() => server.close());

  interface Look {
    readonly width?: number;
    readonly scheme?: 'light' | 'dark';
    readonly view?: string;
  }

  const openTab = async ({ width = wide, scheme = 'light' }: Look): Promise<Tab> => {
    const tab = await browser.openTab();
    for (const domain of ['Network', 'Log', 'Runtime']) await tab.send(`${domain}.enable`);
    const size = { width, height: width === narrow ? 720 : 900, deviceScaleFactor: 1 };
    await tab.send('Emulation.setDeviceMetricsOverride', { ...size, mobile: width === narrow });
    await tab.send('Emulation.setEmulatedMedia', {
      features: [
        { name: 'prefers-color-scheme', value: scheme },
        { name: 'prefers-reduced-motion', value: 'reduce' },
      ],
    });
    return tab;
  };
  const openPage = async (picture: Picture, look: Look = {}): Promise<Tab> => {
    const tab = await openTab(look);
    server.play(picture);
    await tab.show(`${server.url}${look.view === undefined ? '' : `&${look.view}`}`);
    await waitFor(tab, `document.querySelectorAll('main [data-id]').length > 0`);
    return tab;
  };
  const waitFor = (tab: Tab, expression: string) =>
    expect.poll(() => tab.evaluate(expression), { message: expression }).toBe(true);
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
      const text = key === 'Enter' ? '\r' : key.length === 1 ? key : undefined;
      await tab.send('Input.dispatchKeyEvent', { type: 'keyDown', key, code: key, ...(text && { text }) });
      await tab.send('Input.dispatchKeyEvent', { type: 'keyUp', key, code: key });
    }
  };
  const focused = (tab: Tab) =>
    tab.evaluate('document.activeElement.dataset.id ?? document.activeElement.id');
  const one = (id: string) => `document.querySelector('main [data-id="${id}"]')`;
  const faultsOf = (tab: Tab) => [
    ...tab.events('Runtime.exceptionThrown'),
    ...tab.events('Log.entryAdded').filter(({ entry }) => (entry as { level: string }).level === 'error'),
  ];
  const changed = (part: Partial<Change>): Change => ({
    number: 2,
    takenAt: '2026-12-01T04:00:01.000Z',
    things: [],
    lines: [],
    goneThings: [],
    goneLines: [],
    unknown: [],
    pending: 0,
    ...part,
  });
  const pod = (name: string) => smallPicture.things.find(({ id }) => id === `pod:shop/${name}`)!;
  const inState = (thing: Thing, state: State): Thing => ({ ...thing, state, about: '' });

  test.each(looks)(
    'at %i pixels in %s colours picture, story and table pass axe and fit the window',
    async (width, scheme) => {
      server.story = smallStory;
      server.checks = smallChecks;
      const tab = await openPage({ ...smallPicture, unknown: ['you may not list nodes'] }, { width, scheme });
      const name = `${width}-${scheme}`;
      const check = async (what: string) => {
        await keep(tab, `${what}-${name}`);
        expect(await accessibilityFaults(tab), what).toEqual([]);
        expect(await tab.evaluate('document.documentElement.scrollWidth'), what).toBe(width);
      };
      await check('picture');
      await tab.evaluate(`document.querySelector('.checks summary').click()`);
      await waitFor(tab, `document.querySelectorAll('.checks .step').length === 1`);
      expect(await tab.evaluate(`document.querySelector('.checks').innerText`)).toMatch(
        /Node\/aks-1[^]*remove it[^]*kubectl taint nodes aks-1[^]*may not create subjectaccessreviews/,
      );
      await check('checks');
      await tab.evaluate(`document.querySelector('.checks summary').click()`);
      await tab.evaluate(`${one('pod:shop/report-5')}.click()`);
      await waitFor(tab, `document.querySelectorAll('aside .step').length === 6`);
      await check('story');
      // A new address in the same tab.
      await tab.evaluate(`location.hash = 'token=a-token.a-proof&as=table'`);
      await waitFor(tab, `document.querySelectorAll('tbody tr').length === ${smallPicture.things.length}`);
      await check('table');
      expect(faultsOf(tab)).toEqual([]);
    },
  );

  const small = { picture: smallPicture, story: smallStory };
  const large = { picture: largePicture(5_000, 500), story: undefined };
  test.each([
    ['wide-light', { width: wide, scheme: 'light' }, small],
    ['wide-dark', { width: wide, scheme: 'dark' }, large],
    ['narrow-light', { width: narrow, scheme: 'light' }, large],
    ['narrow-dark', { width: narrow, scheme: 'dark' }, small],
  ] as const)(
    'the picture %s of the README shows the page of today',
    async (name, look, { picture, story }) => {
      server.story = story;
      const tab = await openPage(
        picture,
        story === undefined ? look : { ...look, view: `thing=pod:${story.pod}` },
      );
      if (story !== undefined)
        await waitFor(tab, `document.querySelectorAll('aside .step').length === ${story.findings.length}`);
      const { data } = await tab.send('Page.captureScreenshot', { format: 'png' });
      const page = await Promise.all(
        ['page.js', 'page.css'].map((file) => readFile(join(folder, file), 'utf8')),
      );
      const shown = JSON.stringify([...page, picture, story]);
      const note = createHash('sha256').update(shown).digest('hex');
      const made = withNote(Buffer.from(String(data), 'base64'), note);
      const file = new URL(`../screenshots/${name}.png`, import.meta.url);
      if (process.env['PAGE_SCREENSHOT'] === '1') await writeFile(file, made);
      const kept = readPicture(await readFile(file));
      expect(kept, 'PAGE_SCREENSHOT=1 writes it again').toEqual(readPicture(made));
    },
  );

  test.each(looks)('at %i pixels in %s colours 5,000 pods fit the window', async (width, scheme) => {
    const tab = await openPage(largePicture(5_000, 500), { width, scheme });
    await keep(tab, `large-${width}-${scheme}`);
    expect(await accessibilityFaults(tab)).toEqual([]);
    expect(await tab.evaluate('document.documentElement.scrollWidth')).toBe(width);
  });

  test('a pod that gets its identity moves to ready without a reload', async () => {
    const tab = await openPage(smallPicture);
    await tab.evaluate('window.isSamePage = true');
    const classes = `${one('pod:shop/web-0')}.className`;
    expect(await tab.evaluate(classes)).toContain('waiting');
    server.send('change', changed({ things: [inState(pod('web-0'), 'ready')] }));
    await waitFor(tab, `/ ready/.test(${classes})`);
    await waitFor(tab, `/2 ready/.test(document.querySelector('header').textContent)`);
    await waitFor(
      tab,
      `[...document.querySelectorAll('[role=status]')].some((one) => one.innerText === 'pod shop/web-0 is ready')`,
    );
    server.send('change', changed({ number: 3, goneThings: ['pod:shop/web-1'] }));
    await waitFor(tab, `${one('pod:shop/web-1')} === null`);
    expect(await tab.evaluate('window.isSamePage')).toBe(true);
  });

  test('the token leaves the address bar, goes in a header, and outlives a reload; the address holds the view', async () => {
    const tab = await openPage(smallPicture, { view: 'search=report&state=refused' });
    expect(await tab.evaluate('location.hash')).toBe('#search=report&state=refused');
    expect(await tab.evaluate(`document.querySelectorAll('main .item').length`)).toBe(5);
    await tab.evaluate(`${one('pod:shop/report-5')}.click()`);
    await waitFor(tab, `location.hash.includes('thing=pod%3Ashop%2Freport-5')`);
    const hash = await tab.evaluate('location.hash');
    await tab.evaluate('location.reload()');
    await waitFor(tab, `/there is no such pod/.test(document.querySelector('aside')?.innerText)`);
    expect(await tab.evaluate('location.hash')).toBe(hash);
    const api = server.requests.filter(({ path }) => path.startsWith('/v1/'));
    expect(api.map(({ path }) => path)).toContain('/v1/story?pod=shop%2Freport-5');
    expect(api.filter(({ token }) => token !== 'a-token')).toEqual([]);
    expect(server.requests.filter(({ path }) => path.includes('a-token'))).toEqual([]);
  });

  test('attack: without the token the page says which address to open', async () => {
    const tab = await openTab({});
    server.play(smallPicture);
    await tab.show(server.url.replace('a-token', 'another'));
    await waitFor(tab, `/Open the URL that the command has printed/.test(document.body.innerText)`);
  });

  test('by keyboard alone: search, arrows, a story and back', async () => {
    server.story = smallStory;
    const tab = await openPage(smallPicture);
    await press(tab, '/');
    expect(await focused(tab)).toBe('search');
    await tab.send('Input.insertText', { text: 'report' });
    await waitFor(tab, `document.querySelectorAll('main .item').length === 5`);
    await tab.evaluate(`document.querySelector('main [tabindex="0"]').focus()`);
    expect(await focused(tab)).toBe('serviceaccount:shop/report');
    await press(tab, 'ArrowRight');
    expect(await focused(tab)).toBe('pod:shop/report-5');
    expect(await tab.evaluate(`document.querySelectorAll('.line.lit').length`)).toBe(4);
    await press(tab, 'Enter');
    await waitFor(tab, `document.querySelectorAll('aside .step').length === 6`);
    expect(await focused(tab)).toBe('details');
    await press(tab, 'Escape');
    await waitFor(tab, `document.querySelector('aside') === null`);
    expect(await focused(tab)).toBe('pod:shop/report-5');
    await press(tab, 'Escape');
    await waitFor(tab, `document.querySelectorAll('main .item').length === ${smallPicture.things.length}`);
  });

  test('a story has reasons, remedies, Events and tokens; a command is copied', async () => {
    server.story = smallStory;
    const tab = await openPage(smallPicture, { view: 'thing=pod:shop/report-5' });
    const text = `document.querySelector('aside').innerText`;
    await waitFor(tab, `/IdentityRefused/.test(${text})`);
    const story = String(await tab.evaluate(text));
    for (const part of [
      'may not use this identity',
      'grant it',
      'refused: no permission',
      'you may not read the log',
    ])
      expect(story).toContain(part);
    await tab.evaluate(
      `navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }`,
    );
    await tab.evaluate(
      `[...document.querySelectorAll('aside button')].filter((one) => one.innerText === 'Copy')[1].click()`,
    );
    expect(await tab.evaluate('window.copied')).toMatch(/^kubectl create clusterrolebinding/);
    await waitFor(tab, `document.querySelector('.message')?.innerText === 'Copied.'`);
    // Then screen readers are told again what changes.
    await waitFor(tab, `document.querySelector('.message') === null`);
    server.send('change', changed({ things: [inState(pod('web-0'), 'ready')] }));
    await waitFor(
      tab,
      `[...document.querySelectorAll('[role=status]')].some((one) => one.innerText === 'pod shop/web-0 is ready')`,
    );
    server.story = undefined;
    await tab.evaluate(`${one('pod:shop/web-0')}.click()`);
    await waitFor(tab, `/there is no such pod/.test(${text})`);
  });

  test('5,000 pods: what is in view is in the document, scrolling brings the rest, a group opens and folds', async () => {
    const tab = await openPage(largePicture(5_000, 500));
    const count = `document.querySelectorAll('main [data-id]').length`;
    expect(Number(await tab.evaluate(count))).toBeLessThan(400);
    await tab.evaluate(`document.querySelector('.scroll').scrollTop = 1e6`);
    await waitFor(tab, `document.querySelector('main').innerText.includes('team-9')`);
    expect(Number(await tab.evaluate(count))).toBeLessThan(400);
    await tab.evaluate(`document.querySelector('.item.group').focus()`);
    const group = String(await focused(tab));
    await press(tab, 'Enter');
    await waitFor(tab, `document.querySelectorAll('main [data-id^="pod:"]').length === 10`);
    await keep(tab, 'open-group');
    expect(await focused(tab)).toBe(group);
    await press(tab, 'Enter');
    await waitFor(tab, `document.querySelectorAll('main [data-id^="pod:"]').length === 0`);
    await press(tab, 'ArrowRight', 'ArrowRight', 'End');
    await waitFor(tab, `document.activeElement.dataset.id?.startsWith('identity:')`);
  });

  test('the table has pages of 100 rows', async () => {
    const tab = await openPage(largePicture(5_000, 500), { view: 'as=table' });
    expect(await tab.evaluate(`document.querySelectorAll('tbody tr').length`)).toBe(100);
    expect(await tab.evaluate(`document.querySelector('.pages').innerText`)).toContain('6512 rows');
    await tab.evaluate(`document.querySelector('.pages button:last-child').click()`);
    await waitFor(tab, `/Page 2 of/.test(document.querySelector('.pages').innerText)`);
  });

  test('attack: names and messages with markup run nothing and stay text', async () => {
    server.story = hostileStory;
    const tab = await openPage(hostilePicture);
    for (const { id } of hostilePicture.things) {
      await tab.evaluate(
        `[...document.querySelectorAll('main .item')].find((one) => one.dataset.id === ${JSON.stringify(id)})?.click()`,
      );
      const isRead = `document.querySelectorAll('aside .step').length === 6`;
      await waitFor(tab, id.startsWith('pod:') ? isRead : `document.querySelector('aside') !== null`);
    }
    await keep(tab, 'hostile');
    server.checks = hostileChecks;
    await tab.evaluate(`document.querySelector('.checks summary').click()`);
    await waitFor(tab, `document.querySelectorAll('.checks .step').length === 6`);
    await tab.evaluate(`document.querySelector('.filters button').click()`);
    await waitFor(tab, `document.querySelectorAll('tbody tr').length > 0`);
    expect(await tab.evaluate('window.attacked ?? null')).toBeNull();
    expect(
      await tab.evaluate(
        `document.querySelectorAll('img, script:not([src="/page.js"]), [onload], [onerror]').length`,
      ),
    ).toBe(0);
    expect(await tab.evaluate('document.documentElement.scrollWidth')).toBe(wide);
    expect(tab.events('Runtime.exceptionThrown')).toEqual([]);
  });

  test('attack: a hundred changes in a second leave the page usable', async () => {
    const picture = largePicture(10_000, 500);
    const tab = await openPage(picture);
    const pods = picture.things.filter(({ column }) => column === 'pod');
    await tab.evaluate(
      `window.draws = 0; new MutationObserver(() => { window.draws += 1; }).observe(document.querySelector('header'), { subtree: true, characterData: true, childList: true })`,
    );
    for (let at = 0; at < 300; at += 1) {
      server.send(
        'change',
        changed({
          number: 2 + at,
          takenAt: new Date(at * 1_000).toISOString(),
          things: [inState(pods[at % 40]!, at % 2 === 0 ? 'waiting' : 'ready')],
        }),
      );
      await new Promise((resolve) => setImmediate(resolve));
    }
    await waitFor(tab, `document.querySelector('header').innerText.includes('00:04:59')`);
    expect(Number(await tab.evaluate('window.draws'))).toBeLessThan(100);
    await press(tab, '/');
    await tab.send('Input.insertText', { text: 'app-499-9' });
    await waitFor(tab, `document.querySelectorAll('main .item').length === 5`);
  });

  test('what is still to be judged is said in the head of the page, and what is not known has a mark of its own', async () => {
    const web = { ...pod('web-0'), state: 'unknown', about: 'it is being judged' } as const;
    const things = smallPicture.things.map((thing) => (thing.id === web.id ? web : thing));
    const tab = await openPage({ ...smallPicture, things, pending: 41 });
    const header = `document.querySelector('header').textContent`;
    await waitFor(tab, `/, 41 pods are being judged/.test(${header}) && /1 unknown/.test(${header})`);
    expect(await tab.evaluate(`${one('pod:shop/web-0')}.textContent`)).toContain('unknown');
    await keep(tab, 'being-judged');
    expect(await accessibilityFaults(tab)).toEqual([]);
    server.send('change', changed({ things: [inState(web, 'ready')] }));
    await waitFor(tab, `!/judged|unknown/.test(${header})`);
  });

  test('a command that ends is reported, and the page goes on when it is back', async () => {
    const tab = await openPage(smallPicture);
    server.send('problem', { text: 'https://cluster.example:6443 does not respond' });
    const header = `document.querySelector('header').innerText`;
    await waitFor(tab, `/does not respond/.test(${header})`);
    server.play({ ...smallPicture, server: 'https://back.example' });
    server.drop();
    await waitFor(tab, `/back.example/.test(${header})`);
    expect(await tab.evaluate(header)).not.toContain('does not respond');
  });
});
