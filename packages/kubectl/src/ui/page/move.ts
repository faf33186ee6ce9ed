import type { Layout, Placed } from './layout.ts';
import type { Graph } from './graph.ts';

interface Drawn {
  readonly layout: Layout;
  readonly graph: Graph;
}

type Move = (from: Placed, drawn: Drawn) => Placed | undefined;

/** Up and down within a column, left and right along a line. */
const moves: Readonly<Record<string, Move>> = {
  ArrowUp: (from, { layout }) => within(from, layout, -1),
  ArrowDown: (from, { layout }) => within(from, layout, 1),
  Home: (from, { layout }) => layout.placed.find(({ x }) => x === from.x),
  End: (from, { layout }) => layout.placed.findLast(({ x }) => x === from.x),
  ArrowLeft: (from, { layout, graph }) => beside(from, layout, { next: graph.before, isLeft: true }),
  ArrowRight: (from, { layout, graph }) => beside(from, layout, { next: graph.after, isLeft: false }),
};

/** The id of what has the focus after a key; undefined if the key moves nothing. */
export function moveFrom(id: string, key: string, drawn: Drawn): string | undefined {
  const move = Object.hasOwn(moves, key) ? moves[key] : undefined;
  const from = drawn.layout.byId.get(id) ?? drawn.layout.placed[0];
  if (move === undefined || from === undefined) return undefined;
  return (move(from, drawn) ?? from).item.id;
}

/** What is placed is in the order of columns, then from top to bottom. */
function within(from: Placed, { placed }: Layout, step: number): Placed | undefined {
  const other = placed[placed.indexOf(from) + step];
  return other?.x === from.x ? other : undefined;
}

/** The nearest at the other end of a line; without a line the nearest in the next column that has anything. */
function beside(
  from: Placed,
  { placed, byId }: Layout,
  { next, isLeft }: { readonly next: Graph['after']; readonly isLeft: boolean },
): Placed | undefined {
  const joined = (next.get(from.item.id) ?? []).map((id) => byId.get(id)).filter((one) => one !== undefined);
  if (joined.length > 0) return nearest(from, joined);
  const side = placed.filter(({ x }) => (isLeft ? x < from.x : x > from.x));
  const adjacent = isLeft ? side.at(-1) : side[0];
  const column = side.filter(({ x }) => x === adjacent?.x);
  return column.length === 0 ? undefined : nearest(from, column);
}

function nearest(from: Placed, list: readonly Placed[]): Placed {
  const distance = ({ y }: Placed) => Math.abs(y - from.y);
  return list.reduce((best, one) => (distance(one) < distance(best) ? one : best));
}
