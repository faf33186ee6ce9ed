import { expect, test } from 'vitest';
import { valueRows, valuesWithoutRow } from './value-rows.ts';

const text = `# What the file is.

image:
  # Where from,
  # and which.
  # Original chart: default changed (x), because
  # of y
  repository: here
mic:
  # How many.
  # Original chart: same
  replicas: 2
  # A map.
  # Original chart: new
  resources:
    limits:
      memory: 1Mi
  leaderElection:
    # A name.
    # Original chart: same
    name: ''
    other: 1
  # A list.
  # Original chart: new
  list:
    - operator: Exists
`;

test('a row has the path, the default as JSON, the meaning and the comparison', () => {
  expect(valueRows(text)).toEqual([
    {
      path: 'image.repository',
      default: '"here"',
      meaning: 'Where from, and which.',
      compared: 'default changed (x), because of y',
    },
    { path: 'mic.replicas', default: '2', meaning: 'How many.', compared: 'same' },
    { path: 'mic.resources', default: '{"limits":{"memory":"1Mi"}}', meaning: 'A map.', compared: 'new' },
    { path: 'mic.leaderElection.name', default: '""', meaning: 'A name.', compared: 'same' },
    { path: 'mic.list', default: '[{"operator":"Exists"}]', meaning: 'A list.', compared: 'new' },
  ]);
});

test('a value without a comment of its own or above it is found', () => {
  expect(valuesWithoutRow(text)).toEqual(['mic.leaderElection.other']);
});
