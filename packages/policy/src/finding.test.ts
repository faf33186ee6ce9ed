import { expect, test } from 'vitest';
import { adviceOf, findingLines, inBroker, info, ok, problem, waiting } from './finding.ts';

test('a finding is a line with its mark, and below it the remedy; what is pasted keeps its spaces', () => {
  const remedy = { text: 'create it', paste: '  kind: A\n', command: 'kubectl apply -f -' };
  const lines = findingLines('pod shop/web-0', [
    ok('pod', 'it runs'),
    waiting('record', 'it comes'),
    problem('host', 'it fails', remedy),
    info('label', 'odd'),
  ]);
  const indent = ' '.repeat(15);
  expect(lines).toEqual([
    'pod shop/web-0',
    '✓ pod          it runs',
    '… record       it comes',
    '✗ host         it fails',
    `${indent}remedy: create it`,
    '  kind: A',
    `${indent}$ kubectl apply -f -`,
    '· label        odd',
  ]);
  expect(Object.keys(ok('pod', 'it runs'))).toEqual(['topic', 'verdict', 'text']);
});

test('advice is the text of a remedy, and its command if it has one', () => {
  expect(adviceOf({ text: 'create it' })).toBe('create it');
  expect(adviceOf({ text: 'see', command: 'kubectl get pods' })).toBe('see: kubectl get pods');
});

test('a command of the broker runs in any of its replicas', () => {
  expect(inBroker('check-federated t/c')).toBe(
    'kubectl -n aad-pod-identity-broker exec deploy/broker -- node /app/nmi.js check-federated t/c',
  );
});
