// One run on a cluster that was given: look, install, test, and remove in any case.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { join } from 'node:path';
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { repository } from '../../stage/places.ts';
import { describeState } from './describe-state.ts';
import { environmentOf, type Given } from './given.ts';
import { install, reasonOf } from './install.ts';
import { look } from './look.ts';
import { describeEffects, describeNeeds, nodesForMic, problemsOf, skipped, type Seen } from './needs.ts';
import { pinKubeconfig } from './pinned.ts';
import { removeAll } from './removal.ts';

interface PlayOptions {
  /** Those of an earlier run of this command. */
  readonly removeLeftovers: boolean;
  /** Its reason is the name of a signal of the system. */
  readonly signal: AbortSignal;
}

const say = (line: string) => console.error(line);

/** Returns the exit code. */
export async function play(given: Given, options: PlayOptions): Promise<number> {
  say('This run needs:');
  for (const line of describeNeeds(given)) say(`- ${line}`);
  for (const line of [...describeEffects(given), ...skipped(given)]) say(line);
  const missing = whyNoPrograms({ programs: ['kubectl'] });
  if (missing !== undefined) return refuse([missing]);
  try {
    const pinned = await pinKubeconfig(given.kubeconfig);
    say(`The cluster: ${pinned.cluster}.`);
    return await playPinned({ ...given, kubeconfig: pinned.kubeconfig }, options).finally(() =>
      pinned.remove(),
    );
  } catch (error) {
    return refuse([reasonOf(error)]);
  }
}

async function playPinned(given: Given, options: PlayOptions): Promise<number> {
  let kube: KubeTransport | undefined;
  try {
    kube = await connectKube({ kubeconfig: given.kubeconfig, userAgent: 'pod-identity-e2e' });
    const seen = await prepare(kube, given, options);
    return 'problems' in seen
      ? refuse(seen.problems)
      : await playOn(kube, { given, seen, signal: options.signal });
  } catch (error) {
    if (!options.signal.aborted) return refuse([reasonOf(error)]);
    say(`Stopped by ${String(options.signal.reason)}.`);
    return codeOf(options.signal);
  } finally {
    await kube?.close();
  }
}

function refuse(problems: readonly string[]): number {
  for (const problem of problems) say(`Not begun: ${problem}`);
  return 1;
}

async function prepare(
  kube: KubeTransport,
  given: Given,
  { removeLeftovers, signal }: PlayOptions,
): Promise<Seen | { readonly problems: readonly string[] }> {
  const first = await look(kube, signal);
  const hasForeign = first.existing.some(({ isLeftover }) => !isLeftover);
  const isToBeCleared = removeLeftovers && first.existing.length > 0 && !hasForeign;
  if (isToBeCleared) {
    say('Removing what an earlier run left …');
    for (const problem of await removeAll({ kube, given, say })) say(problem);
  }
  const seen = isToBeCleared ? await look(kube, signal) : first;
  const problems = problemsOf(seen, given);
  return problems.length > 0 ? { problems } : seen;
}

interface Playing {
  readonly given: Given;
  readonly seen: Seen;
  readonly signal: AbortSignal;
}

async function playOn(kube: KubeTransport, { given, seen, signal }: Playing): Promise<number> {
  const nodes = nodesForMic(seen);
  const hasPassed = await install({ kube, given, nodes, say, signal })
    .then(() => runTests(given, signal))
    .catch((error: unknown) => {
      if (!signal.aborted) say(`Failed: ${reasonOf(error)}`);
      return false;
    });
  if (signal.aborted) say(`Stopped by ${String(signal.reason)}.`);
  else if (!hasPassed) say(await describeState(given));
  const isRemoved = await isAllRemoved(kube, given);
  if (signal.aborted) return codeOf(signal);
  return hasPassed && isRemoved ? 0 : 1;
}

async function isAllRemoved(kube: KubeTransport, given: Given): Promise<boolean> {
  say('Removing everything that this run created …');
  try {
    const left = await removeAll({ kube, given, say });
    if (left.length === 0) say('Everything is removed.');
    else say('Not all is removed. With the same context, --remove-leftovers goes on with it:');
    for (const line of left) say(`- ${line}`);
    return left.length === 0;
  } catch (error) {
    say(`Not all is removed: ${reasonOf(error)}. With the same context, --remove-leftovers goes on with it.`);
    return false;
  }
}

/** As a shell tells it of a program that a signal has ended. */
const codeOf = ({ reason }: AbortSignal): number => 128 + constants.signals[reason as NodeJS.Signals];

const patienceMs = 15_000;

async function runTests(given: Given, signal: AbortSignal): Promise<boolean> {
  signal.throwIfAborted();
  // In a process group of its own: this program ends it, and Ctrl-C of a terminal does not.
  const child = spawn(
    join(repository, 'node_modules/.bin/vitest'),
    ['run', '--project', 'e2e', '--root', repository],
    {
      cwd: repository,
      env: { ...process.env, ...environmentOf(given) },
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    },
  );
  let timer: NodeJS.Timeout | undefined;
  const end = () => {
    endGroup(child.pid, 'SIGTERM');
    timer = setTimeout(() => endGroup(child.pid, 'SIGKILL'), patienceMs);
  };
  signal.addEventListener('abort', end, { once: true });
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code === 0;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}

function endGroup(leader: number | undefined, by: 'SIGTERM' | 'SIGKILL'): void {
  try {
    if (leader !== undefined) process.kill(-leader, by);
  } catch {
    // It has ended.
  }
}
