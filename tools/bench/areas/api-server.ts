// The rate at which a real API server accepts writes of AzureAssignedIdentities, and the processor time of it and its etcd. They share
// the cores of this machine with the client; the processor time for each write depends on that less than the rate.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { connectKube } from '@pod-identity/kit/kube';
import { startApiServer, type ApiServerFlavour } from '@pod-identity/kit/testing';
import { established } from '../../stage/cluster.ts';
import { applyObject, readManifests } from '../../stage/objects.ts';
import { inDeploy } from '../../stage/places.ts';
import { ApiWriter } from '../api-writer.ts';
import { cpuMicroseconds } from '../process.ts';
import { quantile, rounded, type Figures } from '../report.ts';
import type { Scale } from '../scale.ts';

const flavours: readonly ApiServerFlavour[] = ['v1.20', 'v1.36'];
/** Writes at a time; MIC has 16 connections. */
const concurrencies = [1, 10, 16, 50, 100] as const;
const writes: Readonly<Record<Scale, (concurrency: number) => number>> = {
  full: (concurrency) => Math.max(200, concurrency * 10),
  smoke: () => 4,
};

const warmUps: Readonly<Record<Scale, number>> = { full: 300, smoke: 4 };

export async function benchApiServer(say: (text: string) => void, scale: Scale): Promise<Figures> {
  const figures: Figures[] = [];
  for (const flavour of flavours) {
    const server = await startApiServer({ flavour });
    if ('skipped' in server) {
      say(server.skipped);
      continue;
    }
    try {
      const folder = dirname(server.kubeconfig);
      await installDefinitions(server.kubeconfig);
      using writer = await openWriter(server.server, folder);
      // Warms up the server and this client.
      for (const kind of ['create', 'delete'] as const)
        await writer.run({ kind, first: 0, count: warmUps[scale], concurrency: 16 });
      for (const concurrency of concurrencies)
        figures.push(
          await measure({ writer, flavour, folder, concurrency, count: writes[scale](concurrency), say }),
        );
    } finally {
      await server.stop();
    }
  }
  return figures.flat();
}

async function installDefinitions(kubeconfig: string): Promise<void> {
  const kube = await connectKube({ kubeconfig, userAgent: 'pod-identity-bench' });
  try {
    for (const definition of await readManifests(inDeploy('crds'))) await applyObject(kube, definition);
    await established(kube);
  } finally {
    await kube.close();
  }
}

async function openWriter(server: string, folder: string): Promise<ApiWriter> {
  const read = (name: string) => readFile(join(folder, 'pki', name), 'utf8');
  return new ApiWriter(server, {
    ca: await read('ca.crt'),
    cert: await read('admin.crt'),
    key: await read('admin.key'),
  });
}

interface Measurement {
  readonly writer: ApiWriter;
  readonly flavour: string;
  readonly folder: string;
  readonly concurrency: number;
  readonly count: number;
  readonly say: (text: string) => void;
}

async function measure({ writer, flavour, folder, concurrency, count, say }: Measurement): Promise<Figures> {
  const pid = (name: string) => Number.parseInt(readFileSync(join(folder, 'run', `${name}.pid`), 'utf8'), 10);
  const cpu = () => ({ server: cpuMicroseconds(pid('api-server')), etcd: cpuMicroseconds(pid('etcd')) });
  const figures = [];
  for (const kind of ['create', 'replace', 'patch'] as const) {
    const before = cpu();
    const begun = performance.now();
    const times = await writer.run({ kind, first: concurrency * 10_000, count, concurrency });
    const seconds = (performance.now() - begun) / 1000;
    const after = cpu();
    const each = (used: number) => rounded(used / 1000 / count);
    const name = `${flavour}/${kind}/${concurrency}`;
    const what = [
      `writes a second, ${concurrency} at a time`,
      `p50 ${rounded(quantile(times, 0.5))} ms, p99 ${rounded(quantile(times, 0.99))} ms`,
      `processor time for each ${each(after.server - before.server)} ms of the API server, ${each(after.etcd - before.etcd)} of etcd`,
    ].join('; ');
    figures.push({ name, value: rounded(count / seconds), what });
    say(`${name}: ${rounded(count / seconds)} ${what}`);
  }
  return figures;
}
