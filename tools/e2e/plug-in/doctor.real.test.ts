// `doctor`, `explain` and `status` of the kubectl plug-in on a real API server, beside MIC, NMI and the broker as processes: each planted
// mistake is found, and its remedy, run as printed, mends it.
import { join } from 'node:path';
import { whyNoApiServer, whyNoPrograms } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProgram } from '../access/commands.ts';
import {
  openFederatedStage,
  startBrokeredNmi,
  type BrokeredNmi,
  type FederatedStage,
} from '../federated/stage.ts';
import { untilReady } from '../objects.ts';
import { azureCli } from '../../stage/azure-cli.ts';
import * as names from '../../stage/names.ts';
import { readManifests } from '../../stage/objects.ts';
import { inDeploy } from '../../stage/places.ts';
import type { Stage } from '../../stage/stage.ts';
import { installStandIn } from '../../stage/stand-in.ts';
import { mistakes } from './mistakes.ts';
import { installPlugIn } from './plug-in.ts';
import { addFrozenPool, grantMic, runningMistakes } from './running-mistakes.ts';
import { installServices, labelAsLinux, placeAgents } from './services.ts';

const missing = whyNoApiServer() ?? whyNoPrograms({ programs: ['kubectl'] });
if (missing !== undefined) console.warn(`skipped doctor: ${missing}`);

interface Report {
  readonly causes: readonly {
    readonly state: string;
    readonly text: string;
    readonly remedy?: { readonly paste?: string; readonly command?: string };
  }[];
}
type Found = Report['causes'][number];

describe.skipIf(missing !== undefined)('doctor', () => {
  let federated: FederatedStage;
  let stage: Stage;
  let nmi: BrokeredNmi;
  let env: Readonly<Record<string, string>>;
  const closing: (() => Promise<unknown>)[] = [];

  /** On the machine of the administrator. */
  const run = (command: string, input = '') => runProgram('bash', ['-c', command], { env, input });
  const plugIn = (words: string) => run(`kubectl azure-pod-identity ${words}`);
  const problems = async (): Promise<readonly Found[]> => {
    const { output, errors } = await plugIn('doctor -o json');
    expect(errors).toBe('');
    return (JSON.parse(output) as Report).causes.filter(({ state }) => state === 'problem');
  };
  const apply = async ({ remedy }: Pick<Found, 'remedy'>) => {
    if (remedy?.paste !== undefined)
      expect(await run('kubectl apply -f -', remedy.paste)).toMatchObject({ code: 0 });
    if (remedy?.command === undefined) return;
    const { command } = remedy;
    // Some only tell whether what was applied has taken effect.
    const isLook = command.startsWith('kubectl azure-pod-identity ');
    const done = () => run(command);
    if (isLook) await expect.poll(done, { timeout: 20_000 }).toMatchObject({ code: 0 });
    else expect(await done()).toMatchObject({ code: 0 });
  };

  /** With the roles that Kubernetes' controller aggregates to `view`: this API server has no controllers beside it. */
  const letView = async (namespace: string) => {
    for (const role of ['system:aggregate-to-view', 'pod-identity-view'])
      expect(
        await run(
          `kubectl create rolebinding ${role.replace(':', '-')} -n ${namespace} --clusterrole ${role} --user viewer`,
        ),
      ).toMatchObject({ code: 0 });
  };

  beforeAll(async () => {
    federated = await openFederatedStage('v1.34', { enforceRoles: true });
    ({ stage } = federated);
    await installPlugIn(stage.folder);
    const bin = join(stage.folder, 'bin');
    const path = `${bin}:${process.env['PATH'] ?? ''}`;
    const az = await installStandIn({ folder: bin, name: 'az' }, azureCli(stage.sim.azure.world));
    closing.push(() => az.stop());
    env = { HOME: stage.folder, PATH: path, KUBECONFIG: federated.api.kubeconfig };
    await installServices(stage, { hasBroker: true });
    for (const role of await readManifests(inDeploy('base/user-roles.yaml'))) await stage.create(role);
    await labelAsLinux(stage, names.nodeName(0));
    await addFrozenPool(stage);
    await placeAgents(stage);
    grantMic(stage);
    const broker = await federated.startBroker('broker-a');
    const mic = await stage.startMic('1', ['--detach-grace-period=1s', '--access-recheck=10s']);
    nmi = await startBrokeredNmi(stage, 0);
    await Promise.all([mic, broker.service, nmi.service].map((each) => untilReady(each)));
    expect(await plugIn('doctor')).toMatchObject({ code: 0, errors: '' });
    for (const mistake of runningMistakes) await mistake.plant({ stage, nmi });
  }, 120_000);
  afterAll(async () => {
    for (const close of closing) await close();
    await federated.stop();
  });

  describe('beside running services', () => {
    let found: readonly Found[];
    const texts = () => found.map(({ text }) => text).join('\n');

    test('all mistakes are found in one look', async () => {
      const look = async () => {
        found = await problems();
        return runningMistakes.filter(({ cause }) => !cause.test(texts())).map(({ name }) => name);
      };
      await expect.poll(look, { timeout: 40_000 }).toEqual([]);
    });

    const ofPods = runningMistakes.flatMap(({ explained, ...mistake }) =>
      explained ? [{ ...mistake, explained }] : [],
    );
    test.each(ofPods)('explain and status name $name', async ({ explained, cause }) => {
      const { code, output } = await plugIn(`explain ${explained.namespace}/app`);
      expect([code, output]).toEqual([1, expect.stringMatching(explained.says)]);
      const { output: status } = await plugIn('status -A -o json');
      expect((JSON.parse(status) as Report).causes.map(({ text }) => text).join('\n')).toMatch(cause);
    });

    test.each(ofPods)(
      'a viewer of the namespace is told of $name what may be read',
      async ({ explained }) => {
        const { namespace, says } = explained;
        await letView(namespace);
        const { code, output } = await plugIn(`explain ${namespace}/app --as viewer`);
        const status = await plugIn(`status -n ${namespace} --as viewer`);
        // Which nodes NMI runs on, and which rights ServiceAccounts have, is the administrator's to see.
        const isOpen = namespace === 'far' || namespace === 'strict';
        expect([code, status.code]).toEqual(isOpen ? [2, 2] : [1, 1]);
        expect(output).toMatch(isOpen ? /^… .* (you may not see|you may not ask)/ : says);
        expect(output).not.toMatch(/gets tokens|is granted/);
      },
    );

    test.each(runningMistakes)('the remedy for $name can be run as it is printed', async (mistake) => {
      const remedies = found.filter(({ text }) => mistake.cause.test(text));
      expect(remedies).not.toEqual([]);
      if (mistake.mend !== undefined) mistake.mend(stage);
      else for (const each of remedies) await apply(each);
    });

    test('after them doctor, explain and status find nothing', async () => {
      await placeAgents(stage);
      // It is of before the remedy, and counts for some minutes.
      await run('kubectl delete events --all-namespaces --field-selector reason=CredentialMissing');
      await expect.poll(() => problems(), { timeout: 100_000 }).toEqual([]);
      expect(await plugIn('doctor')).toMatchObject({ code: 0, errors: '' });
      for (const { explained } of ofPods)
        expect(await plugIn(`explain ${explained.namespace}/app`)).toMatchObject({ code: 0 });
      expect(await plugIn('status -A')).toMatchObject({ code: 0 });
    });
  });

  test.each(mistakes)('$name', async ({ says, plant, shell = 'true' }) => {
    const look = async () => (await problems()).filter(({ text }) => says.test(text));
    expect(await look()).toEqual([]);
    for (const object of plant) await stage.create(object);
    expect(await run(shell)).toMatchObject({ code: 0 });
    await expect.poll(look, { timeout: 20_000 }).not.toEqual([]);
    for (const each of await look()) await apply(each);
    await expect.poll(look, { timeout: 20_000 }).toEqual([]);
  });
});
