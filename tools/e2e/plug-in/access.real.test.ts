// `explain` and `access` of the kubectl plug-in, through kubectl, as an administrator and as the
// editor of a namespace.
import { join } from 'node:path';
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCommands, yamlIn, type Commands, type Ended } from '../access/commands.ts';
import { createAccount, createNamespace, createPerson, edit } from '../access/people.ts';
import { addIdentity, bind, untilAssigned, untilReady } from '../objects.ts';
import { describeRealServers, type ServerUnderTest } from '../servers.ts';
import * as names from '../../stage/names.ts';
import { openStage, type Stage } from '../../stage/stage.ts';
import { commandsIn, installPlugIn, type PlugIn } from './plug-in.ts';
import { installServices, labelAsLinux, placeAgents } from './services.ts';

const missing = whyNoPrograms({ programs: ['kubectl'] });
if (missing !== undefined) console.warn(`plug-in/access is skipped: ${missing}`);

const modeRbac = '--identity-access=rbac';

describe.skipIf(missing !== undefined)('with kubectl', () => {
  describeRealServers('who may be whom by the kubectl plug-in, on $name', (choice) => {
    let server: ServerUnderTest;
    let stage: Stage;
    let commands: Commands;
    let plugIn: PlugIn;
    let reader: ReturnType<typeof addIdentity>;
    const asAdmin = (...words: readonly string[]) => plugIn.run(stage.kubeconfig, ...words);
    const asEditor = (...words: readonly string[]) =>
      plugIn.run(join(stage.folder, 'editor.kubeconfig'), ...words);

    /** MIC takes a moment to see what has changed. */
    const untilServed = async (pod: string) => {
      await expect.poll(async () => (await asAdmin('explain', pod)).code, { timeout: 90_000 }).toBe(0);
    };
    const grantPrinted = async (pod: string) => {
      const { code, output } = await asAdmin('explain', pod);
      expect([code, output]).toEqual([1, expect.stringContaining('may not use AzureIdentity')]);
      await commands.kubectl('apply', pastedIn(output));
      await untilServed(pod);
    };

    beforeAll(async () => {
      server = await choice.start();
      stage = await openStage(server.options);
      commands = createCommands(stage);
      plugIn = await installPlugIn(stage.folder);
      await stage.install();
      await installServices(stage, { flags: [modeRbac] });
      await labelAsLinux(stage, names.nodeName(0));
      await placeAgents(stage);
      for (const namespace of ['shop', 'other']) await createNamespace(stage, namespace);
      for (const account of ['web', 'batch', 'late']) await createAccount(stage, 'shop', account);
      reader = addIdentity(stage, 'reader');
      await bind(stage, { ...reader, name: 'reader', namespace: 'shop' });
      await bind(stage, { ...addIdentity(stage, 'till'), name: 'till', namespace: 'other' });
      const mic = await stage.startMic('0', [modeRbac, '--access-recheck', '10s']);
      await untilReady(mic);
      await commands.kubectl('apply', yamlIn((await asAdmin('access', 'shop/web', 'shop/reader')).output));
      const run = (name: string, of: { serviceAccount: string; label: string; node?: number }) =>
        stage.runPod({ name, namespace: 'shop', node: 0, ...of });
      await run('web', { serviceAccount: 'web', label: 'reader' });
      await run('batch', { serviceAccount: 'batch', label: 'reader' });
      await run('late', { serviceAccount: 'late', label: 'reader' });
      await run('typo', { serviceAccount: 'web', label: 'raeder' });
      await run('astray', { serviceAccount: 'web', label: 'till' });
      await run('far', { serviceAccount: 'web', label: 'reader', node: 1 });
      await createPerson(stage, { namespace: 'shop', name: 'editor', rules: edit });
      await untilAssigned(stage.kube, ['web', 'far'], { namespace: 'shop' });
    }, 180_000);

    afterAll(async () => {
      await stage.stop();
      await server.stop();
    });

    test('explain tells an administrator the whole way of a token, each fact once', async () => {
      const { code, output } = await asAdmin('explain', 'shop/web');
      expect([code, output]).toEqual([
        0,
        expect.stringMatching(/^✓ shop\/web gets tokens as shop\/reader\n/),
      ]);
      for (const topic of ['pod', 'address', 'label', 'node', 'binding', 'identity', 'access', 'record'])
        expect(output).toMatch(new RegExp(`^✓ ${topic} `, 'm'));
      const facts = output.split('\n').filter((line) => /^[✓…✗·]/.test(line));
      expect(facts).toEqual([...new Set(facts)]);
      const { output: json } = await asAdmin('explain', 'web', '-n', 'shop', '-o', 'json');
      const story = JSON.parse(json) as { pod: string; result: { verdict: string }; findings: object[] };
      expect(story).toMatchObject({ pod: 'shop/web', result: { verdict: 'ok' } });
      expect((await asAdmin('explain', 'shop/gone')).code).toBe(2);
    });

    test('explain names a misspelt label, and its command corrects it', async () => {
      const { code, output } = await asAdmin('explain', 'shop/typo');
      expect(code).toBe(1);
      const command = commandsIn(output).find((line) => line.startsWith('kubectl label pod'));
      await done(plugIn.paste(stage.kubeconfig, command ?? 'false'));
      await untilServed('shop/typo');
    });

    test('explain names a binding in another namespace, and what it prints makes it one of this', async () => {
      const { code, output } = await asAdmin('explain', 'shop/astray');
      expect([code, output]).toEqual([1, expect.stringContaining('is for pods of its own namespace only')]);
      await commands.kubectl('apply', pastedIn(output));
      await grantPrinted('shop/astray');
    });

    test('explain names a missing right, and the roles that it prints grant it', async () => {
      expect((await asAdmin('access', 'shop/batch', 'shop/reader')).code).toBe(1);
      await grantPrinted('shop/batch');
      const { code, output } = await asAdmin('access', 'shop/batch', 'shop/reader');
      expect([code, output]).toEqual([0, expect.stringMatching(/^allowed /m)]);
    });

    test('explain names a node without NMI', async () => {
      const { code, output } = await asAdmin('explain', 'shop/far');
      expect([code, output]).toEqual([
        1,
        expect.stringMatching(/^✗ shop\/far gets no token: .* has no pod on/),
      ]);
      const command = commandsIn(output).find((line) => line.startsWith('kubectl label node'));
      await done(plugIn.paste(stage.kubeconfig, command ?? 'false'));
      await placeAgents(stage);
      await untilServed('shop/far');
    });

    test('access tells who may be whom, and who is', async () => {
      const who = await asAdmin('access', '-A', '--identity', reader.resourceId, '-o', 'json');
      const {
        source,
        holders,
        entries: uses,
      } = JSON.parse(who.output) as {
        source: string;
        entries: { pod: string }[];
        holders: object[];
      };
      expect(uses.map(({ pod }) => pod)).toContain('shop/web');
      // Of shop/late, which has no right.
      expect([who.code, source]).toEqual([1, 'reviews']);
      expect(holders).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ holder: 'ServiceAccount shop/web' }),
          expect.objectContaining({ holder: 'Group system:masters', on: '*' }),
        ]),
      );
      const table = await asAdmin('access', '-n', 'shop', '-o', 'json');
      const { entries } = JSON.parse(table.output) as { entries: { pod: string }[] };
      expect(entries.find(({ pod }) => pod === 'shop/web')).toMatchObject({
        serviceAccount: 'shop/web',
        by: 'AzureIdentity shop/reader',
        type: 'managed',
        right: 'allowed',
        mayUse: true,
        state: 'Assigned',
      });
      expect((await asAdmin('access')).output.split('\n')).toHaveLength(2);
    });

    test('the editor of a namespace is told what is not known, and gets the rest', async () => {
      const explained = await asEditor('explain', 'shop/web');
      expect([explained.code, explained.errors]).toEqual([2, '']);
      expect(explained.output).toContain('you may not list ');
      expect(explained.output).toContain(
        'shop/web has been assigned its identity; you may not see whether NMI',
      );
      const { code, output } = await asEditor('explain', 'shop/late');
      expect([code, output]).toEqual([2, expect.stringContaining('may use identities is not known')]);
      const table = await asEditor('access', '-n', 'shop', '-o', 'json');
      const { entries } = JSON.parse(table.output) as { entries: { pod: string }[] };
      expect(entries.find(({ pod }) => pod === 'shop/web')).toMatchObject({
        mode: null,
        right: 'unknown',
        mayUse: null,
        state: 'Assigned',
      });
      for (const words of [
        ['access', 'shop/web'],
        ['access', '--identity', 'shop/reader', '-A'],
        ['access', '-A'],
      ]) {
        const ended = await asEditor(...words);
        expect([words, ended.code, ended.errors]).toEqual([
          words,
          2,
          expect.stringMatching(/(?:you|whoever asks) may n/),
        ]);
      }
    });
  });
});

async function done(ending: Promise<Ended>): Promise<void> {
  expect(await ending).toMatchObject({ code: 0 });
}

/** The objects in a text, as they are pasted: the lines after the remedy that names them, to the command or finding that follows. */
function pastedIn(output: string): string {
  const [, text = ''] = output.split(/^ +remedy: .*with what follows.*\n/m);
  return text.split(/^(?: +\$ |[✓…✗·])/m)[0] ?? '';
}
