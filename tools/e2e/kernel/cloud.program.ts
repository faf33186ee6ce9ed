// The simulator in the namespace that owns the metadata address. Every request and every connection that reaches this address is
// written down with its source, so that a test can tell what came around the agent.
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { once } from 'node:events';
import { cluster, startSim, type BindingSpec, type PodSpec } from '@pod-identity/sim';
import { answerMessages } from './program.ts';

export interface CloudPlace {
  readonly metadataAddress: string;
  /** Where the API server is to be reached, beside its own address. */
  readonly apiAddress: string;
}

export interface Heard {
  readonly source: string;
  /** `connection`, or the request's line as it came. */
  readonly what: string;
}

export type CloudQuestions = typeof questions;

const place = JSON.parse(process.argv[2] ?? '{}') as CloudPlace;
let heard: Heard[] = [];
const sim = await startSim();
const world = await cluster(sim, { scaleSets: [{ name: 'pool', instances: 1 }] });
const [node] = world.nodes;
if (node === undefined) throw new Error('the cluster has no node');
await openMetadata(node.machine);
const apiPort = await forwardApi();

const effect = 'NoSchedule';
const questions = {
  facts: () => ({ node: node.name, api: `http://${place.apiAddress}:${apiPort}` }),
  /** An AzureIdentity whose managed identity is on the machine. */
  identity: async ({ name }: { name: string }) => {
    const { clientId, resourceId } = await world.identity({ name });
    sim.azure.world.attach(node.hostId, resourceId);
    return { clientId, resourceId };
  },
  bind: (spec: BindingSpec) => world.binding(spec),
  pod: (spec: PodSpec) => world.pod(spec),
  /** Keys of the taints of the node. */
  taints: () => taints(),
  taint: async ({ key }: { key: string }) => {
    const spec = { taints: [...taints().map((each) => ({ key: each, effect })), { key, effect }] };
    await world.client.request('PATCH', `/api/v1/nodes/${node.name}`, { spec });
  },
  /** Waits until the node has no taint of this key. */
  untainted: ({ key }: { key: string }) => sim.kube.until(() => !taints().includes(key)),
  /** What reached the metadata address since this was asked last. */
  heard: () => {
    const all = heard;
    heard = [];
    return all;
  },
};
answerMessages(questions);

function taints(): readonly string[] {
  const { taints: all = [] } = (sim.kube.get('nodes', node?.name ?? '')?.['spec'] ?? {}) as {
    taints?: readonly { key: string }[];
  };
  return all.map(({ key }) => key);
}

async function openMetadata(machine: string): Promise<void> {
  const server = createServer((request, response) => {
    const { method = '', url = '' } = request;
    heard.push({ source: request.socket.remoteAddress ?? '', what: `${method} ${url}` });
    passOn(request, response, sim.azure.imdsUrl(machine));
  });
  server.keepAliveTimeout = 600_000;
  server.on('connection', ({ remoteAddress = '' }) =>
    heard.push({ source: remoteAddress, what: 'connection' }),
  );
  server.listen(80, place.metadataAddress);
  await once(server, 'listening');
}

function passOn(request: IncomingMessage, response: ServerResponse, url: string): void {
  const { method, headers } = request;
  const options = { method, headers, path: request.url };
  const inner = ask(url, options as object, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  inner.once('error', () => response.destroy());
  request.pipe(inner);
}

async function forwardApi(): Promise<number> {
  const { port } = new URL(sim.kube.url);
  if (place.apiAddress === '127.0.0.1') return Number(port);
  const server = createTcpServer((outside) => {
    const inside = connect(Number(port), '127.0.0.1');
    outside.pipe(inside).pipe(outside);
    outside.once('error', () => inside.destroy());
    inside.once('error', () => outside.destroy());
  });
  server.listen(Number(port), place.apiAddress);
  await once(server, 'listening');
  return Number(port);
}
