import { expect, test } from 'vitest';
import { fold, keepColumns } from './fold.ts';
import { largePicture, pictureOfChains, smallPicture } from '../../../test/pictures.ts';

const chain = { account: 'web', binding: 'vault', identity: 'reader', host: 'vm/1', group: 'web' } as const;
const three = pictureOfChains(
  [0, 1, 2].map((at) => ({ ...chain, pod: `web-7d9f-${at}`, state: at === 1 ? 'refused' : 'ready' })),
);

test('three pods of a group are one item, with one line in the state that needs attention most', () => {
  const { items, lines, itemOf } = fold(three, []);
  expect(items.map(({ id, name, members }) => [id, name, members?.length])).toEqual([
    ['serviceaccount:shop/web', 'web', undefined],
    ['group:web', 'web-7d9f', 3],
    ['binding:shop/vault', 'vault', undefined],
    ['identity:shop/reader', 'reader', undefined],
    ['host:vm/1', 'vm/1', undefined],
  ]);
  expect(lines.find(({ to }) => to === 'group:web')?.state).toBe('refused');
  expect(lines).toHaveLength(4);
  expect(itemOf.get('pod:shop/web-7d9f-1')).toBe('group:web');
});

test('an open group shows its pods with their own lines', () => {
  const { items, lines } = fold(three, ['web']);
  expect(
    items.filter(({ column }) => column === 'pod').map(({ id, isOpen, isMember }) => [id, isOpen, isMember]),
  ).toEqual([
    ['group:web', true, undefined],
    ['pod:shop/web-7d9f-0', undefined, true],
    ['pod:shop/web-7d9f-1', undefined, true],
    ['pod:shop/web-7d9f-2', undefined, true],
  ]);
  expect(lines).toHaveLength(8);
});

test('two pods are not folded', () => {
  const two = { ...three, things: three.things.filter(({ name }) => name !== 'web-7d9f-2') };
  expect(fold(two, []).items.filter(({ members }) => members)).toEqual([]);
});

test('5,000 pods are 500 items', () => {
  const { items } = fold(largePicture(5_000, 500), []);
  expect(items.filter(({ column }) => column === 'pod')).toHaveLength(500);
});

test('without the bindings lines lead from pods to identities', () => {
  const { items, lines } = keepColumns(fold(smallPicture, []), ['pod', 'identity']);
  expect(new Set(items.map(({ column }) => column))).toEqual(new Set(['pod', 'identity']));
  expect(lines).toEqual([
    { from: 'pod:shop/web-0', to: 'identity:shop/vault-reader', state: 'waiting' },
    { from: 'pod:shop/web-1', to: 'identity:shop/vault-reader', state: 'ready' },
    { from: 'pod:shop/report-5', to: 'identity:shop/storage-writer', state: 'refused' },
  ]);
});
