// NMI on a node of 110 pods: cached tokens a second beside a bare node:http server that answers the same bytes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { inDeploy } from '../../stage/places.ts';
import { openStage, type Stage, type StageNmi, type StagePod } from '../../stage/stage.ts';
import { pathOf } from '../../stage/objects.ts';
import { untilObject } from '../../stage/until.ts';
import { requestsPerSecond } from '../load.ts';
import { residentMiB } from '../process.ts';
import { median, rounded, type Figures } from '../report.ts';

const pods = 110;
const rounds = 5;
const path = '/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net';

export async function benchNmi(say: (text: string) => void): Promise<Figures> {
  const stage = await openStage({ nodes: 1 });
  try {
    return await measure(stage, say);
  } finally {
    await stage.stop();
  }
}

async function measure(stage: Stage, say: (text: string) => void): Promise<Figures> {
  say(`a node with ${pods} pods of one identity`);
  const { nmi, running } = await fillNode(stage);
  const from = running.map(({ address }) => address);
  const bare = await startBareServer(
    await answerOf({ host: nmi.address, port: nmi.port, from: from[0] ?? '' }),
  );
  const load = { from, path, pipelined: 4, requests: 60_000 };
  const askNmi = () => requestsPerSecond({ ...load, host: nmi.address, port: nmi.port });
  const askBare = () => requestsPerSecond({ ...load, host: '127.0.0.1', port: bare.port });
  for (const pid of [nmi.service.pid, bare.pid]) pin(pid, 0);
  pin(process.pid, 1);
  // Warm: every pod's token is cached and both servers' code is compiled.
  await askNmi();
  await askBare();
  const both: { nmi: number; bare: number }[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const rates = { nmi: await askNmi(), bare: await askBare() };
    both.push(rates);
    say(`round ${round}: NMI ${Math.round(rates.nmi)}, bare node:http ${Math.round(rates.bare)} requests/s`);
  }
  const rss = await residentMiB(nmi.service.pid);
  bare.stop();
  const figure = (name: string, value: number, what: string) => ({ name, value: rounded(value), what });
  return [
    figure(
      'cachedRps',
      median(both.map((rates) => rates.nmi)),
      `cached tokens a second, ${pods} pods, one core (median of ${rounds})`,
    ),
    figure(
      'bareHttpRps',
      median(both.map((rates) => rates.bare)),
      'a bare node:http server answering the same bytes, one core',
    ),
    figure(
      'cachedRatio110',
      median(both.map((rates) => rates.nmi / rates.bare)),
      'the two side by side, median of the rounds',
    ),
    figure('rss110MiB', rss, "NMI's resident memory afterwards (MiB)"),
  ];
}

/** A node's worth of pods, each Assigned; MIC is gone afterwards. */
async function fillNode(stage: Stage): Promise<{ nmi: StageNmi; running: readonly StagePod[] }> {
  await stage.install();
  const nmi = await stage.startNmi(0);
  const mic = await stage.startMic('1');
  for (const file of ['azureidentity', 'azureidentitybinding'])
    await stage.apply(inDeploy(`demo/${file}.yaml`));
  const running: StagePod[] = [];
  for (let index = 0; index < pods; index += 1) {
    running.push(await stage.runPod({ name: `pod-${index}`, node: 0, label: 'demo-app' }));
  }
  await assigned(stage, running);
  await mic.stop();
  return { nmi, running };
}

async function assigned(stage: Stage, running: readonly StagePod[]): Promise<void> {
  const collection = pathOf({
    apiVersion: 'aadpodidentity.k8s.io/v1',
    kind: 'AzureAssignedIdentity',
    namespace: 'default',
  });
  const waiting = new Set(running.map(({ object }) => object.metadata.name));
  await untilObject(stage.kube, {
    path: collection,
    fits: (object) => {
      const { pod } = object['spec'] as { pod: string };
      if ((object['status'] as { status?: string } | undefined)?.status === 'Assigned') waiting.delete(pod);
      return waiting.size === 0;
    },
  });
}

/** The whole answer, head and body, of one token request. */
async function answerOf(at: {
  host: string;
  port: number;
  from: string;
}): Promise<{ headers: Record<string, string>; body: string }> {
  const call = request({
    host: at.host,
    port: at.port,
    localAddress: at.from,
    path,
    headers: { Metadata: 'true' },
  }).end();
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  if (response.statusCode !== 200)
    throw new Error(`no token to compare with: ${Buffer.concat(chunks).toString()}`);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (typeof value === 'string' && !['date', 'connection', 'keep-alive'].includes(name))
      headers[name] = value;
  }
  return { headers, body: Buffer.concat(chunks).toString() };
}

async function startBareServer(answer: object): Promise<{ port: number; pid: number; stop(): void }> {
  const program = `
    const { createServer } = require('node:http');
    const { headers, body } = ${JSON.stringify(answer)};
    const server = createServer((request, response) => { response.writeHead(200, headers); response.end(body); });
    server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { port: Number(line), pid: child.pid ?? 0, stop: () => void child.kill() };
}

/** One core each; where taskset is missing the kernel decides. */
function pin(pid: number, core: number): void {
  spawn('taskset', ['-acp', String(core), String(pid)], { stdio: 'ignore' }).on('error', () => undefined);
}
