import { createFakeClock } from '@pod-identity/kit/testing';
import { describe, expect, it, vi } from 'vitest';
import { accessPair } from '../../test/builders.ts';
import { createLog } from '@pod-identity/kit/serve';
import { createAccessLog, reportAccessMode } from './access-log.ts';

const stage = () => {
  const lines: string[] = [];
  const log = createLog({
    component: 'nmi',
    format: 'json',
    destination: { write: (line) => lines.push(line) },
  });
  return { lines, log };
};

describe('who would be refused', () => {
  const who = (namespace = 'pay') => {
    const pair = accessPair({ namespace });
    const access = { mode: 'warn' as const, subject: pair.subject, pairs: [pair] };
    return { access, targets: [pair.target] };
  };

  it('is told with the ServiceAccount, the identity and the command to check', () => {
    const { lines, log } = stage();
    createAccessLog(log, createFakeClock())(who());
    const [name] = accessPair().target.names;
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      serviceAccount: 'pay/web',
      managedidentities: name,
      check: `kubectl azure-pod-identity access pay/web ${name}`,
    });
  });

  it('is told of each namespace within its own budget', () => {
    const { lines, log } = stage();
    const tell = createAccessLog(log, createFakeClock());
    for (let index = 0; index < 1_000; index += 1) tell(who());
    tell(who('shop'));
    expect(lines).toHaveLength(21);
  });
});

it.each([
  ['namespace', [], ['info', 'warn']],
  ['namespace', ['kube-system'], ['info']],
  ['warn', [], ['warn']],
  ['rbac', [], []],
] as const)(
  'at start mode %s with exceptions of %j tells what is open',
  (identityAccess, namespaces, told) => {
    const log = { info: vi.fn(), warn: vi.fn() };
    reportAccessMode(log, { identityAccess, exceptionNamespaces: new Set(namespaces) });
    const levels = (['info', 'warn'] as const).filter((level) => log[level].mock.calls.length > 0);
    expect(levels).toEqual(told);
  },
);
