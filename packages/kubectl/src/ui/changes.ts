import type { Change, Line, Picture, Thing } from './picture.ts';

/** Undefined if both show the same. */
export function changeBetween(before: Picture, after: Picture): Change | undefined {
  const things = differing(before.things, after.things, { keyOf: ({ id }) => id, isSame: isSameThing });
  const lines = differingLines(before.lines, after.lines);
  const isSameRest =
    before.pending === after.pending && before.unknown.join('\n') === after.unknown.join('\n');
  const count = [things.news, things.gone, lines.news, lines.gone].reduce(
    (sum, { length }) => sum + length,
    0,
  );
  if (count === 0 && isSameRest) return undefined;
  const { number, takenAt, unknown, pending } = after;
  return {
    number,
    takenAt,
    unknown,
    pending,
    things: things.news,
    lines: lines.news,
    goneThings: things.gone.map(({ id }) => id),
    goneLines: lines.gone.map(({ from, to }) => ({ from, to })),
  };
}

interface Differing<T> {
  readonly news: readonly T[];
  readonly gone: readonly T[];
}

export function differing<T>(
  before: readonly T[],
  after: readonly T[],
  { keyOf, isSame }: { readonly keyOf: (item: T) => string; readonly isSame: (one: T, other: T) => boolean },
): Differing<T> {
  const left = new Map(before.map((item) => [keyOf(item), item]));
  const news = after.filter((item) => {
    const old = left.get(keyOf(item));
    left.delete(keyOf(item));
    return old === undefined || !isSame(old, item);
  });
  return { news, gone: [...left.values()] };
}

/** Things with the same id have the same column, namespace and name. */
function isSameThing(one: Thing, other: Thing): boolean {
  return (
    one === other ||
    (one.state === other.state &&
      one.about === other.about &&
      one.group === other.group &&
      one.type === other.type)
  );
}

/** By both ends, one after the other: there are too many to make a key of each. */
function differingLines(before: readonly Line[], after: readonly Line[]): Differing<Line> {
  const left = new Map<string, Map<string, Line>>();
  for (const line of before) {
    const some = left.get(line.from);
    if (some) some.set(line.to, line);
    else left.set(line.from, new Map([[line.to, line]]));
  }
  const news = after.filter((line) => {
    const some = left.get(line.from);
    const old = some?.get(line.to);
    some?.delete(line.to);
    return old?.state !== line.state;
  });
  return { news, gone: Array.from(left.values(), (some) => [...some.values()]).flat() };
}
