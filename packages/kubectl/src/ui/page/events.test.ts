import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventReader } from './events.ts';

test('events are read, however the text is cut', () => {
  const text =
    ': keep-alive\n\nevent: picture\ndata: {"a":1}\n\nevent: change\ndata: x\ndata: y\n\ndata: rest';
  fc.assert(
    fc.property(fc.array(fc.nat({ max: text.length })), (cuts) => {
      const reader = new EventReader();
      const ends = [0, ...cuts.toSorted((a, b) => a - b), text.length];
      const events = ends.slice(1).flatMap((end, at) => reader.read(text.slice(ends[at], end)));
      expect(events).toEqual([
        { event: 'picture', data: '{"a":1}' },
        { event: 'change', data: 'x\ny' },
      ]);
    }),
  );
});
