import { expect, test } from 'vitest';
import type { Line } from '../picture.ts';
import { draw } from './derive.ts';
import { visible } from './layout.ts';
import { moveFrom } from './move.ts';
import { hostilePicture, largePicture, pictureOfChains, smallPicture } from '../../../test/pictures.ts';
import { wholeView } from './view.ts';

const wide = 1_400;
const none = { lit: new Set<string>(), focus: '' };

test.each([
  ['small', smallPicture],
  ['large', largePicture(500, 50)],
  ['hostile', hostilePicture],
])('in the %s picture nothing covers anything, and each line joins its two ends', (_, picture) => {
  const { layout, folded } = draw(picture, { ...wholeView, open: [picture.things[1]?.group ?? ''] }, wide);
  expect(layout.placed).toHaveLength(folded.items.length);
  const places = new Set(layout.placed.map(({ x, y }) => `${x} ${y}`));
  expect(places.size).toBe(layout.placed.length);
  expect(layout.placed.filter(({ x, y }) => x < 0 || y < 0 || y >= layout.height)).toEqual([]);
  const endsOf = ({ from, to }: Line) =>
    [layout.byId.get(from), layout.byId.get(to)].map((end) => [end?.x ?? 0, (end?.y ?? 0) + 14] as const);
  for (const line of layout.lines) {
    const [[x1, y1] = [], [x2, y2] = []] = endsOf(line);
    const end = Number(x2) + (layout.byId.get(line.to)?.item.isMember === true ? 12 : 0);
    expect(line.path).toMatch(new RegExp(`^M${Number(x1) + layout.columnWidth} ${y1}C.* ${end} ${y2}$`));
  }
  expect(layout.lines).toHaveLength(folded.lines.length);
});

test('a namespace is a band of its own, and what lines join is at the same height', () => {
  const chain = { binding: 'b', host: 'h' };
  const { layout } = draw(
    pictureOfChains([
      { ...chain, namespace: 'b', account: 'z', pod: 'a', identity: 'z' },
      { ...chain, namespace: 'a', account: 'one', pod: 'z', identity: 'z' },
      { ...chain, namespace: 'a', account: 'two', pod: 'a', identity: 'z' },
    ]),
    wholeView,
    wide,
  );
  expect(layout.bands.map(({ namespace }) => namespace)).toEqual(['a', 'b']);
  const yOf = (id: string) => layout.byId.get(id)?.y;
  expect(yOf('pod:a/z')).toBe(yOf('serviceaccount:a/one'));
  expect(yOf('pod:a/a')).toBe(yOf('serviceaccount:a/two'));
  expect(yOf('pod:b/a')).toBe(yOf('identity:b/z'));
});

test('a narrow window shows pods and identities; all columns scroll sideways', () => {
  expect(draw(smallPicture, wholeView, 340).layout.columns.map(({ column }) => column)).toEqual([
    'pod',
    'identity',
  ]);
  expect(draw(smallPicture, { ...wholeView, columns: 'all' }, 340).layout.width).toBe(860);
});

test('of 5,000 pods only what is in view is drawn, and no more than 800 lines', () => {
  const picture = largePicture(5_000, 500);
  const { layout } = draw(picture, wholeView, wide);
  const shown = visible(layout, { ...none, top: 1_000, bottom: 2_500 });
  expect(shown.placed.length).toBeGreaterThan(20);
  expect(shown.placed.length).toBeLessThan(300);
  const star = pictureOfChains(
    Array.from({ length: 5_000 }, (_, at) => ({
      account: 'a',
      pod: `p-${at}`,
      binding: 'b',
      identity: 'i',
      host: 'h',
      state: at === 4_000 ? 'refused' : 'ready',
    })),
  );
  const { layout: drawn } = draw(star, wholeView, wide);
  expect(visible(drawn, { ...none, top: 0, bottom: 1e6 }).lines).toHaveLength(800);
  expect(visible(drawn, { ...none, top: 0, bottom: 500 }).lines.length).toBeLessThan(100);
});

test('what has the focus is drawn wherever it is', () => {
  const { layout } = draw(largePicture(500, 50), wholeView, wide);
  const last = layout.placed.at(-1)?.item.id ?? '';
  const shown = visible(layout, { ...none, top: 0, bottom: 100, focus: last });
  expect(shown.placed.map(({ item }) => item.id)).toContain(last);
});

const moved = (id: string, ...keys: readonly string[]) => {
  const drawn = draw(smallPicture, wholeView, wide);
  return keys.reduce<string | undefined>((from = '', key) => moveFrom(from, key, drawn), id);
};

test('arrows move along lines and within columns', () => {
  expect(moved('pod:shop/report-5', 'ArrowRight', 'ArrowRight')).toBe('identity:shop/storage-writer');
  expect(moved('identity:shop/storage-writer', 'ArrowLeft', 'ArrowLeft')).toBe('pod:shop/report-5');
  expect(moved('pod:shop/report-5', 'ArrowDown')).toBe('pod:shop/web-0');
  expect(moved('pod:shop/web-0', 'ArrowUp')).toBe('pod:shop/report-5');
  expect(moved('pod:shop/web-0', 'End')).toBe('pod:shop/web-1');
  expect(moved('pod:shop/web-1', 'Home')).toBe('pod:shop/report-5');
});

test('at an edge the focus stays; other keys move nothing', () => {
  expect(moved('pod:shop/report-5', 'ArrowUp')).toBe('pod:shop/report-5');
  expect(moved('host:vmss/aks-1', 'ArrowRight')).toBe('host:vmss/aks-1');
  expect(moved('pod:shop/web-0', 'a')).toBeUndefined();
  expect(moved('pod:shop/web-0', 'constructor')).toBeUndefined();
});

test('a thing without lines is reached from the next column', () => {
  const lonely = { ...smallPicture, lines: [] };
  const drawn = draw(lonely, wholeView, wide);
  expect(moveFrom('pod:shop/report-5', 'ArrowRight', drawn)).toMatch(/^binding:/);
});
