import { createMetrics } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import type { AgentView } from '../snapshot/views.ts';
import type { AgentWatch } from '../snapshot/watch/agent-watch.ts';
import type { Report } from '../tell/events.ts';
import { micMetrics } from '../tell/metrics.ts';
import { keepCanaryReports, showCanaries } from './canary-reports.ts';

const daemonSet = { namespace: 'aad-pod-identity', name: 'nmi-canary' };
const podOn = (nodeName: string, isReady = true): AgentView => ({
  name: `pod-${nodeName}`,
  nodeName,
  createdAt: 0,
  ending: false,
  ...(isReady && { readyAt: 1 }),
});
const watchOf = (state: { pods: readonly AgentView[]; hasSynced: boolean }): AgentWatch => ({
  run: () => Promise.resolve(),
  hasSynced: () => state.hasSynced,
  all: () => state.pods,
  on: () => [],
  onChange: () => () => undefined,
});

function setUp(nodes: readonly string[], now?: () => number) {
  const clock = createFakeClock();
  const ending = new AbortController();
  const reports: Report[] = [];
  const agents = { pods: nodes.map((node) => podOn(node)), hasSynced: true };
  const canaries = { pods: nodes.map((node) => podOn(node)), hasSynced: true };
  const pods = { agents: watchOf(agents), canaries: watchOf(canaries) };
  const ended = keepCanaryReports({
    pods,
    daemonSet,
    keepsTaint: (node) => node === 'tainted',
    publisher: { publish: (report) => void reports.push(report) },
    term: { signal: ending.signal, holds: () => true },
    clock: { ...clock, now: now ?? (() => clock.now()) },
  });
  const told = () => reports.map(({ events: [event] }) => `${event?.involved.name} ${event?.reason}`);
  return { clock, reports, told, agents, canaries, pods, ended, end: () => ending.abort() };
}

test('a canary that fails for a while is reported once, and so is its return', async () => {
  const { clock, canaries, told, end, ended } = setUp(['n1', 'n2']);
  await clock.advance(120_000);
  expect(told()).toEqual([]);
  canaries.pods = [podOn('n1', false), podOn('n2')];
  await clock.advance(30_000);
  expect(told()).toEqual([]);
  await clock.advance(300_000);
  expect(told()).toEqual(['n1 CanaryNotReady']);
  canaries.pods = [podOn('n1'), podOn('n2')];
  await clock.advance(5_000);
  expect(told()).toEqual(['n1 CanaryNotReady', 'n1 CanaryReady']);
  end();
  await ended;
  expect(clock.pending).toBe(0);
});

test('a short failure is not reported because the clock of the machine is set', async () => {
  let wall = 0;
  const { clock, canaries, told } = setUp(['n1'], () => wall);
  await clock.advance(5_000);
  canaries.pods = [podOn('n1', false)];
  await clock.advance(10_000);
  wall = 3_600_000;
  await clock.advance(10_000);
  expect(told()).toEqual([]);
  wall = 0;
  await clock.advance(30_000);
  expect(told()).toEqual(['n1 CanaryNotReady']);
});

test('pods that are not listed yet are not missing', async () => {
  const { clock, canaries, agents, told } = setUp(['tainted']);
  Object.assign(canaries, { pods: [], hasSynced: false });
  await clock.advance(300_000);
  Object.assign(agents, { hasSynced: false });
  canaries.hasSynced = true;
  await clock.advance(300_000);
  expect(told()).toEqual([]);
  agents.hasSynced = true;
  await clock.advance(40_000);
  expect(told()).toEqual(['tainted CanaryMissing']);
});

test('the text says whether the start-up taint waits', async () => {
  const { clock, canaries, reports } = setUp(['tainted', 'n1']);
  canaries.pods = [];
  await clock.advance(40_000);
  expect(reports.map(({ events: [event] }) => event?.message.includes('start-up taint'))).toEqual([
    true,
    false,
  ]);
});

test('when all canaries fail at once, the reports come a few at a time, each of them once', async () => {
  const nodes = Array.from({ length: 200 }, (_, index) => `n${index}`);
  const { clock, canaries, told } = setUp(nodes);
  canaries.pods = [];
  await clock.advance(39_000);
  expect(told()).toHaveLength(50);
  await clock.advance(5_000);
  expect(told()).toHaveLength(55);
  await clock.advance(600_000);
  expect(told().sort()).toEqual(nodes.map((node) => `${node} CanaryMissing`).sort());
});

test('the leader counts nodes by the state of their canary; without canaries there are no numbers', async () => {
  const { canaries, agents, pods } = setUp(['n1', 'n2', 'n3']);
  canaries.pods = [podOn('n1'), podOn('n2', false)];
  const metrics = createMetrics(micMetrics);
  showCanaries({ agents: pods.agents, canaries: undefined }, true, metrics);
  expect(await metrics.text()).not.toContain('canary_nodes{');
  const counts = async (isLeading: boolean) => {
    showCanaries(pods, isLeading, metrics);
    return [...(await metrics.text()).matchAll(/canary_nodes\{state="([\w-]+)"\} (\d+)/g)].map(
      ([, state, count]) => `${state} ${count}`,
    );
  };
  expect(await counts(true)).toEqual(['ready 1', 'not-ready 1', 'missing 1']);
  expect(await counts(false)).toEqual(['ready 0', 'not-ready 0', 'missing 0']);
  agents.hasSynced = false;
  expect(await counts(true)).toEqual(['ready 0', 'not-ready 0', 'missing 0']);
});
