import { lineKey } from './page/apply-changes.ts';
import type { Change, Line, Picture, Thing } from './picture.ts';

/** Undefined if both show the same. */
export function changeBetween(before: Picture, after: Picture): Change | undefined {
  const things = differing(before.things, after.things, { keyOf: ({ id }) => id, isSame: isSameThing });
  const lines = differing(before.lines, after.lines, {
    keyOf: lineKey,
    isSame: (one, other) => one.state === other.state,
  });
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

interface Comparing<T> {
  readonly keyOf: (item: T) => string;
  readonly isSame: (one: T, other: T) => boolean;
}

function differing<T extends Thing | Line>(
  before: readonly T[],
  after: readonly T[],
  { keyOf, isSame }: Comparing<T>,
): { readonly news: readonly T[]; readonly gone: readonly T[] } {
  const left = new Map(before.map((item) => [keyOf(item), item]));
  const news = after.filter((item) => {
    const key = keyOf(item);
    const old = left.get(key);
    left.delete(key);
    return old === undefined || !isSame(old, item);
  });
  return { news, gone: [...left.values()] };
}

/** Things with the same id have the same column, namespace and name. */
function isSameThing(one: Thing, other: Thing): boolean {
  return (
    one.state === other.state &&
    one.about === other.about &&
    one.group === other.group &&
    one.type === other.type
  );
}
