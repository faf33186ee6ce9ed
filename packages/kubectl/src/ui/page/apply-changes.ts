import type { Change, Line, Picture } from '../picture.ts';

type Ends = Pick<Line, 'from' | 'to'>;

/** Ids contain no line break. */
export const lineKey = ({ from, to }: Ends): string => `${from}\n${to}`;

/** Returns a function that gives the picture after more and more changes. What changed keeps its position; what is new comes last. */
export function followChanges(picture: Picture): (changes: readonly Change[]) => Picture {
  const things = new Map(picture.things.map((thing) => [thing.id, thing]));
  const lines = new Map(picture.lines.map((line) => [lineKey(line), line]));
  let latest = picture;
  return (changes) => {
    for (const change of changes) {
      for (const id of change.goneThings) things.delete(id);
      for (const thing of change.things) things.set(thing.id, thing);
      for (const line of change.goneLines) lines.delete(lineKey(line));
      for (const line of change.lines) lines.set(lineKey(line), line);
    }
    const { number, takenAt, unknown, pending } = changes.at(-1) ?? latest;
    const lists = { things: [...things.values()], lines: [...lines.values()] };
    return (latest = { ...picture, number, takenAt, unknown, pending, ...lists });
  };
}
