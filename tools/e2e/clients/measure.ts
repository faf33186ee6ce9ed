// How long each client holds out while an identity does not come: the figures of docs/decisions/0008-pending-status.md.
// Run by hand, with the bundles built: node tools/e2e/clients/measure.ts [HOLD], where HOLD is NMI's --hold, 0s unless given.
import { openStage, type StageNmi } from '../../stage/stage.ts';
import type { Stage } from '../../stage/stage.ts';
import { openHeardPath } from './heard-path.ts';
import {
  identity,
  olderIdentity,
  persistentCurl,
  realClients,
  run,
  type RealClient,
  type Wish,
} from './real-clients.ts';
import { pendingPod } from './scene.ts';

interface Run {
  readonly name: string;
  readonly client: RealClient;
  readonly wish: Wish;
}

const runs: readonly Run[] = [
  ...realClients.map((client) => ({ name: client.name, client, wish: {} })),
  ...[identity, olderIdentity].map((client) => ({
    name: `${client.name}, DefaultAzureCredential`,
    client,
    wish: { credential: 'default' } as const,
  })),
  { name: persistentCurl.name, client: persistentCurl, wish: {} },
];

interface Measured {
  readonly name: string;
  readonly status: string;
  readonly requests: number;
  /** From the first request to the last answer. */
  readonly seconds: string;
  /** Between an answer and the next request, in seconds. */
  readonly pauses: string;
}

async function measure(
  stage: Stage,
  nmi: StageNmi,
  of: Run & { status: string; key: string },
): Promise<Measured> {
  const { pod } = await pendingPod(stage, of.key);
  const path = await openHeardPath({ pod, nmi });
  await run(of.client, of.wish, { url: path.url });
  await path.close();
  const { calls } = path;
  const seconds = (ms: number) => (ms / 1000).toFixed(1);
  const pauses = calls.slice(1).map((call, index) => seconds(call.askedAt - (calls[index]?.answeredAt ?? 0)));
  const lasted = (calls.at(-1)?.answeredAt ?? 0) - (calls[0]?.askedAt ?? 0);
  const { name, status } = of;
  return { name, status, requests: calls.length, seconds: seconds(lasted), pauses: pauses.join(' ') };
}

const hold = process.argv[2] ?? '0s';
const stage = await openStage();
try {
  await stage.install();
  const measured: Measured[] = [];
  for (const status of ['404', '503']) {
    const nmi = await stage.startNmi(0, ['--hold', hold, '--not-assigned-status', status]);
    const all = runs.map((one, index) => measure(stage, nmi, { ...one, status, key: `m${status}-${index}` }));
    measured.push(...(await Promise.all(all)));
  }
  console.table(measured);
} finally {
  await stage.stop();
}
