import { readFileSync } from 'node:fs';
import { startOtlpCollector } from '../../packages/kit/src/testing/otlp-collector.ts';
import { inDeploy } from '../stage/places.ts';
import { openStage } from '../stage/stage.ts';
import { sendRaw } from './clients/ask.ts';
const collector = await startOtlpCollector();
for (const env of [{}, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }, {}, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }]) {
  const stage = await openStage({ nodes: 1, env, asDeployed: true });
  await stage.install();
  const mic = await stage.startMic('1');
  const nmi = await stage.startNmi(0);
  for (const file of ['azureidentity', 'azureidentitybinding']) await stage.apply(inDeploy(`demo/${file}.yaml`));
  const pod = await stage.runPod({ name: 'app', node: 0, label: 'demo-app' });
  for (let n = 0; n < 20; n += 1) await sendRaw({ pod, nmi });
  await new Promise((r) => setTimeout(r, 6000));
  const anon = (pid: number) => Number(/^Anonymous:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]) / 1024;
  console.log(Object.keys(env).length ? 'traces' : 'off   ', 'nmi', anon(nmi.service.pid).toFixed(1), 'mic', anon(mic.pid).toFixed(1), 'spans', collector.spans.length);
  await stage.stop();
}
await collector.close();
