// A real Prometheus scrapes the running services and evaluates the alerts and the queries of the dashboard.
import { federatedTarget, rolesFor } from '@pod-identity/crd-types';
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { panels, type Panel } from '../../monitoring/files.ts';
import { brokerSubject } from '../../stage/broker.ts';
import { createCleanup } from '../../stage/cleanup.ts';
import * as names from '../../stage/names.ts';
import { inDeploy } from '../../stage/places.ts';
import { parseLine, startService, type Service } from '../../stage/service.ts';
import { openStage, type Stage, type StageNmi, type StagePod } from '../../stage/stage.ts';
import { sendRaw } from '../clients/ask.ts';
import { askBroker } from '../federated/ask-broker.ts';
import { installBroker, runAgentPod, startBroker, type StageBroker } from '../federated/stage.ts';

const why = whyNoPrograms({ programs: ['prometheus'] });
if (why !== undefined) console.log(`skipped: a real Prometheus (${why})`);

interface Alert {
  readonly state: string;
  readonly labels: { readonly alertname: string };
}

const cleanup = createCleanup();
let stage: Stage;
let nmi: StageNmi;
let brokers: readonly StageBroker[];
/** A pod that may use a federated identity, and the token of its node's NMI for the broker. */
let asking: { readonly pod: StagePod['object']; readonly token: string };
let api: string;

async function addressOf(service: Service, role: 'health' | 'metrics'): Promise<string> {
  const line = await service.line((text) => {
    const parsed = parseLine(text);
    return parsed['msg'] === 'admin server listening' && parsed['role'] === role;
  });
  return `127.0.0.1:${String(parseLine(line)['port'])}`;
}

/** With the alerts as they are but for their times, and everything done each second. */
async function configure(folder: string, targets: Readonly<Record<string, string>>): Promise<string> {
  const rules = await readFile(inDeploy('monitoring/rules.yaml'), 'utf8');
  await writeFile(join(folder, 'rules.yaml'), rules.replaceAll(/^( +for:) .*$/gm, '$1 1s'));
  const file = join(folder, 'prometheus.yaml');
  const jobs = Object.entries(targets).map(([job_name, target]) => ({
    job_name,
    static_configs: [{ targets: [target] }],
  }));
  const global = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' };
  await writeFile(file, JSON.stringify({ global, rule_files: ['rules.yaml'], scrape_configs: jobs }));
  return file;
}

async function ask<T>(path: string, query: Readonly<Record<string, string>> = {}): Promise<T> {
  const answer = await fetch(`${api}/api/v1/${path}?${new URLSearchParams(query).toString()}`, {
    signal: AbortSignal.timeout(30_000),
  });
  const { status, data, error } = (await answer.json()) as { status: string; data: T; error?: string };
  if (status !== 'success') throw new Error(`${path} ${JSON.stringify(query)}: ${error ?? status}`);
  return data;
}

async function statesOf(alertname: string): Promise<readonly string[]> {
  const { alerts } = await ask<{ alerts: readonly Alert[] }>('alerts');
  return alerts.filter(({ labels }) => labels.alertname === alertname).map(({ state }) => state);
}

async function startBrokers(pod: StagePod): Promise<void> {
  await installBroker(stage);
  const issuer = stage.sim.kube.url;
  const { clientId } = names.firstIdentity;
  stage.sim.azure.world.addFederatedCredential(clientId, { issuer, subject: brokerSubject });
  const target = federatedTarget(names.tenant, clientId);
  const roles = rolesFor({
    subjects: [{ namespace: 'default', name: 'default' }],
    targets: target.ok ? [target.value] : [],
  });
  for (const object of roles.objects) await stage.create({ ...object });
  const started: StageBroker[] = [];
  for (const name of ['broker-a', 'broker-b']) {
    const broker = await startBroker({ stage, name });
    started.push(broker);
  }
  brokers = started;
  asking = { pod: pod.object, token: (await runAgentPod(stage, 'nmi-of-broker', 0)).token };
}

/** All but the one about a setting that the stage has on purpose. */
async function firing(): Promise<readonly string[]> {
  const { alerts } = await ask<{ alerts: readonly Alert[] }>('alerts');
  const names = alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname);
  return names.filter((name) => name !== 'PodIdentityAccessByNamespace');
}

describe.skipIf(why !== undefined)('a real Prometheus', () => {
  beforeAll(async () => {
    stage = await openStage({ nodes: 1 });
    cleanup.add(() => stage.stop());
    await stage.install();
    const mic = await stage.startMic('1');
    nmi = await stage.startNmi(0);
    for (const file of ['azureidentity', 'azureidentitybinding'])
      await stage.apply(inDeploy(`demo/${file}.yaml`));
    const pod = await stage.runPod({ name: 'app', node: 0, label: 'demo-app' });
    expect((await sendRaw({ pod, nmi })).status).toBe(200);
    // As the kubelet does: NMI judges its readiness when it is asked.
    const ready = await fetch(`http://${await addressOf(nmi.service, 'health')}/readyz`, {
      signal: AbortSignal.timeout(60_000),
    });
    expect([ready.status, await ready.text()]).toEqual([200, 'ready\n']);

    await startBrokers(pod);

    const targets = {
      nmi: await addressOf(nmi.service, 'metrics'),
      mic: await addressOf(mic, 'metrics'),
      ...Object.fromEntries(
        await Promise.all(
          brokers.map(async ({ service }, index) => [`broker-${index}`, await addressOf(service, 'metrics')]),
        ),
      ),
    };
    const prometheus = startService({
      name: 'prometheus',
      executable: 'prometheus',
      entry: `--config.file=${await configure(stage.folder, targets)}`,
      args: ['--web.listen-address=127.0.0.1:0', `--storage.tsdb.path=${join(stage.folder, 'tsdb')}`],
    });
    cleanup.add(() => prometheus.stop());
    const listening = await prometheus.line((line) => line.includes('Listening on'));
    api = `http://${/address=(\S+)/.exec(listening)?.[1] ?? ''}`;
    await prometheus.line((line) => line.includes('Server is ready'));
  });
  afterAll(() => cleanup.run());

  test('scrapes NMI, MIC and brokers, and all are up', async () => {
    const health = async () => {
      const { activeTargets } = await ask<{
        activeTargets: readonly {
          readonly scrapePool: string;
          readonly health: string;
          readonly lastError: string;
        }[];
      }>('targets');
      return activeTargets
        .map(({ scrapePool, health, lastError }) => `${scrapePool} ${health} ${lastError}`)
        .sort();
    };
    for (const { service } of brokers) {
      const address = await addressOf(service, 'health');
      // Its metric says what /readyz last returned.
      const readiness = async () => (await fetch(`http://${address}/readyz`)).text();
      await expect.poll(readiness).toBe('ready\n');
    }
    await expect.poll(health).toEqual(['broker-0 up ', 'broker-1 up ', 'mic up ', 'nmi up ']);
  });

  test('evaluates every alert without an error, and none fires in a healthy cluster', async () => {
    const healthOf = async () => {
      const { groups } = await ask<{
        groups: readonly { readonly rules: readonly { readonly name: string; readonly health: string }[] }[];
      }>('rules');
      return [...new Set(groups.flatMap(({ rules }) => rules).map(({ health }) => health))];
    };
    await expect.poll(healthOf).toEqual(['ok']);
    // Until the first scrape, nothing seems to be there.
    await expect.poll(firing).toEqual([]);
  });

  test('executes each query of the dashboard, and those about what has happened return something', async () => {
    const resultsOf = async ({ targets = [] }: Panel) => {
      let results = 0;
      for (const { expr } of targets) {
        const query = expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*');
        results += (await ask<{ result: readonly unknown[] }>('query', { query })).result.length;
      }
      return results;
    };
    const empty = async () => {
      for (const broker of brokers) expect(await askBroker(broker, asking)).toMatchObject({ status: 200 });
      const counts = await Promise.all(
        panels
          .filter(({ targets = [] }) => targets.length > 0)
          .map(async (panel) => [panel.title, await resultsOf(panel)] as const),
      );
      return counts.filter(([, results]) => results === 0).map(([title]) => title);
    };
    await expect.poll(empty).toEqual([]);
  });

  test('an alert fires when NMI ends', async () => {
    // On a busy machine a scrape may have taken longer than its second.
    await expect.poll(() => statesOf('PodIdentityNmiDown')).toEqual([]);
    await nmi.service.stop();
    await expect.poll(() => statesOf('PodIdentityNmiDown')).toEqual(['firing']);
  });
});
