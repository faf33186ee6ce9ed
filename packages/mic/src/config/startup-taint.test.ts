import { expect, test } from 'vitest';
import { readMicConfig } from './config.ts';

const key = 'aadpodidentity.k8s.io/nmi-not-ready';
const inOwn = { MIC_POD_NAMESPACE: 'aad-pod-identity' };
const nmi = { namespace: 'aad-pod-identity', name: 'nmi' };
const canary = { namespace: 'aad-pod-identity', name: 'nmi-canary' };

const read = (argv: readonly string[], env: Readonly<Record<string, string>> = inOwn) =>
  readMicConfig({ argv, env, hostname: 'mic-0' });
const nodesOf = (...from: Parameters<typeof read>) => {
  const reading = read(...from);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  const { startupTaint, nmi, canary } = reading.config;
  return { startupTaint, nmi, canary };
};

test.each([
  ['the taint waits for NMI of the own namespace', [], { startupTaint: { key, waitsFor: 'nmi' }, nmi }],
  ['without taint no pods are looked at', ['--startup-taint='], {}],
  [
    'a canary is looked at without the taint, too',
    ['--startup-taint=', '--canary-daemonset=aad-pod-identity/nmi-canary'],
    { canary, nmi },
  ],
  [
    'the taint waits for the canary only if that is said',
    ['--canary-daemonset=aad-pod-identity/nmi-canary'],
    { startupTaint: { key, waitsFor: 'nmi' }, canary, nmi },
  ],
  [
    'the taint waits for the canary',
    ['--canary-daemonset=aad-pod-identity/nmi-canary', '--startup-taint-waits-for=canary'],
    { startupTaint: { key, waitsFor: 'canary' }, canary, nmi },
  ],
])('%s', (_, argv, expected) => {
  expect(nodesOf(argv)).toEqual(expected);
});

test('in the namespace default the taint stays until NMI is named; canaries are looked at all the same', () => {
  expect(nodesOf([], {})).toEqual({});
  const named = { namespace: 'default', name: 'nmi' };
  expect(nodesOf(['--nmi-daemonset=default/nmi'], {})).toEqual({
    startupTaint: { key, waitsFor: 'nmi' },
    nmi: named,
  });
  expect(nodesOf(['--canary-daemonset=aad-pod-identity/nmi-canary'], {})).toEqual({ canary, nmi: named });
});

test.each([
  ['--canary-daemonset=nmi-canary', '--canary-daemonset must be NAMESPACE/NAME, not "nmi-canary"'],
  ['--nmi-daemonset=a/b/c', '--nmi-daemonset must be NAMESPACE/NAME, not "a/b/c"'],
  ['--startup-taint-waits-for=canary', 'needs --canary-daemonset'],
  ['--startup-taint-waits-for=all', 'startup-taint-waits-for'],
])('%s is refused, with what to do', (flag, message) => {
  const reading = read([flag]);
  expect(!reading.ok && reading.problems.map((problem) => problem.message)).toEqual([
    expect.stringContaining(message),
  ]);
});
