import type { KubeTransport } from '@pod-identity/kit/kube';
import {
  createMetrics,
  keepProbeFile,
  openProbeFile,
  systemClock as clock,
  type Log,
  type Metrics,
  type ProbeFile,
} from '@pod-identity/kit/serve';
import { strangerProblem } from '../access/stranger.ts';
import { keepAdmin } from '../admin.ts';
import { connect } from '../connect.ts';
import type { NmiConfig } from '../config/config.ts';
import { createEntraClient } from '../tokens/principal/entra-client.ts';
import { createEntraHttp } from '../tokens/principal/entra-http.ts';
import { assembleBroker, type Assembled } from './assemble.ts';
import { createRoster, type Roster } from '../broker/roster/roster.ts';
import { startBrokerServer, type BrokerServer } from './server.ts';
import { brokerMetrics } from './reports.ts';
import { readTokenFile } from '../broker/token-file.ts';

/** Agents may still choose this replica for so long after its entry is gone. */
const unknownMs = 3_000;
const drainMs = 15_000;

interface Parts extends Assembled {
  readonly config: NmiConfig;
  readonly log: Log;
  readonly metrics: Metrics<typeof brokerMetrics>;
  readonly transport: KubeTransport;
  readonly file: ProbeFile | undefined;
}

/** Runs until the signal aborts; resolves to the exit code. */
export async function runBroker(
  config: NmiConfig,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
): Promise<number> {
  const file = await openProbeFile(config.probeFile, clock.now());
  const transport = await connect(config);
  const http = createEntraHttp();
  const metrics = createMetrics(brokerMetrics);
  const { cloud, loginHost, assertionFile, agent: account } = config.brokerService;
  const assembled = assembleBroker({
    transport,
    entra: createEntraClient(http, clock),
    account,
    loginHost: loginHost === '' ? cloud.loginHost : loginHost,
    audience: cloud.audience,
    readToken: () => readTokenFile(assertionFile),
    clock,
    random: Math.random,
    log,
    metrics,
  });
  await serve({ ...assembled, config, log, metrics, transport, file }, signal);
  http.close();
  await transport.close();
  return 0;
}

async function serve(parts: Parts, signal: AbortSignal): Promise<void> {
  const { config, log, transport, stranger } = parts;
  const late: { server?: BrokerServer } = {};
  const roster = await createRoster({
    transport,
    clock,
    random: Math.random,
    log,
    pod: config.brokerService.pod,
    port: config.brokerService.port,
    onRenewed: (tls) => late.server?.renew(tls),
  });
  const kept = [stranger.run(signal), keepReports(parts, roster, signal), logCredential(parts)];
  const server = (late.server = await listen(parts, roster));
  await roster.run(signal);
  await clock.sleep(unknownMs);
  await server.close(drainMs);
  await Promise.all(kept);
}

function listen({ config, broker, metrics, log }: Parts, { first }: Roster): Promise<BrokerServer> {
  return startBrokerServer({
    port: config.brokerService.port,
    tls: first,
    broker,
    clock,
    onLimited: (effect) => metrics.count('limited', { effect }),
    onResponse: (response) =>
      metrics.count('responses', { result: response.kind === 'token' ? 'token' : response.code }),
    onCrash: (error) => log.error({ error }, 'request failed'),
  });
}

/** What an administrator must run once for each identity. */
async function logCredential({ assertion, log }: Parts): Promise<void> {
  try {
    const { credential } = await assertion();
    log.info({ command: credential }, 'each identity needs a federated credential for this broker, once');
  } catch (error) {
    log.error({ error }, 'no token can be exchanged before this is corrected');
  }
}

async function keepReports(parts: Parts, roster: Roster, signal: AbortSignal): Promise<void> {
  const { config, log, metrics, file } = parts;
  const problems = async () => {
    const problem = await problemOf(parts, roster);
    metrics.set('ready', problem === undefined ? 1 : 0);
    return problem?.split('\n') ?? [];
  };
  const text = () => metrics.text();
  await Promise.all([
    keepAdmin(config, { log, signal, health: () => 'ok\n', problems, text }),
    keepProbeFile({ file, problems, clock, log }, signal),
  ]);
}

async function problemOf({ stranger, assertion }: Parts, roster: Roster): Promise<string | undefined> {
  const unreadable = await assertion().then(() => undefined, String);
  if (unreadable !== undefined) return unreadable;
  return (
    strangerProblem(stranger.isRefused()) ??
    (roster.isSeen() ? undefined : 'agents do not know this replica yet')
  );
}
