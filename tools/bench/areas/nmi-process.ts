// NMI with the settings of its manifest, and the number of lines that it writes.
import { execFile, spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { readManifests } from '../../stage/objects.ts';
import { built, inDeploy } from '../../stage/places.ts';
import { parseLine } from '../../stage/service.ts';
import { within } from '../../stage/within.ts';

export interface Place {
  /** The file of a cgroup to which the ids of its processes are written. */
  readonly cgroup?: string;
}

export interface RunningNmi {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  /** The id of the process that counts its lines. */
  readonly readerPid: number;
  /** The port of /metrics, on all addresses. */
  readonly metricsPort: number;
  /** From the start of the process until /readyz returns 200. */
  readonly startMs: number;
  /** Returns how many lines it wrote since it was ready. */
  stop(): Promise<number>;
}

/** What the manifest sets for the container, apart from what Kubernetes fills in. */
export async function environmentOfManifest(): Promise<Record<string, string>> {
  const [daemonSet] = await readManifests(inDeploy('base/nmi/daemonset.yaml'));
  const { template } = daemonSet?.['spec'] as {
    template: { spec: { containers: { env?: { name: string; value?: string }[] }[] } };
  };
  const variables = template.spec.containers.flatMap(({ env = [] }) => env);
  return Object.fromEntries(
    variables.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
  );
}

const startPatienceMs = 60_000;
const endPatienceMs = 30_000;

/** Requests /readyz without pause: there is no other signal for readiness. */
async function untilReady(url: string, signal: AbortSignal): Promise<void> {
  while ((await fetch(url, { signal })).status !== 200);
}

interface Launched extends RunningNmi {
  readonly children: readonly ChildProcess[];
}

export async function launch(
  place: Place & { readonly folder: string },
  args: readonly string[],
): Promise<Launched> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...(await environmentOfManifest()) };
  const out = await openOutput(place.folder);
  const lines = new Map<string, Readonly<Record<string, unknown>>>();
  const { promise: listening, resolve, reject } = Promise.withResolvers<undefined>();
  out.onLine((line) => {
    const fields = parseLine(line);
    lines.set(String(fields['role'] ?? fields['msg']), fields);
    if (lines.has('listening') && lines.has('health') && lines.has('metrics')) resolve(undefined);
  });
  const begun = performance.now();
  const child = spawnIn(place.cgroup, [process.execPath, built('nmi'), ...args], {
    env,
    stdio: ['ignore', out.descriptor, 'inherit'],
  });
  child.once('exit', (code) => reject(new Error(`NMI ended with ${code ?? 'a signal'}`)));
  const waitedFor = () => `NMI to listen on all its ports; it logged: ${[...lines.keys()].join(', ')}`;
  await within(startPatienceMs, waitedFor, listening).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  const health = `http://127.0.0.1:${String(lines.get('health')?.['port'])}/readyz`;
  await within(startPatienceMs, 'NMI to be ready', untilReady(health, AbortSignal.timeout(startPatienceMs)));
  const startMs = performance.now() - begun;
  const counter = await out.count();
  const ended = once(child, 'close');
  return {
    children: [child, counter.process],
    startMs,
    pid: child.pid ?? 0,
    readerPid: counter.process.pid ?? 0,
    host: String(lines.get('listening')?.['address']),
    port: Number(lines.get('listening')?.['port']),
    metricsPort: Number(lines.get('metrics')?.['port']),
    stop: async () => {
      child.kill();
      await within(endPatienceMs, 'NMI to end after SIGTERM', ended);
      // The last writer of the pipe: the counter ends with it.
      closeSync(out.descriptor);
      return within(endPatienceMs, 'the number of lines that NMI wrote', counter.lines);
    },
  };
}

/** A process joins its cgroup before it executes Node, so that all of its memory is counted there. */
function spawnIn(
  cgroup: string | undefined,
  command: readonly string[],
  options: SpawnOptions,
): ChildProcess {
  const [program = '', ...args] = command;
  if (cgroup === undefined) return spawn(program, args, options);
  return spawn('sh', ['-c', 'echo $$ > "$0" && exec "$@"', cgroup, ...command], options);
}

/** For sed, which counts in its hold space: the three ports begin to listen in any order. */
const untilAllListen = '/listening"/{x;s/$/x/;/^xxx/{x;q};x}';

/**
 * A pipe, as in a container. Its lines are printed until NMI is ready, and only counted after that: a line for each
 * token would slow down the process that measures.
 */
async function openOutput(folder: string) {
  const path = join(folder, `output-${randomUUID()}`);
  await promisify(execFile)('mkfifo', [path]);
  // Open for reading and writing, so that opening does not block.
  const descriptor = openSync(path, 'r+');
  // Readers open it themselves: NMI may make its own end non-blocking, which would apply to a shared one too.
  const reader = spawn('sed', ['-u', untilAllListen, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: reader.stdout });
  const readerEnded = once(reader, 'close');
  return {
    descriptor,
    onLine: (listener: (line: string) => void) => lines.on('line', listener),
    /** From now on, until NMI ends. */
    count: async () => {
      await within(startPatienceMs, 'the last line of NMI that is read', readerEnded);
      const counter = spawn('wc', ['-l', path], { stdio: ['ignore', 'pipe', 'inherit'] });
      const counted = once(createInterface({ input: counter.stdout }), 'line') as Promise<[string]>;
      counted.catch(() => undefined);
      return { process: counter, lines: counted.then(([line]) => parseInt(line, 10)) };
    },
  };
}
