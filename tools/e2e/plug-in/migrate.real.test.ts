// `migrate` of the kubectl plug-in: type 0 to type 3 and back under pods that request tokens all the time, with MIC, NMI and the broker as
// processes and genuine API servers. The printed commands are pasted into a shell. There is no kubelet: of kubectl, exec is a program that hands the words to this test.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { whyNoApiServer, whyNoPrograms } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { untilAnswer } from '../access/asking.ts';
import { runProgram, type Ended } from '../access/commands.ts';
import { createAccount, createNamespace, createPerson, everything } from '../access/people.ts';
import { sendRaw } from '../clients/ask.ts';
import { startNewPods } from '../federated/new-pods.ts';
import {
  openFederatedStage,
  startBrokeredNmi,
  type FederatedStage,
  type StageBroker,
} from '../federated/stage.ts';
import { bind, isAttached, untilAssigned, untilDetached, untilReady } from '../objects.ts';
import { serviceAccountKubeconfig } from '../../stage/cluster.ts';
import * as names from '../../stage/names.ts';
import { pathOf, type KubeObject } from '../../stage/objects.ts';
import { repository } from '../../stage/places.ts';
import type { StageNmi, StagePod } from '../../stage/stage.ts';
import { installStandIn } from '../../stage/stand-in.ts';
import { untilObject } from '../../stage/until.ts';
import { installServices } from './services.ts';

const missing = whyNoApiServer() ?? whyNoPrograms({ programs: ['kubectl'] });
if (missing !== undefined) console.warn(`plug-in/migrate is skipped: ${missing}`);

const { id: resourceId, clientId } = names.firstIdentity;
const apiVersion = 'aadpodidentity.k8s.io/v1';
const identityPath = pathOf({ apiVersion, kind: 'AzureIdentity', namespace: 'pay', name: 'vault' });

describe.skipIf(missing !== undefined).each(['v1.20', 'v1.34'] as const)('migrate on %s', (flavour) => {
  let federated: FederatedStage;
  let broker: StageBroker;
  let nmis: StageNmi[];
  let pods: StagePod[];
  let bin: string;
  const closing: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    federated = await openFederatedStage(flavour);
    const { stage } = federated;
    await installServices(stage, { hasBroker: true });
    await createNamespace(stage, 'pay');
    await createAccount(stage, 'pay', 'web');
    await bind(stage, { name: 'vault', namespace: 'pay', resourceId, clientId });
    broker = await federated.startBroker('broker-a');
    bin = await installKubectl(stage.folder, (identity) => broker.check(identity), closing);
    const mic = await stage.startMic('1', ['--detach-grace-period=1s']);
    nmis = [await startBrokeredNmi(stage, 0), await startBrokeredNmi(stage, 1)];
    await Promise.all(
      [mic, broker.service, ...nmis.map(({ service }) => service)].map((each) => untilReady(each)),
    );
    pods = [await runPod('web-0', 0), await runPod('web-1', 1)];
    await untilAssigned(stage.kube, ['web-0', 'web-1'], { namespace: 'pay' });
    // MIC writes nothing more: otherwise it would change the versions of these objects.
    for (const [kind, condition] of [
      ['AzureIdentity', '"Attached"'],
      ['AzureIdentityBinding', '"True"'],
    ] as const)
      await untilObject(stage.kube, {
        path: pathOf({ apiVersion, kind, namespace: 'pay' }),
        fits: ({ status }) => JSON.stringify(status ?? {}).includes(condition),
      });
  });
  afterAll(async () => {
    for (const close of closing) await close();
    await federated.stop();
  });

  const runPod = (name: string, node: number) =>
    federated.stage.runPod({ name, namespace: 'pay', node, label: 'vault', serviceAccount: 'web' });
  const plugIn = (words: readonly string[], kubeconfig = federated.stage.kubeconfig) =>
    runProgram(process.execPath, [join(repository, 'packages/kubectl/dist/main.js'), ...words], {
      env: { HOME: federated.stage.folder, PATH: bin, KUBECONFIG: kubeconfig },
    });
  /** Gives the command and pastes what it prints for the next step, until no step is left. */
  const followed = async (words: readonly string[]): Promise<Ended> => {
    const deadline = Date.now() + 180_000;
    const given = ['migrate', ...words, '-o', 'json'];
    for (;;) {
      const ended = await plugIn(given);
      if (ended.output.includes('MIC does not confirm it') && Date.now() < deadline) {
        await pause(500);
        continue;
      }
      if (ended.code !== 0) return ended;
      const { plans } = JSON.parse(ended.output) as { plans: { steps: PlanStep[] }[] };
      const next = plans[0]!.steps.find(({ state }) => state === 'to do');
      if (next === undefined) return ended;
      if (Date.now() > deadline) throw new Error(`waited 3 minutes for the end of step ${next.id}`);
      const pasted = await paste(next);
      if (pasted.code !== 0) return pasted;
      if (next.id === 'credential') given.push('--credential-exists');
    }
  };
  /** The second command of the step about the credential creates it: it is there. */
  const paste = async ({ id, commands }: PlanStep): Promise<Ended> => {
    const pasted = id === 'credential' ? commands.slice(0, 1) : commands;
    return inShell(pasted.join('\n'));
  };
  const inShell = (commands: string): Promise<Ended> =>
    runProgram('/bin/sh', ['-ec', commands], {
      env: { HOME: federated.stage.folder, PATH: bin, KUBECONFIG: federated.stage.kubeconfig },
    });
  const identity = async () =>
    (await federated.stage.kube.request({ method: 'GET', path: identityPath })) as KubeObject;

  /** Does this while old and new pods request tokens; returns what they got instead. */
  const underLoad = async (task: () => Promise<Ended>) => {
    const { stage } = federated;
    const [nmi] = nmis as [StageNmi, ...StageNmi[]];
    const fresh = startNewPods(stage, nmi, { namespace: 'pay', serviceAccount: 'web', label: 'vault' });
    const refused: string[] = [];
    let isOver = false;
    const steady = pods.map(async (pod, at) => {
      while (!isOver) {
        const { status, body } = await sendRaw({ pod, nmi: nmis[at]! }, '&bypass_cache=true');
        if (status !== 200) refused.push(`${status} ${JSON.stringify(body)}`);
        await pause(700);
      }
    });
    let ended: Ended | undefined;
    const ofNew = await fresh.during(async () => (ended = await task())).finally(() => (isOver = true));
    await Promise.all([...steady, fresh.stop()]);
    return { ended: ended!, refused: [...refused, ...ofNew] };
  };

  test('nothing is written, and the plan has the commands of the next step', async () => {
    const before = await everythingIn(federated);
    const plan = await plugIn(['migrate', 'to-federated', 'pay/vault', '--tenant', names.tenant]);
    expect(plan).toMatchObject({ code: 0, errors: '' });
    expect(plan.output).toContain('kind: ClusterRoleBinding');
    expect(plan.output).not.toContain('"type":3');
    expect(await everythingIn(federated)).toEqual(before);
  });

  test('it says where the cluster stands, and plans the other ways', async () => {
    const standing = await plugIn(['migrate']);
    expect(standing).toMatchObject({ code: 0, errors: '' });
    expect(standing.output).toContain('migrate to-federated pay/vault');
    const workload = await plugIn(['migrate', 'to-workload-identity', 'pay/web']);
    expect(workload).toMatchObject({ code: 0, errors: '' });
    expect(workload.output).toContain('az identity federated-credential create');
    expect(workload.output).not.toContain('patch serviceaccounts');
  });

  test('whoever lacks rights is told which, and nothing is written', async () => {
    const { stage } = federated;
    await createPerson(stage, { namespace: 'pay', name: 'owner', rules: everything });
    const own = await serviceAccountKubeconfig({ ...stage, namespace: 'pay', account: 'owner' });
    const before = await everythingIn(federated);
    const { code, errors } = await plugIn(
      ['migrate', 'to-federated', 'pay/vault', '--tenant', names.tenant],
      own,
    );
    expect(code).toBe(2);
    expect(errors).toMatch(/may not list/);
    expect(await everythingIn(federated)).toEqual(before);
  });

  test('a credential that is missing stops it before the type, and the command that creates it is shown', async () => {
    const { world } = federated.stage.sim.azure;
    const credentials = world.federatedCredentials(clientId);
    world.removeFederatedCredentials(clientId);
    const words = ['to-federated', 'pay/vault', '--tenant', names.tenant];
    expect((await followed(words)).code).toBe(1);
    const shown = await plugIn(['migrate', ...words]);
    expect(shown.output).toContain('az identity federated-credential create');
    expect(shown.output).toContain(`--issuer ${federated.api.server}`);
    expect((await identity())['spec']).toMatchObject({ type: 0 });
    for (const credential of credentials) world.addFederatedCredential(clientId, credential);
  });

  test('to type 3 under load: no call is refused, and MIC gives the identity of the machines back', async () => {
    const { ended, refused } = await underLoad(() =>
      followed(['to-federated', 'pay/vault', '--tenant', names.tenant]),
    );
    expect(ended).toMatchObject({ code: 0 });
    expect(refused).toEqual([]);
    expect((await identity())['spec']).toMatchObject({ type: 3, tenantID: names.tenant, clientID: clientId });
    await untilDetached(federated.stage, resourceId);
    const answer = await untilAnswer(() => sendRaw({ pod: pods[0]!, nmi: nmis[0]! }, '&bypass_cache=true'), {
      what: 'a token of the broker',
      fits: ({ status }) => status === 200,
    });
    expect(answer.body['client_id']).toBe(clientId);
  });

  test('back to type 0 by the command of the plan, under load: once MIC has assigned it, no call is refused', async () => {
    const again = ['migrate', 'to-federated', 'pay/vault', '--tenant', names.tenant, '-o', 'json'];
    const { plans } = JSON.parse((await plugIn(again)).output) as { plans: { back: string }[] };
    const { ended } = await underLoad(() => inShell(plans[0]!.back));
    expect(ended).toMatchObject({ code: 0 });
    await federated.stage.sim.azure.world.until(() => isAttached(federated.stage, resourceId));
    await untilAssigned(federated.stage.kube, ['web-0', 'web-1'], { namespace: 'pay' });
    const { refused } = await underLoad(() => plugIn(again));
    expect(refused).toEqual([]);
    expect((await identity())['spec']).toMatchObject({ type: 0, resourceID: resourceId });
    expect(isAttached(federated.stage, resourceId)).toBe(true);
  });
});

/** Names and versions of all that a migration could write. */
async function everythingIn({ stage }: FederatedStage): Promise<readonly string[]> {
  const kinds = [
    { apiVersion, kind: 'AzureIdentity' },
    { apiVersion, kind: 'AzureIdentityBinding' },
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole' },
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding' },
    { apiVersion: 'v1', kind: 'ServiceAccount' },
  ];
  const lists = await Promise.all(
    kinds.map(
      async (kind) =>
        (await stage.kube.request({ method: 'GET', path: pathOf(kind) })) as { items: KubeObject[] },
    ),
  );
  return lists.flatMap(({ items }) =>
    items.map(({ metadata }) => `${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`),
  );
}

interface PlanStep {
  readonly id: string;
  readonly state: string;
  readonly commands: readonly string[];
}

/** A kubectl whose exec of check-federated is done by this test; returns the PATH. */
async function installKubectl(
  folder: string,
  check: (identity: string) => Promise<Ended>,
  closing: (() => Promise<unknown>)[],
): Promise<string> {
  const bin = join(folder, 'migrate-bin');
  const standIn = await installStandIn({ folder: bin, name: 'kubectl-exec' }, (words) => {
    const at = words.indexOf('check-federated');
    const isMeant = at > 0 && words.includes('exec') && words.includes('deploy/broker');
    return isMeant ? check(words[at + 1] ?? '') : { code: 127, output: '', errors: words.join(' ') };
  });
  closing.push(() => standIn.stop());
  // Validation of v1.20 needs documents that kubectl 1.32 does not read.
  await writeFile(
    join(bin, 'kubectl'),
    `#!/bin/sh
PATH='${process.env['PATH'] ?? ''}'
case "$1 $3" in
  '-n exec') exec '${bin}/kubectl-exec' "$@" ;;
  'apply -') exec kubectl "$@" --validate=false ;;
  *) exec kubectl "$@" ;;
esac
`,
    { mode: 0o755 },
  );
  return bin;
}
