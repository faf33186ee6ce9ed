import { expect, test } from 'vitest';
import { parseAzureIdentityBinding } from '../objects/azure-identity-binding.ts';
import { parseAzurePodIdentityException } from '../objects/azure-pod-identity-exception.ts';
import { conclude, countOf, createReport } from './problem.ts';

test('the first problem of each field is kept, in the order in which they were found', () => {
  const report = createReport();
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

test('an object with very many doubtful values has 100 warnings, of which the last says how many there are', () => {
  const podLabels = Object.fromEntries(
    Array.from({ length: 150 }, (_, index) => [`k ${index}`, '\u4e00'.repeat(64)]),
  );
  const parsed = parseAzurePodIdentityException({ metadata: { name: 'e' }, spec: { podLabels } });
  const warnings = parsed.ok ? parsed.warnings : [];
  expect([warnings.length, warnings.at(-1)]).toEqual([100, { path: '', message: 'and 51 more warnings' }]);
  expect(Math.max(...warnings.map(({ message }) => message.length))).toBeLessThan(2000);
});

test('an object with very many faults has 100 problems, of which the last says how many there are', () => {
  const podSelector = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`k${index}`, 1]));
  const object = { metadata: { name: 'b' }, spec: { azureIdentity: 'a', podSelector } };
  const parsed = parseAzureIdentityBinding(object);
  const problems = parsed.ok ? [] : parsed.problems;
  expect([problems.length, problems.at(-1)]).toEqual([100, { path: '', message: 'and 902 more problems' }]);
  const result = parseAzureIdentityBinding['~standard'].validate(object);
  expect(result.issues).toHaveLength(100);
});

test('a hundred problems are told one by one, and are counted as what they are', () => {
  const report = createReport();
  const counted = (count: number) => {
    while (report.problems.length < count)
      report.problems.push({ path: `p${report.problems.length}`, message: 'm' });
    const concluded = conclude(undefined, report);
    const problems = concluded.ok ? [] : concluded.problems;
    return [problems.length, problems.at(-1)?.message, countOf(problems)];
  };
  expect(counted(99)).toEqual([99, 'm', 99]);
  expect(counted(100)).toEqual([100, 'm', 100]);
  expect(counted(101)).toEqual([100, 'and 2 more problems', 101]);
});

test.each([
  ['', 'and 7 more problems', 8],
  ['', 'and 7 more warnings', 8],
  ['', 'and 7 more problems than before', 2],
  ['', 'one and 7 more problems', 2],
  ['spec', 'and 7 more problems', 2],
])('with %j %j at the end two entries count as %i', (path, message, count) => {
  expect(
    countOf([
      { path: 'a', message: 'm' },
      { path, message },
    ]),
  ).toBe(count);
});
