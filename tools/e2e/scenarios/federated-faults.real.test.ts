// Faults around two brokers on real API servers, while new pods request their first token: none of them may fail.
import { readFile, writeFile } from 'node:fs/promises';
import { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { whyNoApiServer } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { findHelm } from '../../chart/helm-for-tests.ts';
import { chartFolder } from '../../chart/places.ts';
import { runHelm } from '../../chart/run-helm.ts';
import { requestToken } from '../../stage/broker.ts';
import * as names from '../../stage/names.ts';
import { pathOf, type KubeObject } from '../../stage/objects.ts';
import { inDeploy } from '../../stage/places.ts';
import type { StagePod } from '../../stage/stage.ts';
import { untilObject } from '../../stage/until.ts';
import { within } from '../../stage/within.ts';
import { untilAnswer } from '../access/asking.ts';
import { createCommands } from '../access/commands.ts';
import { createAccount, createNamespace } from '../access/people.ts';
import { sendRaw } from '../clients/ask.ts';
import { startNewPods, type NewPods } from '../federated/new-pods.ts';
import { allowUse, federatedObjects } from '../federated/objects.ts';
import { shortened } from '../federated/short-token.ts';
import {
  openFederatedStage,
  type BrokeredNmi,
  type FederatedStage,
  type StageBroker,
} from '../federated/stage.ts';

const helms = { 'helm 3': await findHelm('3.18.0'), 'helm 4': await findHelm('4.2.3') };
const missing =
  whyNoApiServer() ?? Object.values(helms).flatMap((helm) => (helm.kind === 'missing' ? [helm.why] : []))[0];
if (missing !== undefined) console.warn(`faults around brokers on real API servers are skipped: ${missing}`);

const web = { namespace: 'pay', serviceAccount: 'web', label: 'vault' };
const replicas = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'aad-pod-identity-broker' };
const rosterPath = pathOf({ ...replicas, name: 'broker-replicas' });
const withMovedClock = new URL('../federated/moved-clock-preload.ts', import.meta.url).href;

describe.skipIf(missing !== undefined).each(['v1.20', 'v1.34'] as const)(
  'faults around brokers on %s',
  (flavour) => {
    let federated: FederatedStage;
    let brokers: readonly StageBroker[];
    let nmi: BrokeredNmi;

    beforeAll(async () => {
      federated = await openFederatedStage(flavour);
      const { stage } = federated;
      await createNamespace(stage, web.namespace);
      await createAccount(stage, web.namespace, web.serviceAccount);
      await allowUse(stage, { namespace: web.namespace, name: web.serviceAccount });
      for (const object of federatedObjects(web.namespace, names.firstIdentity.clientId))
        await stage.create(object);
      brokers = [
        await federated.startBroker('broker-a', withMovedClock),
        await federated.startBroker('broker-b', withMovedClock),
      ];
      nmi = await federated.startNmi(0);
      await untilStatus(await runPod('first'), 200);
    });
    afterAll(() => federated.stop());

    const runPod = (name: string) => federated.stage.runPod({ name, node: 0, ...web });
    const untilStatus = (pod: StagePod, status: number, reason = '') =>
      untilAnswer(() => sendRaw({ pod, nmi }), {
        what: `${status} ${reason} for ${pod.object.metadata.name}`,
        fits: (answer) =>
          answer.status === status && (answer.body['error_description'] ?? '').includes(reason),
      });
    const untilRoster = (fits: (entries: readonly Entry[]) => boolean) =>
      untilObject(federated.stage.kube, {
        path: pathOf(replicas),
        fits: (map) => map.metadata.name === 'broker-replicas' && fits(entriesOf(map)),
      });
    const roster = async () =>
      entriesOf((await federated.stage.kube.request({ method: 'GET', path: rosterPath })) as KubeObject);

    describe('while new pods request tokens', () => {
      let load: NewPods;
      beforeAll(() => (load = startNewPods(federated.stage, nmi, web)));
      afterAll(() => load.stop());

      test.each<[what: string, apply: () => Promise<unknown>]>([
        [
          'kubectl apply',
          async () => {
            const commands = createCommands(federated.stage);
            for (let times = 0; times < 2; times += 1) await commands.kubectl('apply', await replicasYaml());
          },
        ],
        ['server-side apply', () => serverSideApply()],
        ['a replacement, which removes all entries', () => replaceRoster()],
      ])('%s of the ConfigMap costs no call', async (_, apply) => {
        expect(await load.during(apply)).toEqual([]);
        await untilRoster((entries) => entries.length === 2);
      });

      const serverSideApply = async () =>
        federated.stage.kube.request({
          method: 'PATCH',
          path: rosterPath,
          query: { fieldManager: 'flux', force: 'true' },
          body: parse(await replicasYaml()) as object,
          contentType: 'application/apply-patch+yaml',
        });
      const replaceRoster = async () => {
        await federated.stage.kube.request({
          method: 'PUT',
          path: rosterPath,
          body: parse(await replicasYaml()) as object,
        });
      };

      test('neither an installation by helm 3 over it nor upgrades by helm 3 and 4 cost a call', async () => {
        const helm = (version: keyof typeof helms, ...args: readonly string[]) => {
          const found = helms[version];
          const { kubeconfig, folder } = federated.stage;
          const program = found.kind === 'found' ? found.program : '';
          return runHelm({ program, kubeconfig, folder }, [...args, ...broker]);
        };
        const broker = ['--set', 'broker.enabled=true,broker.everyNodeIsTrusted=true'];
        const release = ['pod-identity', chartFolder];
        const lost = await load.during(async () => {
          await helm('helm 3', 'install', ...release, '--take-ownership');
          await helm('helm 3', 'upgrade', ...release, '--set', 'nmi.logVerbosity=5');
          await helm('helm 4', 'upgrade', ...release, '--set', 'nmi.logVerbosity=6');
        });
        expect(lost).toEqual([]);
        expect(await roster()).toHaveLength(2);
      });

      test('certificates that all brokers renew at the same moment cost no call', async () => {
        const before = (await roster()).map(({ certificate }) => certificate);
        const lost = await load.during(async () => {
          for (const { service } of brokers) process.kill(service.pid, 'SIGUSR2');
          await untilRoster((entries) => entries.every(({ certificate }) => blocksIn(certificate) === 2));
          await untilRoster((entries) =>
            entries.every(({ certificate }) => blocksIn(certificate) === 1 && !before.includes(certificate)),
          );
        });
        expect(lost).toEqual([]);
        const written = (await roster()).map(({ certificate }) => fingerprintOf(certificate));
        const presented = await Promise.all(brokers.map(({ port }) => presentedAt(port)));
        expect(presented.toSorted()).toEqual(written.toSorted());
      });

      test('neither a replica that ends in a rollout nor one that is killed costs a call', async () => {
        const lost = await load.during(async () => {
          await federated.startBroker('broker-c');
          await untilRoster((entries) => entries.length === 3);
          await brokers[0]?.service.stop();
          await brokers[1]?.service.stop('SIGKILL');
        });
        expect(lost).toEqual([]);
      });
    });

    test('while the API server is away for longer than the token of NMI lives, memory serves and new tokens get the reason; then all recovers in seconds', async () => {
      const { stage, api } = federated;
      const [known, early] = [await runPod('known'), await runPod('early')];
      await untilStatus(known, 200);
      await writeFile(nmi.tokenFile, await shortened(nmi.token, 15, api.kubeconfig));
      await untilStatus(await runPod('with-short-token'), 200);
      await api.restart(async () => {
        const answer = await untilStatus(early, 503, 'The API server has not said');
        expect(answer.retryAfter).toBeDefined();
        expect((await sendRaw({ pod: known, nmi })).status).toBe(200);
        const ended = await untilStatus(early, 503, 'The broker does not accept this NMI');
        expect(ended.retryAfter).toBeDefined();
        expect((await sendRaw({ pod: known, nmi })).status).toBe(200);
      });
      // As the kubelet does it.
      const account = `${names.systemNamespace}/nmi`;
      await writeFile(nmi.tokenFile, await requestToken(stage.kube, { account, pod: nmi.pod }));
      await untilStatus(early, 200);
      await untilStatus(await runPod('after'), 200);
    });
  },
);

interface Entry {
  /** As PEM, of a renewal two. */
  readonly certificate: string;
}

function entriesOf(map: KubeObject): readonly Entry[] {
  return Object.values((map['data'] ?? {}) as Record<string, string>).map(
    (text) => JSON.parse(text) as Entry,
  );
}

const replicasYaml = () => readFile(inDeploy('components/broker/parts/replicas.yaml'), 'utf8');
const blocksIn = (pem: string) => pem.split('BEGIN CERTIFICATE').length - 1;
const fingerprintOf = (pem: string) => new X509Certificate(pem).fingerprint256;

/** The fingerprint of the certificate that a broker presents. */
function presentedAt(port: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
    resolve(socket.getPeerCertificate().fingerprint256);
    socket.destroy();
  }).once('error', reject);
  return within(60_000, `the certificate of the broker at port ${port}`, promise);
}
