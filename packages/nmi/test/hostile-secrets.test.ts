// 64 Secrets of one namespace, of 0.75 MB each, against NMI's tokens with the heap size of its manifest.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { startSim, type Sim } from '@pod-identity/sim';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { fromSources } from '../../../tools/stage/places.ts';
import type { ServicePrincipal } from '../src/tokens/types.ts';

const fixture = join(import.meta.dirname, 'fixtures', 'token-supply.ts');
const heapOfManifest = ['--max-semi-space-size=2', '--max-old-space-size=64'];
const count = 64;
const size = 750_000;

let sim: Sim;
let kubeconfig: string;
let folder: string;
beforeAll(async () => {
  sim = await startSim();
  folder = await mkdtemp(join(tmpdir(), 'nmi-hostile-'));
  kubeconfig = join(folder, 'config');
  await writeFile(kubeconfig, sim.kube.kubeconfig());
});
afterEach(() => sim.kube.faults.clear());
afterAll(async () => {
  await sim.stop();
  await rm(folder, { recursive: true });
});

/** As base64, which has a third more bytes. */
const dataOf = (entries: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(entries).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
const right = dataOf({ clientSecret: 'right' });
const large = 'x'.repeat((size * 3) / 4);
const many = (entry: (n: number) => object, bytes: number) =>
  Array.from({ length: size / bytes }, (_, n) => entry(n));

interface Shape {
  readonly data: object;
  readonly metadata?: object;
}
const secretWith = ({ data, metadata = {} }: Shape) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { uid: 'u', resourceVersion: '1', ...metadata },
  data,
});
/** The API server answers so for each Secret of the namespace. */
const serve = (namespace: string, shape: Shape) =>
  sim.kube.faults.add({
    match: { path: new RegExp(`/namespaces/${namespace}/secrets/`) },
    then: { status: 200, body: secretWith(shape) },
  });

const subjectOf = (namespace: string, name: string): ServicePrincipal => {
  const clientId = crypto.randomUUID();
  sim.azure.world.addApp({ clientId, secrets: ['right'] });
  return {
    kind: 'service-principal',
    name: `${namespace}/${name}`,
    clientId,
    tenantId: sim.azure.world.defaultTenantId,
    auxiliaryTenantIds: [],
    authority: sim.azure.entraUrl,
    credential: 'secret',
    secret: { namespace, name },
  };
};

/** The outcomes of the process; undefined if it ended without them. */
async function run(hostile: readonly ServicePrincipal[], victim: ServicePrincipal) {
  const child = spawn(process.execPath, [...heapOfManifest, ...fromSources, fixture], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, NODE_EXTRA_CA_CERTS: sim.azure.caFile },
  });
  child.stdin.end(JSON.stringify({ kubeconfig, hostile, victim }));
  const [out, [code, signal]] = (await Promise.all([text(child.stdout), once(child, 'exit')])) as [
    string,
    [number | null, string | null],
  ];
  expect({ code, signal }).toEqual({ code: 0, signal: null });
  return JSON.parse(out) as Record<'hostile' | 'victim', string[]>;
}

const token = 'a token';
const tooLarge = expect.stringMatching(
  /Secret hostile\/app-\d+ of AzureIdentity .*: its key clientSecret has more than 4096 bytes/,
) as string;
it.each<[string, string, Shape]>([
  ['a large key beside the client secret', token, { data: { ...right, ...dataOf({ other: large }) } }],
  ['a large client secret', tooLarge, { data: dataOf({ clientSecret: large }) }],
  [
    'tens of thousands of keys beside the client secret',
    token,
    { data: Object.assign({}, right, ...many((n) => ({ [`k${n}`]: '' }), 12)) as object },
  ],
  [
    'large annotations and managedFields',
    token,
    {
      data: right,
      metadata: {
        annotations: Object.assign({}, ...many((n) => ({ [`a${n}`]: '' }), 24)) as object,
        managedFields: many((n) => ({ manager: `m${n}`, operation: 'Update' }), 84),
      },
    },
  ],
])('64 Secrets with %s end no NMI, and another namespace gets its tokens', async (_, expected, shape) => {
  const hostile = Array.from({ length: count }, (__, n) => subjectOf('hostile', `app-${n}`));
  serve('hostile', shape);
  serve('victim', { data: right });
  const outcomes = await run(hostile, subjectOf('victim', 'app'));
  expect(new Set(outcomes.victim)).toEqual(new Set([token]));
  expect(outcomes.hostile).toEqual(Array.from({ length: count }, () => expected));
});
