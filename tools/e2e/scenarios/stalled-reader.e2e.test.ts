// A log collector that hangs: the standard output of NMI, which at level debug writes a line for each request, is not read.
import { whyOneAddress } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, expect, test as plainTest } from 'vitest';
import { Agent, get, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { inDeploy } from '../../stage/places.ts';
import { parseLine, type Service } from '../../stage/service.ts';
import { openStage, type Stage, type StageNmi, type StagePod } from '../../stage/stage.ts';
import { within } from '../../stage/within.ts';

const whySkipped = whyOneAddress();
if (whySkipped !== undefined) console.warn(`stalled-reader is skipped: ${whySkipped}`);
const test = plainTest.skipIf(whySkipped !== undefined);

const path = '/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net';
const patienceMs = 30_000;
/** Far more lines than the kernel and NMI buffer. */
const mostTokens = 20_000;
const betweenLooks = 500;
const atOnce = 10;

let stage: Stage;
let nmi: StageNmi;
let pod: StagePod;
let metrics: string;
beforeAll(async () => {
  stage = await openStage({ nodes: 1, asDeployed: true });
  await stage.install();
  const mic = await stage.startMic('1');
  nmi = await stage.startNmi(0, ['--pod-requests-per-second', '0', '--log-level', 'debug']);
  for (const file of ['azureidentity', 'azureidentitybinding'])
    await stage.apply(inDeploy(`demo/${file}.yaml`));
  pod = await stage.runPod({ name: 'eager', node: 0, label: 'demo-app' });
  metrics = `http://127.0.0.1:${await metricsPort(nmi.service)}/metrics`;
  const agent = new Agent({ keepAlive: true });
  expect(await askOver(agent)).toBe(200);
  agent.destroy();
  await mic.stop();
});
afterAll(() => stage.stop());

async function metricsPort(service: Service): Promise<number> {
  const line = await service.line((text) => parseLine(text)['role'] === 'metrics');
  return Number(parseLine(line)['port']);
}

async function askOver(agent: Agent): Promise<number> {
  const target = { host: nmi.address, port: nmi.port, localAddress: pod.address, agent, path };
  const call = get({ ...target, headers: { Metadata: 'true' } });
  const answered = once(call, 'response') as Promise<[IncomingMessage]>;
  const [response] = await within(patienceMs, 'a token while nobody reads what NMI writes', answered);
  await once(response.resume(), 'end');
  return response.statusCode ?? 0;
}

/** The value of the metric. */
async function linesLost(): Promise<number> {
  const answer = await fetch(metrics, { signal: AbortSignal.timeout(patienceMs) });
  return Number(/^aadpodidentity_nmi_lines_lost_total (\d+)$/m.exec(await answer.text())?.[1]);
}

/** Sends requests until lines are lost, and then as many again; returns how many. */
async function askUntilLost(): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  let [asked, more] = [0, Infinity];
  while (more > 0 && asked < mostTokens) {
    const statuses = await Promise.all(Array.from({ length: betweenLooks }, () => askOver(agent)));
    expect(new Set(statuses)).toEqual(new Set([200]));
    asked += betweenLooks;
    more = more === Infinity && (await linesLost()) > 0 ? asked : more - betweenLooks;
  }
  agent.destroy();
  return asked;
}

const linesIn = (lines: readonly string[], message: string) =>
  lines.map(parseLine).filter(({ msg }) => msg === message);

test('pods get tokens while the output of NMI is not read; each line is written later, or counted as lost', async () => {
  const before = linesIn(nmi.service.lines, 'answered').length;
  const resume = nmi.service.stall();
  const asked = await askUntilLost();
  expect(await linesLost()).toBeGreaterThan(0);
  resume();
  const told = await nmi.service.logged(
    'lines of this log were lost before this one: whoever reads standard output was behind',
  );
  expect(told).toMatchObject({ level: 'warn' });
  const lost = Number(told['lines']);
  // The text of metrics is cached for a second, so it may be older than the line.
  await expect.poll(linesLost).toBe(lost);
  await nmi.service.stop();
  expect(linesIn(nmi.service.lines, 'answered').length - before).toBe(asked - lost);
  expect(linesIn(nmi.service.lines, 'token issued')).toHaveLength(1);
});
