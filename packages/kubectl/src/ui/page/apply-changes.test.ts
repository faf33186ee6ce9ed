import { expect, test } from 'vitest';
import { followChanges } from './apply-changes.ts';
import { newsOf } from './news.ts';
import { largePicture, smallPicture } from '../../../test/pictures.ts';

const [account, pod] = smallPicture.things;
const nothing = {
  number: 2,
  takenAt: 'later',
  things: [],
  lines: [],
  goneThings: [],
  goneLines: [],
  unknown: [],
  pending: 0,
};
if (account === undefined || pod === undefined) throw new Error('the small picture is empty');

test('what changed keeps its position, what is gone is gone, and what is new is last', () => {
  const other = { ...pod, id: 'pod:shop/new', name: 'new' };
  const picture = followChanges(smallPicture)([
    { ...nothing, things: [{ ...pod, state: 'ready', about: '' }, other], unknown: ['x'] },
    { ...nothing, number: 3, goneThings: [account.id], goneLines: [{ from: account.id, to: pod.id }] },
  ]);
  expect(picture.number).toBe(3);
  expect(picture.unknown).toEqual([]);
  expect(picture.things[0]).toMatchObject({ id: pod.id, state: 'ready' });
  expect(picture.things.at(-1)).toBe(other);
  expect(picture.lines).toHaveLength(smallPicture.lines.length - 1);
  expect(picture.server).toBe(smallPicture.server);
});

test('news is what pods and identities are now', () => {
  const after = followChanges(smallPicture)([{ ...nothing, things: [{ ...pod, state: 'ready' }] }]);
  expect(newsOf(smallPicture.things, after.things)).toBe('pod shop/web-0 is ready');
  expect(newsOf(after.things, after.things)).toBe('');
});

test('a hundred news are one sentence', () => {
  expect(newsOf([], largePicture(100, 5).things)).toBe(
    '105 pods and identities changed: 10 are waiting, 95 are ready',
  );
});
