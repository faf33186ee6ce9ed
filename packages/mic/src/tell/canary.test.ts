import { expect, test } from 'vitest';
import type { CanarySighting } from '../plan/canary.ts';
import { reportCanary } from './canary.ts';

const daemonSet = { namespace: 'aad-pod-identity', name: 'nmi-canary' };
const sighting = (over: Partial<CanarySighting> = {}): CanarySighting => ({
  node: 'n1',
  state: 'not-ready',
  pod: 'canary-1',
  isAgentReady: true,
  ...over,
});
const textOf = (over: Partial<CanarySighting>, keepsTaint = false) =>
  reportCanary(sighting(over), { daemonSet, keepsTaint }).events[0]?.message ?? '';

test('a report is an Event on the node, and the same line in the log', () => {
  const { events, lines } = reportCanary(sighting(), { daemonSet, keepsTaint: false });
  expect(events).toMatchObject([
    {
      type: 'Warning',
      reason: 'CanaryNotReady',
      involved: { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'n1' },
    },
  ]);
  expect(lines).toEqual([
    {
      level: 'warn',
      fields: { event: 'CanaryNotReady', node: 'n1', pod: 'canary-1' },
      message: events[0]?.message,
    },
  ]);
});

test('a canary that fails beside an NMI that is ready means that calls are led past it; the command shows the reason', () => {
  expect(textOf({})).toMatch(/NMI on this node is ready, but its canary is not: calls of pods do not get/);
  expect(textOf({})).toMatch(/kubectl logs -n aad-pod-identity canary-1$/);
  expect(textOf({ isAgentReady: false })).toContain('and neither is NMI');
});

test('a missing canary names its DaemonSet', () => {
  const { events, lines } = reportCanary(sighting({ state: 'missing', pod: '' }), {
    daemonSet,
    keepsTaint: false,
  });
  expect(events[0]).toMatchObject({
    reason: 'CanaryMissing',
    message: expect.stringContaining('kubectl describe daemonset -n aad-pod-identity nmi-canary') as string,
  });
  expect(lines[0]?.fields).toEqual({ event: 'CanaryMissing', node: 'n1' });
});

test('while the start-up taint waits for it, that is said', () => {
  for (const state of ['not-ready', 'missing'] as const) {
    expect(textOf({ state }, true)).toMatch(
      /The start-up taint of this node stays until the canary is ready$/,
    );
    expect(textOf({ state }, false)).not.toContain('taint');
  }
  expect(textOf({ state: 'ready' }, true)).not.toContain('taint');
});

test('one that is ready again is no warning', () => {
  const { events, lines } = reportCanary(sighting({ state: 'ready' }), { daemonSet, keepsTaint: false });
  expect([events[0]?.type, events[0]?.reason, lines[0]?.level]).toEqual(['Normal', 'CanaryReady', 'info']);
});
