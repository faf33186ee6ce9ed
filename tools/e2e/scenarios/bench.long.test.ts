// Every area of the benchmark at its smallest size produces each figure; only `npm run bench` measures meaningful values.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';

const bench = fileURLToPath(new URL('../../bench/main.ts', import.meta.url));

const nmiCached = [
  ...['cachedRatio110', 'pipelinedRatio110', 'cachedFlatness', 'newConnectionRatio', 'cachedCpuUs'],
  ...['bareHttpCpuUs', 'pipelinedCpuUs', 'barePipelinedCpuUs', 'cachedRps', 'bareHttpRps', 'pipelinedRps'],
  ...[
    'barePipelinedRps',
    'linesPerToken',
    'missP99Ms',
    'missAddedP50Ms',
    'missAddedP99Ms',
    'proxyAddedP50Ms',
  ],
  ...['proxyAddedP99Ms', 'missAddedOverProxyP50', 'missAddedOverProxyP99', 'rss110MiB'],
  ...['rssAnon110MiB', 'workingSet110MiB', 'rssLoadedMiB', 'rssAnonLoadedMiB', 'workingSetLoadedMiB'],
];

const clientRatios = ['importSpeedup', 'memoryRatio', 'cpuRatio', 'cachedNs'];
const msalRatios = ['importSpeedupMsal', 'memoryRatioMsal', 'cpuRatioMsal'];
const clientCosts = ['importMs', 'memoryMiB', 'cpuMs'];
const imds = [...clientRatios, ...msalRatios, ...clientCosts];

const figures = {
  imds: ['gzipBytes', ...imds, ...imds.map((name) => `${name}Node20`)],
  mic: [
    ...[
      'rss100MiB',
      'rssAnon100MiB',
      'rssMiB',
      'assign100Ms',
      'assign1000Ms',
      'assign10000Ms',
      'cpuPerPodMs',
      'armPatchesPerHost',
    ],
    ...['apiWritesPerPod', 'eventWritesPerPod'],
    ...['largeRssMiB', 'largeLagP99Ms', 'largePassMs', 'largeFillMs'],
  ],
  nmi: [
    ...nmiCached,
    ...['hostileP99Ratio', 'adminAttackP50Ratio', 'hostileSecretP99Ratio', 'hostileSecretLongestMs'],
    ...['hostileColdP99Ms', 'startMs'],
  ],
  'nmi-cached': nmiCached,
};
/** Null if this process cannot create a memory cgroup, or has no Node 20. */
const optional: ReadonlySet<string> = new Set([
  ...['workingSet110MiB', 'workingSetLoadedMiB'],
  ...imds.map((name) => `${name}Node20`),
]);

/** The bench's temporary folder: one that is interrupted leaves nothing of it. */
let place: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'bench-'));
});
afterEach(() => rm(place, { recursive: true, force: true }));

test.each(Object.entries(figures))('the bench of %s runs and has every figure', async (area, names) => {
  const run = promisify(execFile)(process.execPath, [bench, area, '--json', '--smoke'], {
    timeout: 230_000,
    env: { ...process.env, TMPDIR: place },
  });
  const { stdout } = await run;
  const measured = JSON.parse(stdout) as Record<string, unknown>;
  expect(Object.keys(measured)).toEqual(names);
  const missing = names.filter((name) => typeof measured[name] !== 'number' && !optional.has(name));
  expect(missing).toEqual([]);
});
