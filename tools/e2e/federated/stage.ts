// A stage with the broker: NMI and broker as processes with the rights of deploy/ alone, and tokens that a real API server bound to their pods.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startApiServer, type RunningApiServer } from '@pod-identity/kit/testing';
import { discoverKeysAt } from '@pod-identity/sim';
import { parse } from 'yaml';
import {
  audience,
  brokerNamespace,
  brokerParts,
  brokerSubject,
  requestToken,
  runBrokerPod,
  runSystemPod,
  type TokenSpec,
} from '../../stage/broker.ts';
import * as names from '../../stage/names.ts';
import type { KubeObject } from '../../stage/objects.ts';
import { built, inDeploy } from '../../stage/places.ts';
import { untilGranted } from '../../stage/rights.ts';
import { parseLine, type Service } from '../../stage/service.ts';
import type { BrokerOptions, NmiPlace } from '../../stage/programs.ts';
import { openStage, type Stage, type StageNmi, type StageOptions } from '../../stage/stage.ts';
import { runProgram, type Ended } from '../access/commands.ts';
import { openReviewProxy, type ReviewProxy } from '../access/review-proxy.ts';

export interface StageBroker {
  readonly service: Service;
  readonly pod: KubeObject;
  readonly port: number;
  /** `nmi check-federated`, as `kubectl exec` runs it in this pod. */
  check(...words: readonly string[]): Promise<Ended>;
}

export interface BrokeredNmi extends StageNmi {
  /** To which its token for the broker is bound. */
  readonly pod: KubeObject;
  readonly token: string;
  /** From which NMI reads it each time. */
  readonly tokenFile: string;
}

export interface FederatedStage {
  readonly stage: Stage;
  readonly api: RunningApiServer;
  /** Between each of them and the API server. */
  readonly proxies: { readonly broker: ReviewProxy; readonly nmi: ReviewProxy };
  /** @param preload A module that Node.js loads before the broker. */
  startBroker(name: string, preload?: string): Promise<StageBroker>;
  startNmi(node: number, args?: readonly string[]): Promise<BrokeredNmi>;
  tokenFor(spec: TokenSpec): Promise<string>;
  stop(): Promise<void>;
}

export async function openFederatedStage(
  flavour: 'v1.20' | 'v1.34',
  azure: NonNullable<StageOptions['azure']> = {},
): Promise<FederatedStage> {
  const api = await startApiServer({ flavour });
  if ('skipped' in api) throw new Error(api.skipped);
  const fetchIssuerKeys = discoverKeysAt({ url: api.server, ca: await authorityOf(api.kubeconfig) });
  const { kubeconfig } = api;
  const proxies = { broker: await openReviewProxy(kubeconfig), nmi: await openReviewProxy(kubeconfig) };
  const stage = await openStage({
    kubeconfig,
    serverOfServices: proxies.nmi.url,
    azure: { fetchIssuerKeys, ...azure },
  });
  await stage.install();
  await untilGranted(stage.kube, await installBroker(stage));
  const { world } = stage.sim.azure;
  for (const { clientId } of [names.firstIdentity, names.secondIdentity])
    world.addFederatedCredential(clientId, { issuer: api.server, subject: brokerSubject });

  const tokenFor = (spec: TokenSpec) => requestToken(stage.kube, spec);
  return {
    stage,
    api,
    proxies,
    tokenFor,
    startBroker: (name, preload) => startBroker({ stage, name, server: proxies.broker.url, preload }),
    startNmi: (node, args = []) => startBrokeredNmi(stage, node, ['--operation-mode', 'managed', ...args]),
    async stop() {
      await stage.stop();
      await Promise.all([proxies.broker.stop(), proxies.nmi.stop()]);
      await api.stop();
    },
  };
}

/** Namespace, roles and the ConfigMap of the replicas; returns what was created. */
export async function installBroker(stage: Stage): Promise<KubeObject[]> {
  const parts: KubeObject[] = [];
  for (const file of brokerParts) parts.push(...(await stage.apply(inDeploy(file))));
  return parts;
}

export async function startBrokeredNmi(
  stage: Stage,
  place: number | NmiPlace,
  args: readonly string[] = [],
): Promise<BrokeredNmi> {
  const node = typeof place === 'number' ? place : place.position - 1;
  const { pod, token } = await runAgentPod(stage, `nmi-${node}`, node);
  const tokenFile = join(stage.folder, `nmi-${node}.token`);
  await writeFile(tokenFile, token);
  const own = ['--broker', brokerNamespace, '--broker-token-file', tokenFile];
  return { ...(await stage.startNmi(place, [...own, ...args])), pod, token, tokenFile };
}

/** A pod of NMI, and its token for the broker. */
export async function runAgentPod(
  stage: Stage,
  name: string,
  node: number,
): Promise<Pick<BrokeredNmi, 'pod' | 'token'>> {
  const pod = await runSystemPod(stage, { name, account: 'nmi', node });
  return { pod, token: await requestToken(stage.kube, { account: `${names.systemNamespace}/nmi`, pod }) };
}

interface BrokerStart extends BrokerOptions {
  readonly stage: Stage;
  readonly name: string;
}

export async function startBroker({ stage, name, ...options }: BrokerStart): Promise<StageBroker> {
  const pod = await runBrokerPod(stage, name);
  const account = `${brokerNamespace}/broker`;
  const assertion = await requestToken(stage.kube, { account, audience: audience.ofEntra, pod });
  const { service, port, loginArgs } = await stage.startBroker({ pod, assertion, ...options });
  const isHealth = (line: string) => parseLine(line)['role'] === 'health';
  const { port: probePort } = parseLine(await service.line(isHealth));
  const own = [...loginArgs, '--http-probe-port', String(probePort)];
  const env = { NODE_EXTRA_CA_CERTS: stage.sim.azure.caFile };
  const check = (...words: readonly string[]) =>
    runProgram(process.execPath, [built('nmi'), 'check-federated', ...words, ...own], { env });
  return { service, pod, port, check };
}

/** Of the API server's certificate, as PEM. */
async function authorityOf(kubeconfig: string): Promise<string> {
  const { clusters } = parse(await readFile(kubeconfig, 'utf8')) as {
    readonly clusters: readonly { readonly cluster: { readonly 'certificate-authority-data': string } }[];
  };
  return Buffer.from(clusters[0]?.cluster['certificate-authority-data'] ?? '', 'base64').toString();
}
