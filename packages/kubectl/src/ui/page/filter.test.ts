import { expect, test } from 'vitest';
import type { View } from './view.ts';
import { countPods, filterPicture } from './filter.ts';
import { smallPicture } from '../../../test/pictures.ts';
import { wholeView } from './view.ts';

const namesWith = (part: Partial<View>) =>
  filterPicture(smallPicture, { ...wholeView, ...part })
    .things.map(({ name }) => name)
    .toSorted();

test('a search shows what matches and its way, without the neighbours', () => {
  expect(namesWith({ search: 'WEB-0' })).toEqual(['vault', 'vault-reader', 'vmss/aks-1', 'web', 'web-0']);
  expect(namesWith({ search: 'nothing of this name' })).toEqual([]);
});

test('a state shows the pods in that state alone', () => {
  expect(namesWith({ states: ['refused'] })).toEqual([
    'report',
    'report-5',
    'storage',
    'storage-writer',
    'vmss/aks-2',
  ]);
  expect(namesWith({ states: ['waiting', 'refused'] })).not.toContain('web-1');
});

test('an identity shows who may use it; filters hold together', () => {
  const identity = 'identity:shop/vault-reader';
  expect(namesWith({ identity })).toEqual(['vault', 'vault-reader', 'vmss/aks-1', 'web', 'web-0', 'web-1']);
  expect(namesWith({ identity, search: 'report' })).toEqual([]);
  expect(namesWith({ identity, namespace: 'elsewhere' })).toEqual([]);
});

test('every line that is left joins two things that are left', () => {
  const { things, lines } = filterPicture(smallPicture, { ...wholeView, states: ['waiting'] });
  const ids = things.map(({ id }) => id);
  expect(lines.flatMap(({ from, to }) => [from, to]).filter((id) => !ids.includes(id))).toEqual([]);
  expect(lines).toHaveLength(4);
});

test('pods are counted by state', () => {
  expect(countPods(smallPicture.things)).toEqual({ ready: 1, waiting: 1, refused: 1, unknown: 0, unused: 0 });
});
