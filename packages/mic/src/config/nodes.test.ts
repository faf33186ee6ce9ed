import { expect, test } from 'vitest';
import { readMicConfig } from './config.ts';

const startupTaint = 'aadpodidentity.k8s.io/nmi-not-ready';
const inOwn = { MIC_POD_NAMESPACE: 'aad-pod-identity' };

const read = (argv: readonly string[], env: Readonly<Record<string, string>> = inOwn) =>
  readMicConfig({ argv, env, hostname: 'mic-0' });
const nodesOf = (...from: Parameters<typeof read>) => {
  const reading = read(...from);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  const { startupTaint, nmi } = reading.config;
  return { startupTaint, nmi };
};

test('the taint waits for NMI of the own namespace', () => {
  expect(nodesOf([])).toEqual({ startupTaint, nmi: { namespace: 'aad-pod-identity', name: 'nmi' } });
});

test('without taint no pods are looked at', () => {
  expect(nodesOf(['--startup-taint='])).toEqual({});
});

test('in the namespace default the taint stays until NMI is named', () => {
  expect(nodesOf([], {})).toEqual({});
  const nmi = { namespace: 'default', name: 'nmi' };
  expect(nodesOf(['--nmi-daemonset=default/nmi'], {})).toEqual({ startupTaint, nmi });
});

test('a name of a DaemonSet that is not NAMESPACE/NAME is refused, with what to do', () => {
  const reading = read(['--nmi-daemonset=a/b/c']);
  expect(!reading.ok && reading.problems.map(({ message }) => message)).toEqual([
    expect.stringContaining('--nmi-daemonset must be NAMESPACE/NAME, not "a/b/c"'),
  ]);
});

test('what the taint waited for beside NMI has no effect, and is told so', () => {
  const reading = read(['--startup-taint-waits-for=canary', '--canary-daemonset=ns/canary']);
  expect(reading.ok && reading.config.ignored).toEqual([
    { flag: 'startup-taint-waits-for', why: expect.stringContaining('NMI') as string },
    { flag: 'canary-daemonset', why: expect.stringContaining('canary') as string },
  ]);
});
