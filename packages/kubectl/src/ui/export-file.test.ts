import { createFakeClock } from '@pod-identity/kit/testing';
import { aborted } from '@pod-identity/kit/core';
import { expect, test } from 'vitest';
import { takePicture } from './export-file.ts';
import type { Picture } from './picture.ts';

const picture = (number: number, pending: number): Picture => ({
  number,
  takenAt: '',
  server: 's',
  namespace: undefined,
  unknown: [],
  pending,
  things: [],
  lines: [],
});

function livePictures(latest: () => Picture) {
  const listeners: (() => void)[] = [];
  const pictures = {
    latest,
    problem: () => undefined,
    onChange(listener: () => void) {
      listeners.push(listener);
      return () => undefined;
    },
  };
  return { pictures, run: aborted, news: () => listeners.forEach((listener) => listener()) };
}

const { signal } = new AbortController();

test('attack: who edits objects without pause delays an export by 30 s, and it says what was not judged', async () => {
  const clock = createFakeClock();
  const { news, ...busy } = livePictures(() => picture(7, 12));
  const taking = takePicture(busy, { clock, signal });
  news();
  await clock.advance(30_000);
  expect(await taking).toEqual({ ...picture(7, 12), unknown: ['12 pods were still being judged'] });
});

test('an export is the first picture of which all is judged', async () => {
  let latest = picture(1, 5);
  const { news, ...settling } = livePictures(() => latest);
  const taking = takePicture(settling, { clock: createFakeClock(), signal });
  news();
  latest = picture(2, 0);
  news();
  expect(await taking).toEqual(latest);
});
