// `ui` as a process against a real API server, in headless Chromium: pods that MIC gives their identities while the page is open.
import { join } from 'node:path';
import {
  startApiServer,
  startBrowser,
  whyNoApiServer,
  whyNoPrograms,
  type Browser,
  type RunningApiServer,
  type Tab,
} from '@pod-identity/kit/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createNamespace, createPerson, edit } from '../access/people.ts';
import { addIdentity, bind } from '../objects.ts';
import * as names from '../../stage/names.ts';
import { repository } from '../../stage/places.ts';
import { startService, type Service } from '../../stage/service.ts';
import { openStage, type Stage } from '../../stage/stage.ts';
import { installServices, labelAsLinux, placeAgents } from './services.ts';

const missing = whyNoApiServer() ?? whyNoPrograms({ programs: ['chromium'] });
if (missing !== undefined) console.warn(`skipped plug-in/ui: ${missing}`);

const entry = join(repository, 'packages/kubectl/dist/main.js');

describe.skipIf(missing !== undefined)('the page of a cluster', () => {
  let api: RunningApiServer;
  let stage: Stage;
  let browser: Browser;
  const running: Service[] = [];

  const start = (kubeconfig: string, ...words: readonly string[]): Service => {
    const args = ['ui', ...words, '--kubeconfig', kubeconfig];
    const service = startService({ name: 'ui', entry, args });
    running.push(service);
    return service;
  };
  const openTab = async (kubeconfig: string, ...words: readonly string[]): Promise<Tab> => {
    const tab = await browser.openTab();
    await tab.show(await start(kubeconfig, ...words).line((line) => line.startsWith('http://')));
    return tab;
  };
  /** The rows of the table. */
  const rows = async (tab: Tab): Promise<string> =>
    String(
      await tab.evaluate(
        "[...document.querySelectorAll('tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent).join(' | ')).join('\\n')",
      ),
    );
  const shows = (tab: Tab, text: string | RegExp) =>
    expect.poll(() => rows(tab), { timeout: 60_000 }).toMatch(text);

  beforeAll(async () => {
    const server = await startApiServer({ flavour: 'v1.34' });
    if ('skipped' in server) throw new Error(server.skipped);
    api = server;
    stage = await openStage({ kubeconfig: api.kubeconfig, nodes: 1 });
    browser = await startBrowser();
    await stage.install();
    await installServices(stage);
    await labelAsLinux(stage, names.nodeName(0));
    await placeAgents(stage);
    for (const namespace of ['shop', 'other']) await createNamespace(stage, namespace);
    const reader = addIdentity(stage, 'reader');
    await bind(stage, { ...reader, name: 'reader', namespace: 'shop' });
    await bind(stage, { ...addIdentity(stage, 'till'), name: 'till', namespace: 'other' });
    await createPerson(stage, { namespace: 'shop', name: 'editor', rules: edit });
    await stage.runPod({ name: 'web', namespace: 'shop', node: 0, label: 'reader' });
    await stage.runPod({ name: 'typo', namespace: 'shop', node: 0, label: 'raeder' });
  }, 120_000);
  afterEach(async () => {
    for (const service of running.splice(0)) await service.stop();
  });
  afterAll(async () => {
    await browser.close();
    await stage.stop();
    await api.stop();
  });

  test('a pod that gets its identity becomes ok in open pages, also in that of an editor who may read one namespace', async () => {
    const admin = await openTab(stage.kubeconfig, '-A');
    const editor = await openTab(join(stage.folder, 'editor.kubeconfig'), '-n', 'shop');
    for (const tab of [admin, editor]) {
      await shows(tab, /^shop.web \|.*shop.reader.*\| (?!ok)/m);
      await shows(tab, /^shop.typo \|.*\| problem \| /m);
      await tab.evaluate('window.isOpen = true');
    }
    const causes = String(await admin.evaluate("document.querySelector('.causes').innerText"));
    expect(causes).toMatch(/raeder[^]*shop.typo[^]*Remedy/);
    await stage.startMic('0');
    for (const tab of [admin, editor]) {
      await shows(tab, /^shop.web \|.*\| ok \| /m);
      expect(await tab.evaluate('window.isOpen')).toBe(true);
    }
    expect(await rows(editor)).not.toContain('other/');
    expect(await editor.evaluate('document.body.textContent')).toContain('you may not list');
    // The token is in no address that the browser keeps.
    expect(await admin.evaluate('location.href')).not.toContain('token');
  });

  test('Ctrl-C ends the page with code 0', async () => {
    const page = start(stage.kubeconfig, '-A');
    await page.line((line) => line.startsWith('http://'));
    await page.stop('SIGINT');
    expect(page.exitCode).toBe(0);
  });
});
