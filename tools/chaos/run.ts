// One run: operations, faults and token requests, all at the same time; then recovery, and the judges.
import { setTimeout as delay } from 'node:timers/promises';
import { judge, notesBefore } from './judge/judge.ts';
import type { Violation } from './judge/history.ts';
import { slowRecovery } from './judge/limits.ts';
import { makePlan, type Plan } from './plan/plan.ts';
import { createRandom } from './plan/random.ts';
import { nmiNodes, probeNamespace } from './plan/scene.ts';
import type { Recovery } from './recovery.ts';
import type { Report } from './report.ts';
import { identityIdOf } from './world/azure.ts';
import { converge, liftAll } from './world/converge.ts';
import { measures } from './world/measure.ts';
import { createOperator, type Operator } from './world/operate.ts';
import { passFault } from './world/pass.ts';
import { recordResources } from './world/resources.ts';
import { runPod } from './world/pods.ts';
import { untilAnswer } from './world/probes.ts';
import { requestTokens } from './world/prober.ts';
import { createRoles } from './world/rights.ts';
import { openWorld, residentBinding, residentPod, type World } from './world/world.ts';

export interface RunOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly onLine: (service: string, line: string) => void;
  readonly say: (text: string) => void;
}

const drainMs = 500;
/** Update budgets of hosts and quarantines of refused identities take the longest. */
const convergenceMs = 240_000;
const shownBefore = 25;

export async function run(options: RunOptions): Promise<Report> {
  const plan = makePlan(options.seed, options.minutes * 60_000);
  const world = await openWorld({ ...options, ...plan });
  const draining = setInterval(() => world.recorder.drain(), drainMs);
  try {
    return await play(world, plan, options);
  } finally {
    clearInterval(draining);
    await world.stop();
  }
}

async function play(world: World, plan: Plan, options: RunOptions): Promise<Report> {
  const operator = createOperator(world);
  await createRoles(world);
  await settleResidents(world);
  options.say(`seed ${plan.seed}, mode ${plan.mode}: the residents have their tokens, the chaos begins`);
  const quiet = new AbortController();
  const asking = requestTokens(world, createRandom(plan.seed), quiet.signal);
  const endsAt = performance.now() + plan.durationMs;
  const [found] = await Promise.all([
    measureFaults(world, plan, options.say),
    takeSteps(plan, operator),
    Promise.all(plan.passing.map((fault) => later(fault.at, () => passFault(world, fault, endsAt)))),
  ]);
  await operator.settled();
  await liftAll(world);
  options.say('all faults are lifted; waiting until all is as wanted');
  const { left, ms } = await converge(world, convergenceMs);
  quiet.abort();
  await asking;
  await recordResources(world);
  const late = left.map((what): Violation => ({ at: Date.now(), rule: 'convergence', what }));
  return reportOf(world, plan, { ...found, convergenceMs: ms, late });
}

async function settleResidents(world: World): Promise<void> {
  for (const node of nmiNodes) {
    const names = [residentPod(node), `keeper-${node}`];
    for (const name of names) {
      const label = name === residentPod(node) ? residentBinding(node) : name;
      const account = name === residentPod(node) ? name : 'keeper';
      await runPod(world, { namespace: probeNamespace, name, node, label, account });
    }
    await untilAnswer(world, { node }, (status) => status === 200);
  }
  world.recorder.note(`${identityIdOf('resident')} is on every machine with an NMI`);
}

async function later(ms: number, task: () => Promise<void>): Promise<void> {
  await delay(ms);
  await task();
}

async function takeSteps({ steps }: Plan, operator: Operator): Promise<void> {
  const begun = performance.now();
  for (const { at, operation } of steps) {
    await delay(Math.max(0, at - (performance.now() - begun)));
    await operator.operate(operation);
  }
}

interface Found {
  readonly recoveries: readonly Recovery[];
  readonly failures: readonly Violation[];
}

async function measureFaults(world: World, { measured }: Plan, say: (text: string) => void): Promise<Found> {
  const recoveries: Recovery[] = [];
  const failures: Violation[] = [];
  for (const fault of measured) {
    world.recorder.note(`fault ${JSON.stringify(fault)}`);
    const over = world.recorder.fault(fault.kind);
    try {
      const ms = await measures[fault.kind](world, fault);
      recoveries.push({ kind: fault.kind, ms });
      world.recorder.note(`${fault.kind} overcome after ${ms} ms`);
      say(`${fault.kind}: ${ms} ms`);
      const what = slowRecovery({ kind: fault.kind, ms });
      if (what !== undefined) failures.push({ at: Date.now(), rule: 'recovery', what });
    } catch (error) {
      const what = `${fault.kind} was not overcome: ${error instanceof Error ? error.message : String(error)}`;
      failures.push({ at: Date.now(), rule: 'recovery', what });
      say(what);
    } finally {
      over();
    }
  }
  return { recoveries, failures };
}

function reportOf(
  world: World,
  plan: Plan,
  found: Found & { readonly convergenceMs: number; readonly late: readonly Violation[] },
): Report {
  const history = world.recorder.history();
  const violations = [...judge(history), ...found.failures, ...found.late].sort((a, b) => a.at - b.at);
  return {
    seed: plan.seed,
    minutes: plan.durationMs / 60_000,
    operations: plan.steps.length,
    faults: plan.measured.length + plan.passing.length,
    strikes: history.strikes.map(({ kind, hits }) => ({ kind, hits })),
    answers: history.asks.length,
    tokens: history.asks.filter(({ token }) => token !== undefined).length,
    reused: history.asks.filter(({ reused }) => reused).length,
    resources: history.resources,
    convergenceMs: found.convergenceMs,
    recoveries: found.recoveries,
    violations: violations.map((one) => ({ ...one, history: notesBefore(history, one, shownBefore) })),
  };
}
