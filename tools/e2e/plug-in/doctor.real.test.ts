// `doctor`, `explain` and `status` of the kubectl plug-in on a real API server, beside MIC, NMI and the broker as processes: each planted
// mistake is found, and its remedy, run as printed, mends it.
import { join } from 'node:path';
import { whyNoApiServer, whyNoPrograms } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProgram } from '../access/commands.ts';
import { sendRaw } from '../clients/ask.ts';
import {
  openFederatedStage,
  startBrokeredNmi,
  type BrokeredNmi,
  type FederatedStage,
} from '../federated/stage.ts';
import { untilReady } from '../objects.ts';
import { azureCli } from '../../stage/azure-cli.ts';
import * as names from '../../stage/names.ts';
import type { Stage } from '../../stage/stage.ts';
import { installStandIn } from '../../stage/stand-in.ts';
import { mistakes } from './mistakes.ts';
import { installPlugIn } from './plug-in.ts';
import { exposeMetrics } from './proxied-metrics.ts';
import {
  addFrozenPool,
  bindOwn,
  grantMic,
  prepareMachine,
  runApp,
  runDebugPods,
  runningMistakes,
  type RunningMistake,
} from './running-mistakes.ts';
import { installServices, labelAsLinux, placeAgents } from './services.ts';

const missing = whyNoApiServer() ?? whyNoPrograms({ programs: ['kubectl'] });
if (missing !== undefined) console.warn(`skipped doctor: ${missing}`);

interface Found {
  readonly check: string;
  readonly object: string;
  readonly text: string;
  readonly remedy?: { readonly paste?: string; readonly command?: string };
}
interface Report {
  readonly checks: readonly {
    readonly id: string;
    readonly findings: readonly {
      readonly object: string;
      readonly finding: Omit<Found, 'check' | 'object'> & { readonly verdict: string };
    }[];
  }[];
}

describe.skipIf(missing !== undefined)('doctor', () => {
  let federated: FederatedStage;
  let stage: Stage;
  let nmi: BrokeredNmi;
  let env: Readonly<Record<string, string>>;
  const closing: (() => Promise<unknown>)[] = [];

  /** On the machine of the administrator. */
  const run = (command: string, input = '') => runProgram('bash', ['-c', command], { env, input });
  const plugIn = (words: string) => run(`kubectl azure-pod-identity ${words}`);
  const reported = async (wanted: string, words: string): Promise<readonly Found[]> => {
    const { output, errors } = await plugIn(`doctor -o json ${words}`);
    expect(errors).toBe('');
    return (JSON.parse(output) as Report).checks.flatMap(({ id: check, findings }) =>
      findings
        .filter(({ finding }) => finding.verdict === wanted)
        .map(({ object, finding }) => ({ check, object, ...finding })),
    );
  };
  const problems = (words = '--azure') => reported('problem', words);
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

  beforeAll(async () => {
    federated = await openFederatedStage('v1.34', { enforceRoles: true });
    ({ stage } = federated);
    await installPlugIn(stage.folder);
    const bin = join(stage.folder, 'bin');
    const path = `${bin}:${process.env['PATH'] ?? ''}`;
    const az = await installStandIn({ folder: bin, name: 'az' }, azureCli(stage.sim.azure.world));
    closing.push(() => az.stop());
    const machine = await prepareMachine(stage, bin);
    env = { HOME: stage.folder, PATH: path, KUBECONFIG: federated.api.kubeconfig, ...machine };
    await installServices(stage, { hasBroker: true });
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
    const of = ({ check, object }: RunningMistake) =>
      found.filter((one) => one.check === check && one.object === object);

    test('all mistakes are found in one look', async () => {
      const objects = runningMistakes.map(({ check, object }) => `${check} ${object}`);
      const look = async () => {
        found = await problems();
        return found.map(({ check, object }) => `${check} ${object}`);
      };
      await expect.poll(look, { timeout: 40_000 }).toEqual(expect.arrayContaining(objects));
    });

    const ofPods = runningMistakes.flatMap(({ explained, row, ...mistake }) =>
      explained && row ? [{ ...mistake, explained, row }] : [],
    );
    test.each(ofPods)('explain and status name $name', async ({ explained, row }) => {
      const { code, output } = await plugIn(`explain ${explained.namespace}/app`);
      expect([code, output]).toEqual([1, expect.stringMatching(explained.says)]);
      const { output: status } = await plugIn('status -A -o json');
      const { rows } = JSON.parse(status) as { readonly rows: readonly object[] };
      expect(rows).toContainEqual(expect.objectContaining({ ...row, state: 'problem' }));
    });

    test.each(runningMistakes)('the remedy for $name can be run as it is printed', async (mistake) => {
      const remedies = of(mistake).filter(({ remedy }) => remedy?.paste ?? remedy?.command);
      expect(remedies).not.toEqual([]);
      for (const each of remedies) await apply(each);
    });

    test('after them doctor, explain and status find nothing', async () => {
      await runDebugPods(stage);
      await placeAgents(stage);
      await expect.poll(() => problems(), { timeout: 100_000 }).toEqual([]);
      expect(await plugIn('doctor --azure')).toMatchObject({ code: 0, errors: '' });
      for (const { explained } of ofPods)
        expect(await plugIn(`explain ${explained.namespace}/app`)).toMatchObject({ code: 0 });
      expect(await plugIn('status -A')).toMatchObject({ code: 0 });
    });
  });

  test('tokens that NMI does not get now are known by its metrics, through the proxy of the API server', async () => {
    // The other one says whose metrics are not read.
    const look = async () =>
      (await reported('info', '--check metrics')).filter(({ object }) => object.startsWith('Node/'));
    expect((await plugIn('doctor --check metrics')).output).toContain('metrics of NMI: ');
    const flag = await exposeMetrics(stage, nmi, `agent-${names.nodeName(0)}`);
    const patch = [{ op: 'add', path: '/spec/template/spec/containers/0/args/-', value: flag }];
    const words = `daemonset nmi --namespace ${names.systemNamespace} --type json`;
    await apply({ remedy: { command: `kubectl patch ${words} --patch '${JSON.stringify(patch)}'` } });
    expect(await look()).toEqual([]);
    await bindOwn(stage, 'unlucky');
    const pod = await runApp(stage, 'unlucky');
    const fault = stage.sim.azure.faults.add({ match: { service: 'imds' }, then: { status: 500 } });
    const enough = new AbortController();
    const asking = (async () => {
      while (!enough.signal.aborted) await sendRaw({ pod, nmi }).catch(() => undefined);
    })();
    const failing = expect.objectContaining({
      object: `Node/${names.nodeName(0)}`,
      text: expect.stringMatching(/token requests? failed/) as string,
    }) as Found;
    await expect.poll(look, { timeout: 60_000 }).toContainEqual(failing);
    expect(await problems('--check metrics')).toEqual([]);
    enough.abort();
    fault.remove();
    await asking;
    await expect.poll(look, { timeout: 60_000 }).toEqual([]);
  });

  test.each(mistakes)('$name', async ({ check, plant, shell = 'true' }) => {
    const look = () => problems(`--check ${check}`);
    expect(await look()).toEqual([]);
    for (const object of plant) await stage.create(object);
    expect(await run(shell)).toMatchObject({ code: 0 });
    await expect.poll(look, { timeout: 20_000 }).not.toEqual([]);
    for (const each of await look()) await apply(each);
    await expect.poll(look, { timeout: 20_000 }).toEqual([]);
  });
});
