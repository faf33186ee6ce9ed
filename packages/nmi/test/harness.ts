// A cluster in the simulator and a real agent on one of its nodes, in this process, over real sockets.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiVersion, type AssignedState } from '@pod-identity/crd-types';
import type { Clock } from '@pod-identity/kit/core';
import { connectKube } from '@pod-identity/kit/kube';
import { createLog, createMetrics, systemClock } from '@pod-identity/kit/serve';
import type { FakeClock } from '@pod-identity/kit/testing';
import {
  cluster,
  startSim,
  type Cluster,
  type KubeObject,
  type ManagedIdentity,
  type Sim,
} from '@pod-identity/sim';
import { createAgent, type Agent, type AgentOptions } from '../src/agent.ts';
import { readConfig } from '../src/config/config.ts';
import { metricSpecs } from '../src/tell/metrics.ts';
import { startServer, type RunningServer } from '../src/server/server.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Record<string, unknown>;
  readonly text: string;
}

export interface PodRequest {
  readonly from: string;
  readonly path?: string;
  readonly query?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Over a connection of its own; else over the last one of this caller. */
  readonly isAlone?: boolean;
}

export interface Nmi {
  readonly agent: Agent;
  readonly server: RunningServer;
  readonly port: number;
  readonly lines: string[];
  readonly audit: string[];
  metricsText(): Promise<string>;
  /** Calls that are held now. */
  waitingCallers(): Promise<number>;
  /** Requests to the metadata service that have failed, such as for an identity that it does not know. */
  failedImdsCalls(): Promise<number>;
  send(ask: PodRequest): Promise<Answer>;
  stop(): Promise<void>;
}

/** What the kernel of the agent's node says. */
export type NodeFacts = Pick<AgentOptions, 'bootedAt' | 'neighbours' | 'containers'>;

export interface Stage {
  readonly sim: Sim;
  readonly cluster: Cluster;
  /** A managed identity with its AzureIdentity and a binding of the same name and selector. */
  bound(name: string, over?: { annotations?: Record<string, string> }): Promise<ManagedIdentity>;
  /** Attaches the identity to the scale set, without record. */
  attach(identity: ManagedIdentity): void;
  /** What the original's MIC writes. */
  record(of: { pod: string; podNamespace?: string; identity: string; state: AssignedState }): Promise<void>;
  nmi(argv?: readonly string[], clock?: Clock, node?: NodeFacts): Promise<Nmi>;
  imdsCalls(): number;
  stop(): Promise<void>;
}

/** The Retry-After of a 503 or a 429 for which Azure told no time. */
export const usualPause = /^(?:[5-9]|10)$/;

export const tokenPath = '/metadata/identity/oauth2/token';
export const vaultResource = 'resource=https%3A%2F%2Fvault.azure.net';

/** @param now The clock of Azure; that of this machine unless told. */
export async function startStage({ now = Date.now }: { readonly now?: () => number } = {}): Promise<Stage> {
  const sim = await startSim({ azure: { now } });
  const world = await cluster(sim, { scaleSets: [{ name: 'pool', instances: 2 }], namespaces: ['shop'] });
  const folder = await mkdtemp(join(tmpdir(), 'nmi-test-'));
  const kubeconfig = join(folder, 'config');
  await writeFile(kubeconfig, sim.kube.kubeconfig());
  const running: Nmi[] = [];
  const [node] = world.nodes;
  if (!node) throw new Error('no node');

  return {
    sim,
    cluster: world,
    bound: async (name, over = {}) => {
      const group = node.hostId.split('/providers/')[0] ?? '';
      const resourceId = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
      sim.azure.world.addIdentity({ resourceId });
      const identity = await world.identity({ name, resourceId, ...over });
      await world.binding({ name: `${name}-binding`, identity: name, selector: name });
      return identity;
    },
    attach: ({ resourceId }) => sim.azure.world.attach(node.hostId, resourceId),
    record: async ({ pod, podNamespace = 'default', identity, state }) => {
      const name = `${pod}-${podNamespace}-${identity}`;
      const path = `/apis/${apiVersion}/namespaces/default/azureassignedidentities`;
      const known = sim.kube.get('azureassignedidentities', name, 'default');
      const object = {
        apiVersion,
        kind: 'AzureAssignedIdentity',
        metadata: { name, namespace: 'default', labels: { nodename: node.name } },
        spec: {
          azureIdentityRef: sim.kube.get('azureidentities', identity, 'default'),
          azureBindingRef: sim.kube.get('azureidentitybindings', `${identity}-binding`, 'default'),
          pod,
          podNamespace,
          nodename: node.name,
        },
        status: { status: state, availableReplicas: 1 },
      };
      if (known) await world.client.request('PATCH', `${path}/${name}`, { status: object.status });
      else await world.client.request('POST', path, object);
    },
    nmi: async (argv = [], clock = systemClock, facts = {}) => {
      const nmi = await startNmi({
        kubeconfig,
        node: node.name,
        imds: new URL(sim.azure.imdsUrl(node.machine)),
        argv,
        clock,
        facts,
      });
      running.push(nmi);
      return nmi;
    },
    imdsCalls: () => sim.azure.journal.count({ path: /identity\/oauth2\/token/, service: 'imds' }),
    stop: async () => {
      await Promise.all(running.map((nmi) => nmi.stop()));
      await sim.stop();
      await rm(folder, { recursive: true });
    },
  };
}

interface NmiOptions {
  readonly kubeconfig: string;
  readonly node: string;
  readonly imds: URL;
  readonly argv: readonly string[];
  readonly clock: Clock;
  readonly facts: NodeFacts;
}

async function startNmi({ kubeconfig, node, imds, argv, clock, facts }: NmiOptions): Promise<Nmi> {
  const given = [
    '--node',
    node,
    '--metadata-ip',
    imds.hostname,
    '--metadata-port',
    imds.port,
    '--interception=none',
    ...argv,
  ];
  const reading = readConfig({ argv: given, env: {} });
  if (reading.kind !== 'config') throw new Error(JSON.stringify(reading));
  const { config } = reading;
  const lines: string[] = [];
  const audit: string[] = [];
  const log = createLog({
    component: 'nmi',
    level: 'debug',
    destination: { write: (line) => lines.push(line) },
  });
  const transport = await connectKube({
    kubeconfig: config.kubeconfig ?? kubeconfig,
    userAgent: 'nmi/test',
    clock,
  });
  const metrics = createMetrics(metricSpecs);
  const agent = createAgent({
    config,
    transport,
    clock,
    random: Math.random,
    log,
    output: { write: (line) => audit.push(line), lost: 0 },
    metrics,
    ...facts,
    selfTest: () => Promise.resolve(true),
  });
  const stop = new AbortController();
  const watching = agent.run(stop.signal);
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    app: agent.app,
    clock,
    requestsPerSecond: config.podRequestsPerSecond,
    onLimited: agent.onLimited,
    neighbourOf: agent.neighbourOf,
  });
  const http = new HttpAgent({ keepAlive: true });
  const metricsText = () => {
    agent.measure();
    return metrics.text();
  };

  return {
    agent,
    server,
    lines,
    audit,
    metricsText,
    port: server.port,
    waitingCallers: async () =>
      Number(/^aadpodidentity_nmi_waiting_callers (\d+)$/m.exec(await metricsText())?.[1]),
    failedImdsCalls: async () =>
      [...(await metricsText()).matchAll(/^aadpodidentity_imds_operations_errors_count\{.*\} (\d+)$/gm)]
        .map(([, count]) => Number(count))
        .reduce((sum, count) => sum + count, 0),
    send: (ask) => askOver(http, server.port, ask),
    stop: async () => {
      stop.abort();
      http.destroy();
      await watching;
      await server.close(1_000);
      await Promise.all([agent.close(), transport.close()]);
    },
  };
}

function askOver(agent: HttpAgent, port: number, ask: PodRequest): Promise<Answer> {
  const {
    from,
    path = tokenPath,
    query = vaultResource,
    method = 'GET',
    headers = { Metadata: 'true' },
    isAlone = false,
  } = ask;
  return new Promise((resolve, reject) => {
    const agentOf = isAlone ? false : agent;
    const target = { host: '127.0.0.1', port, localAddress: from, method, headers, agent: agentOf };
    const request = httpRequest({ ...target, path: query === '' ? path : `${path}?${query}` }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => {
        const isJson = response.headers['content-type']?.includes('json') ?? false;
        const body = (isJson ? JSON.parse(text) : {}) as Record<string, unknown>;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body, text });
      });
    });
    request.on('error', reject);
    request.end();
  });
}

export const addressOf = (pod: KubeObject): string => {
  const { podIP } = (pod as unknown as { status: { podIP: string } }).status;
  return podIP;
};

/** An identity that is bound, attached and assigned to a pod of its own, NAME-pod. */
export async function assignedPod(stage: Stage, name: string) {
  const identity = await stage.bound(name);
  stage.attach(identity);
  const from = addressOf(await stage.cluster.pod({ name: `${name}-pod`, label: name }));
  await stage.record({ pod: `${name}-pod`, identity: name, state: 'Assigned' });
  return { identity, from };
}

interface Passing {
  readonly clock: Pick<FakeClock, 'now' | 'advance'>;
  /** What is waited for, as the failure says. */
  readonly what: string;
}

/** The value of the promise. Moves the clock on, a second at a time, until it has settled: for five minutes at most. */
export async function passing<T>(promise: Promise<T>, { clock, what }: Passing): Promise<T> {
  const state = { isOver: false };
  const over = () => void (state.isOver = true);
  promise.then(over, over);
  const deadline = clock.now() + 300_000;
  while (!state.isOver) {
    if (clock.now() > deadline) throw new Error(`waited five minutes for ${what}`);
    await clock.advance(1_000);
  }
  return promise;
}
