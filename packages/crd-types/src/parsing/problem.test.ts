import { expect, test } from 'vitest';
import { parseAzureIdentityBinding } from '../objects/azure-identity-binding.ts';
import { parseAzurePodIdentityException } from '../objects/azure-pod-identity-exception.ts';
import { conclude, type Problem } from './problem.ts';

test('the first problem of each field is kept, in the order in which they were found', () => {
  const report = { problems: [] as Problem[], warnings: [] };
  for (const [path, message] of [
    ['a', '1'],
    ['b', '2'],
    ['a', '3'],
  ] as const)
    report.problems.push({ path, message });
  expect(conclude(undefined, report)).toEqual({
    ok: false,
    problems: [
      { path: 'a', message: '1' },
      { path: 'b', message: '2' },
    ],
  });
});

test('an object with very many doubtful values has 100 warnings', () => {
  const podLabels = Object.fromEntries(
    Array.from({ length: 150 }, (_, index) => [`k ${index}`, '\u4e00'.repeat(64)]),
  );
  const parsed = parseAzurePodIdentityException({ metadata: { name: 'e' }, spec: { podLabels } });
  const warnings = parsed.ok ? parsed.warnings : [];
  expect(warnings).toHaveLength(100);
  expect(Math.max(...warnings.map(({ message }) => message.length))).toBeLessThan(2000);
});

test('an object with very many faults has 100 problems', () => {
  const podSelector = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`k${index}`, 1]));
  const object = { metadata: { name: 'b' }, spec: { azureIdentity: 'a', podSelector } };
  const parsed = parseAzureIdentityBinding(object);
  const problems = parsed.ok ? [] : parsed.problems;
  expect(problems).toHaveLength(100);
});
