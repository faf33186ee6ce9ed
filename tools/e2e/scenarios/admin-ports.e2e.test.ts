// The ports for probes and metrics, as a pod reaches them.
import { connect, type Socket } from 'node:net';
import { whyOneAddress } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inDeploy } from '../../stage/places.ts';
import { parseLine, type Service } from '../../stage/service.ts';
import { openStage, type Stage, type StageNmi, type StagePod } from '../../stage/stage.ts';
import { within } from '../../stage/within.ts';
import { sendRaw } from '../clients/ask.ts';

let stage: Stage;
let mic: Service;
let nmi: StageNmi;
let victim: StagePod;
let hostile: StagePod;
beforeAll(async () => {
  stage = await openStage({ nodes: 1 });
  await stage.install();
  mic = await stage.startMic('1');
  nmi = await stage.startNmi(0);
  for (const file of ['azureidentity', 'azureidentitybinding'])
    await stage.apply(inDeploy(`demo/${file}.yaml`));
  victim = await stage.runPod({ name: 'victim', node: 0, label: 'demo-app' });
  hostile = await stage.runPod({ name: 'hostile', node: 0 });
});
afterAll(() => stage.stop());

async function portOf(service: Service, wanted: 'health' | 'metrics'): Promise<number> {
  const line = await service.line((text) => {
    const { msg, role } = parseLine(text);
    return msg === 'admin server listening' && role === wanted;
  });
  return Number(parseLine(line)['port']);
}

async function statusAt(host: string, port: number): Promise<string> {
  const socket = connect({ host, port, localAddress: hostile.address });
  socket.end('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  let text = '';
  try {
    for await (const part of socket) text += String(part);
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
  return text.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length);
}

const whySkipped = whyOneAddress();
if (whySkipped !== undefined) console.warn(`the test of the addresses of health is skipped: ${whySkipped}`);
test.skipIf(whySkipped !== undefined)(
  'MIC and NMI serve health on loopback, and on no other address of the node',
  async () => {
    for (const service of [mic, nmi.service]) {
      const port = await portOf(service, 'health');
      expect(await statusAt('127.0.0.1', port)).toBe('200');
      expect(await statusAt(nmi.address, port)).toBe('ECONNREFUSED');
    }
  },
);

test('metrics of MIC and of NMI count the log lines that were dropped', async () => {
  for (const [name, service] of Object.entries({ mic, nmi: nmi.service })) {
    const answer = await fetch(`http://127.0.0.1:${await portOf(service, 'metrics')}/metrics`, {
      signal: AbortSignal.timeout(60_000),
    });
    expect(await answer.text()).toContain(`\naadpodidentity_${name}_lines_lost_total 0\n`);
  }
});

test('forty pipelined connections of a pod get metrics, and another pod gets its tokens', async () => {
  const port = await portOf(nmi.service, 'metrics');
  const attack: Socket[] = [];
  const begun = Promise.withResolvers<undefined>();
  for (let count = 0; count < 40; count += 1) {
    const socket = connect({ host: '127.0.0.1', port, localAddress: hostile.address });
    socket.on('error', () => undefined);
    socket.on('data', () => begun.resolve(undefined));
    socket.on('connect', () => socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(4)));
    attack.push(socket);
  }
  await within(60_000, 'the first metrics of the hostile pod', begun.promise);
  for (let asked = 0; asked < 20; asked += 1) expect((await sendRaw({ pod: victim, nmi })).status).toBe(200);
  for (const socket of attack) socket.destroy();
});
