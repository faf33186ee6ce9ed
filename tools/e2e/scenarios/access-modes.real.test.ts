// The way of --identity-access from namespace through warn to rbac and back, under pods that ask for tokens all the time.
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keepAsking, untilAnswer, type Asker } from '../access/asking.ts';
import { createCommands, yamlIn, type Commands } from '../access/commands.ts';
import { createAccount, createNamespace } from '../access/people.ts';
import { untilReadyIs } from '../access/told.ts';
import { sendRaw } from '../clients/ask.ts';
import { addIdentity, assignedOf, bind, podOf, remove, untilAssigned, untilReady } from '../objects.ts';
import { describeRealServers, type ServerUnderTest } from '../servers.ts';
import * as names from '../../stage/names.ts';
import type { KubeObject } from '../../stage/objects.ts';
import type { Service } from '../../stage/service.ts';
import { openStage, type Stage, type StageNmi, type StagePod } from '../../stage/stage.ts';

const missing = whyNoPrograms({ programs: ['kubectl'] });
if (missing !== undefined) console.warn(`access-modes is skipped: ${missing}`);

type Mode = 'namespace' | 'warn' | 'rbac';
const micFlags = ['--access-recheck', '10s', '--detach-grace-period', '0s'];
const wouldBeRefused = 'a token was given that --identity-access=rbac would refuse';
/** By how the condition of an identity whose right is missing begins. */
const reasonIn: Readonly<Record<Mode, RegExp>> = {
  namespace: /^(?!Access)/,
  warn: /^AccessWouldBeDenied$/,
  rbac: /^AccessDenied$/,
};

describe.skipIf(missing !== undefined)('with kubectl', () => {
  describeRealServers('the modes of --identity-access under running pods, on $name', (choice) => {
    let server: ServerUnderTest;
    let stage: Stage;
    let commands: Commands;
    const mics: Service[] = [];
    const nmis: StageNmi[] = [];
    const askers: Asker[] = [];
    let records: readonly string[];

    const pod = (
      name: string,
      of: { node: number; serviceAccount: string; label?: string; object?: KubeObject },
    ) => stage.runPod({ name, namespace: 'shop', ...of });
    const startMic = async (replica: number, mode: Mode) => {
      mics[replica] = await stage.startMic(String(replica), [...micFlags, '--identity-access', mode]);
      await untilReady(mics[replica]);
    };
    const startNmi = async (node: number, mode: Mode) => {
      nmis[node] = await stage.startNmi(node, ['--identity-access', mode]);
      await untilReady(nmis[node].service);
    };
    const recordsOfRunning = async () =>
      (await assignedOf(stage.kube, 'shop'))
        .filter((record) => !podOf(record).startsWith('intruder'))
        .map(({ metadata: { name, uid = '' } }) => `${name} ${uid}`)
        .sort();
    /** Each has got tokens since, and none has lost one. */
    const untilAllServed = async () => {
      await Promise.all(askers.map(({ gets }) => gets(20)));
      expect(askers.flatMap(({ lost }) => lost)).toEqual([]);
    };
    const untilMode = async (mode: Mode, identity: string) => {
      await untilReadyIs(stage, { namespace: 'shop', name: identity }, ({ reason }) =>
        reasonIn[mode].test(reason),
      );
    };
    /** A pod without a right, of an identity of its own, that came after the report. */
    const intrude = async (name: string) => {
      await createAccount(stage, 'shop', name);
      await bind(stage, { ...addIdentity(stage, name), name, namespace: 'shop' });
      const stranger = await pod(name, { node: 0, serviceAccount: name, label: name });
      return {
        /** MIC and NMI treat it as in this mode. */
        until: async (mode: Mode) => {
          await untilMode(mode, name);
          const status = mode === 'rbac' ? 400 : 200;
          await untilAnswer(() => sendRaw({ pod: stranger, nmi: nmis[0]! }), {
            what: `${status} for a pod without a right in mode ${mode}`,
            fits: (answer) => answer.status === status,
          });
        },
        leave: async () => {
          await stage.removePod(stranger);
          for (const kind of ['AzureIdentityBinding', 'AzureIdentity'] as const)
            await remove(stage, { kind, name, namespace: 'shop' });
        },
      };
    };
    /** In mode `warn`: applies the roles that `access` prints of each refused use, until nobody would be refused any more. Returns them. */
    const applyRoles = async () => {
      for (const identity of ['till', 'stock']) await untilMode('warn', identity);
      // Its code is 2: the flags of MIC and NMI are not known, which are no workloads of the cluster.
      const { output } = await commands.plugIn('access', '-A', '-o', 'json');
      const { entries } = JSON.parse(output) as {
        entries: { serviceAccount: string; azure: string[]; right: string }[];
      };
      const roles = new Set<string>();
      for (const { serviceAccount, azure } of entries.filter(({ right }) => right === 'refused'))
        for (const id of azure) {
          const name = id.slice(id.indexOf('/') + 1);
          roles.add(yamlIn((await commands.plugIn('access', serviceAccount, name)).output));
        }
      expect(roles.size).toBe(3);
      const all = [...roles].join('\n---\n');
      await commands.kubectl('apply', all);
      for (const identity of ['till', 'stock']) await untilMode('namespace', identity);
      return all;
    };

    beforeAll(async () => {
      server = await choice.start();
      stage = await openStage({ ...server.options, azure: { tokenLifetimeSeconds: 10 } });
      commands = createCommands(stage);
      await stage.install();
      await createNamespace(stage, 'shop');
      for (const account of ['web', 'batch', 'agent']) await createAccount(stage, 'shop', account);
      await Promise.all([
        startMic(0, 'namespace'),
        startMic(1, 'namespace'),
        startNmi(0, 'namespace'),
        startNmi(1, 'namespace'),
      ]);
      for (const name of ['till', 'stock'])
        await bind(stage, { ...addIdentity(stage, name), name, namespace: 'shop' });
      await stage.create({
        apiVersion: 'aadpodidentity.k8s.io/v1',
        kind: 'AzurePodIdentityException',
        metadata: { namespace: 'shop', name: 'agent' },
        spec: { podLabels: { app: 'agent' } },
      });
      const agent = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'agent', labels: { app: 'agent' } } };
      const running: (readonly [StagePod, string?])[] = [
        [await pod('web-0', { node: 0, serviceAccount: 'web', label: 'till' })],
        [await pod('web-1', { node: 1, serviceAccount: 'web', label: 'till' })],
        [await pod('batch-1', { node: 1, serviceAccount: 'batch', label: 'stock' })],
        [
          await pod('agent', { node: 0, serviceAccount: 'agent', object: agent }),
          `&client_id=${names.clusterIdentity.clientId}`,
        ],
      ];
      await untilAssigned(stage.kube, ['web-0', 'web-1', 'batch-1'], { namespace: 'shop' });
      for (const [one, more] of running) {
        const ask = () => sendRaw({ pod: one, nmi: nmis[one.node]! }, more);
        await untilAnswer(ask, { what: 'its first token', fits: ({ status }) => status === 200 });
        askers.push(keepAsking(one, () => nmis[one.node]!, more));
      }
      records = await recordsOfRunning();
    });
    afterAll(async () => {
      await Promise.all(askers.map((asker) => asker.stop()));
      await stage.stop();
      await server.stop();
    });

    const annotate = (mode: Mode | null) =>
      stage.kube.request({
        method: 'PATCH',
        path: '/api/v1/namespaces/shop',
        body: { metadata: { annotations: { 'aadpodidentity.k8s.io/identity-access': mode } } },
        contentType: 'application/merge-patch+json',
      });

    test('no token is lost by the annotation of the Namespace', async () => {
      await annotate('warn');
      const says = (account: string) => (line: string) =>
        line.includes(wouldBeRefused) && line.includes(`shop/${account}`);
      await Promise.all([
        nmis[0]!.service.line(says('web')),
        nmis[0]!.service.line(says('agent')),
        nmis[1]!.service.line(says('batch')),
      ]);
      const roles = await applyRoles();
      const intruder = await intrude('intruder-1');
      await intruder.until('warn');
      await untilAllServed();
      await annotate('rbac');
      await intruder.until('rbac');
      await untilAllServed();
      // A right that was never used without one.
      const late = await pod('web-late', { node: 1, serviceAccount: 'web', label: 'till' });
      const ask = () => sendRaw({ pod: late, nmi: nmis[1]! });
      await untilAnswer(ask, { what: 'the token of a new pod', fits: ({ status }) => status === 200 });
      await stage.removePod(late);
      await annotate(null);
      await intruder.until('namespace');
      await untilAllServed();
      await intruder.leave();
      await commands.kubectl('delete', roles);
    });

    test('no token is lost by flags, by restarts of one service after another', async () => {
      const restart = async (mode: Mode) => {
        for (const node of [0, 1]) {
          await nmis[node]!.service.stop();
          await startNmi(node, mode);
        }
        for (const replica of [0, 1]) {
          await mics[replica]!.stop();
          await startMic(replica, mode);
        }
      };
      await restart('warn');
      await applyRoles();
      const intruder = await intrude('intruder-2');
      await intruder.until('warn');
      await restart('rbac');
      await intruder.until('rbac');
      await untilAllServed();
      await restart('namespace');
      await intruder.until('namespace');
      await untilAllServed();
    });

    test('no record and no identity of a running pod was touched', async () => {
      expect(await recordsOfRunning()).toEqual(records);
      const touched = stage.sim.azure.journal
        .entries({ service: 'arm', method: 'PATCH' })
        .filter(({ body = '' }) => /(?:till|stock)"\s*:\s*null/i.test(body));
      expect(touched).toEqual([]);
    });
  });
});
