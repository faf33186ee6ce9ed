// Tokens of one broker, requested by NMIs of several nodes: how many a second, and what each costs it.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { setPodStatus } from '../../stage/cluster.ts';
import * as names from '../../stage/names.ts';
import type { KubeObject } from '../../stage/objects.ts';
import type { Stage } from '../../stage/stage.ts';
import { within } from '../../stage/within.ts';
import { runAgentPod, type StageBroker } from '../../e2e/federated/stage.ts';
import { cpuMicroseconds } from '../process.ts';
import { at } from './nmi-figures.ts';

/** An NMI, and a pod of its node, in a namespace of its own. */
interface Caller {
  readonly token: string;
  /** From which the NMI connects. */
  readonly localAddress: string;
  readonly pod: KubeObject;
}

export interface BrokerRun {
  readonly perSecond: number;
  /** Processor time of the broker for a token (microseconds). */
  readonly cpuUs: number;
  /** Responses that were no token; these requests were repeated. */
  readonly refusals: number;
}

interface Wanted {
  readonly clientId: string;
  readonly resource: string;
}

interface BrokerLoad {
  readonly broker: StageBroker;
  readonly callers: readonly Caller[];
  /** Of each caller. */
  readonly requests: number;
  readonly wantedOf: (node: number, index: number) => Wanted;
}

/** So many requests at a time for each NMI; together fewer than the broker lets wait. */
const atOnce = 4;
const patienceMs = 60_000;
/** An address over its rate gets 429, and its connection is closed. */
const repeatMs = 1_000;

export const namespaceOf = (node: number) => `load-${node}`;

export async function addCaller(stage: Stage, node: number): Promise<Caller> {
  const namespace = namespaceOf(node);
  await stage.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const { object: pod, address } = await stage.runPod({ name: 'load', namespace, node });
  const { pod: agent, token } = await runAgentPod(stage, `nmi-load-${node}`, node);
  // The broker knows an NMI by the address of its pod.
  await setPodStatus(stage.kube, agent, { phase: 'Running', podIP: address });
  return { token, localAddress: address, pod };
}

/** Over kept connections; throws if a token does not come in a minute. */
export async function runBrokerLoad(load: BrokerLoad): Promise<BrokerRun> {
  const { broker, callers, requests } = load;
  const { pid } = broker.service;
  const [cpu, begun] = [cpuMicroseconds(pid), performance.now()];
  const refusals = await Promise.all(callers.map((_, node) => requestAll(load, node)));
  const tokens = requests * callers.length;
  const seconds = (performance.now() - begun) / 1_000;
  return {
    perSecond: tokens / seconds,
    cpuUs: (cpuMicroseconds(pid) - cpu) / tokens,
    refusals: refusals.reduce((sum, count) => sum + count, 0),
  };
}

/** Returns how many requests were refused. */
async function requestAll(
  { broker, callers, requests, wantedOf }: BrokerLoad,
  node: number,
): Promise<number> {
  const caller = at(callers, node);
  const agent = new Agent({
    keepAlive: true,
    localAddress: caller.localAddress,
    rejectUnauthorized: false,
  });
  let [sent, refusals] = [0, 0];
  const work = async () => {
    while (sent < requests) refusals += await obtainToken({ broker, caller, agent }, wantedOf(node, sent++));
  };
  await Promise.all(Array.from({ length: atOnce }, work)).finally(() => agent.destroy());
  return refusals;
}

interface Way extends Pick<BrokerLoad, 'broker'> {
  readonly caller: Caller;
  readonly agent: Agent;
}

/** Returns how often it was refused before. */
async function obtainToken(way: Way, wanted: Wanted): Promise<number> {
  const until = performance.now() + patienceMs;
  for (let refusals = 0; ; refusals += 1) {
    const { status, body } = await requestToken(way, wanted).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
      return { status: 429, body: 'the connection was closed' };
    });
    if (status === 200) return refusals;
    if (performance.now() > until) throw new Error(`the broker responded with ${status}: ${body}`);
    await pause(repeatMs);
  }
}

async function requestToken({ broker, caller, agent }: Way, wanted: Wanted) {
  const { namespace, name, uid } = caller.pod.metadata;
  const sent = request({
    agent,
    host: '127.0.0.1',
    port: broker.port,
    path: '/v1/token',
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${caller.token}` },
  });
  const responded = once(sent, 'response') as Promise<[IncomingMessage]>;
  sent.end(JSON.stringify({ pod: { namespace, name, uid }, tenant: names.tenant, ...wanted }));
  const [response] = await within(patienceMs, 'a response of the broker', responded);
  return { status: response.statusCode, body: await text(response) };
}
