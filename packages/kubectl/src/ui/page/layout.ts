import type { Column, Line, State } from '../picture.ts';
import type { Folded, Item } from './fold.ts';
import { compareNames } from './words.ts';

/** In pixels. */
export interface Measures {
  readonly width: number;
  readonly rowHeight: number;
  readonly rowPitch: number;
  readonly bandTitle: number;
  readonly bandGap: number;
  readonly columnGap: number;
}

export interface Placed {
  readonly item: Item;
  readonly x: number;
  readonly y: number;
}

export interface PlacedLine extends Line {
  readonly path: string;
  readonly top: number;
  readonly bottom: number;
}

/** The things of a namespace are side by side, below its name. */
export interface Band {
  readonly namespace: string;
  readonly y: number;
  readonly height: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly columnWidth: number;
  readonly columns: readonly { readonly column: Column; readonly x: number }[];
  readonly bands: readonly Band[];
  /** By column, then from top to bottom. */
  readonly placed: readonly Placed[];
  readonly byId: ReadonlyMap<string, Placed>;
  readonly lines: readonly PlacedLine[];
}

/**
 * Namespaces below each other, in each of them the columns side by side. What lines join is at about the same height: each column is in
 * the order of what leads to it. Hosts, which have no namespace, are beside the first identity that they carry.
 */
export function layOut(folded: Folded, columns: readonly Column[], measures: Measures): Layout {
  const { width, columnGap, rowHeight, rowPitch } = measures;
  const columnWidth = Math.floor((width - columnGap * (columns.length - 1)) / columns.length);
  const xOf = (column: Column) => columns.indexOf(column) * (columnWidth + columnGap);
  const sources = Map.groupBy(folded.lines, ({ to }) => to);
  const yOf = new Map<string, number>();
  const bands = putBands(folded.items, { columns, measures, sources, yOf });
  const hosts = folded.items.filter(({ namespace }) => namespace === undefined);
  putHosts(hosts, { measures, sources, yOf });
  const placed = folded.items
    .map((item) => ({ item, x: xOf(item.column), y: yOf.get(item.id) ?? 0 }))
    .toSorted((one, other) => one.x - other.x || one.y - other.y);
  const byId = new Map(placed.map((one) => [one.item.id, one]));
  const bottom = placed.reduce((lowest, { y }) => Math.max(lowest, y + rowPitch), 0);
  return {
    width,
    height: bottom,
    columnWidth,
    columns: columns.map((column) => ({ column, x: xOf(column) })),
    bands,
    placed,
    byId,
    lines: folded.lines.flatMap((line) => lineBetween(line, byId, { columnWidth, rowHeight })),
  };
}

interface Placing {
  readonly measures: Measures;
  readonly sources: ReadonlyMap<string, readonly Line[]>;
  /** Filled. */
  readonly yOf: Map<string, number>;
}

function putBands(
  items: readonly Item[],
  { columns, measures, sources, yOf }: Placing & { readonly columns: readonly Column[] },
): readonly Band[] {
  const { rowPitch, bandTitle, bandGap } = measures;
  const namespaces = Map.groupBy(
    items.filter(({ namespace }) => namespace !== undefined),
    ({ namespace = '' }) => namespace,
  );
  const bands: Band[] = [];
  let top = 0;
  for (const [namespace, own] of [...namespaces].toSorted(([a], [b]) => compareNames(a, b))) {
    const start = top + bandTitle;
    let rows = 0;
    for (const column of columns) {
      const list = inOrder(
        own.filter((item) => item.column === column),
        sources,
        yOf,
      );
      list.forEach((id, row) => yOf.set(id, start + row * rowPitch));
      rows = Math.max(rows, list.length);
    }
    const height = bandTitle + rows * rowPitch;
    bands.push({ namespace, y: top, height });
    top += height + bandGap;
  }
  return bands;
}

/** Ids in the order of the things that lead to them, then by name. The pods of an open group follow it. */
function inOrder(
  items: readonly Item[],
  sources: Placing['sources'],
  yOf: ReadonlyMap<string, number>,
): readonly string[] {
  const own = new Set(items.map(({ id }) => id));
  const membersOf = ({ isOpen, members = [] }: Item) =>
    isOpen === true ? members.filter(({ id }) => own.has(id)).toSorted(byName) : [];
  const ranked = items
    .filter(({ isMember }) => isMember !== true)
    .map((item) => {
      const all = [item, ...membersOf(item)];
      const lines = all.flatMap(({ id }) => sources.get(id) ?? []);
      return { name: item.name, ids: all.map(({ id }) => id), rank: meanOf(lines, yOf) };
    });
  return ranked
    .toSorted((one, other) => one.rank - other.rank || byName(one, other))
    .flatMap(({ ids }) => ids);
}

const byName = (one: Pick<Item, 'name'>, other: Pick<Item, 'name'>) => compareNames(one.name, other.name);

/** Things to which nothing leads come last. */
function meanOf(lines: readonly Line[], yOf: ReadonlyMap<string, number>): number {
  const known = lines.map(({ from }) => yOf.get(from)).filter((y) => y !== undefined);
  return known.length === 0 ? Number.MAX_SAFE_INTEGER : known.reduce((sum, y) => sum + y, 0) / known.length;
}

function putHosts(hosts: readonly Item[], { measures, sources, yOf }: Placing): void {
  const { bandTitle, rowPitch } = measures;
  const first = new Map(
    hosts.map(({ id }) => [
      id,
      (sources.get(id) ?? []).reduce(
        (least, { from }) => Math.min(least, yOf.get(from) ?? least),
        Number.MAX_SAFE_INTEGER,
      ),
    ]),
  );
  const sorted = hosts.toSorted(
    (one, other) => (first.get(one.id) ?? 0) - (first.get(other.id) ?? 0) || byName(one, other),
  );
  let next = bandTitle;
  for (const { id } of sorted) {
    const wanted = first.get(id) ?? 0;
    const y = wanted === Number.MAX_SAFE_INTEGER ? next : Math.max(next, wanted);
    yOf.set(id, y);
    next = y + rowPitch;
  }
}

/** The pods of an open group begin a little further right. */
export const indentOf = ({ isMember }: Item): number => (isMember === true ? 12 : 0);

function lineBetween(
  line: Line,
  byId: ReadonlyMap<string, Placed>,
  { columnWidth, rowHeight }: { readonly columnWidth: number; readonly rowHeight: number },
): readonly PlacedLine[] {
  const [from, to] = [byId.get(line.from), byId.get(line.to)];
  if (from === undefined || to === undefined) return [];
  const [x1, y1, y2] = [from.x + columnWidth, from.y + rowHeight / 2, to.y + rowHeight / 2];
  const x2 = to.x + indentOf(to.item);
  const middle = (x1 + x2) / 2;
  const path = `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
  return [{ ...line, path, top: Math.min(y1, y2), bottom: Math.max(y1, y2) }];
}

/** What is drawn of a layout: the rest would cost time and is not seen. */
export interface Window {
  readonly top: number;
  readonly bottom: number;
  /** Lines between these are drawn even if both ends are outside. */
  readonly lit: ReadonlySet<string>;
  /** What has the focus loses it when it is removed. */
  readonly focus: string;
}

/** More are a grey area, and slow to draw. */
const maxLines = 800;
/** Many lines that leave the window are one thick stroke: then only those that need attention are drawn. */
const maxLeaving = 60;
/** What needs attention most comes first. */
const urgency: Readonly<Record<State, number>> = { refused: 0, waiting: 1, unknown: 2, ready: 3, unused: 4 };

export function visible(
  layout: Layout,
  { top, bottom, lit, focus }: Window,
): Pick<Layout, 'placed' | 'bands' | 'lines'> {
  const isNear = (id: string) => {
    const y = layout.byId.get(id)?.y ?? bottom + 1;
    return y >= top && y <= bottom;
  };
  const rank = ({ from, to, state }: Line) => (lit.has(from) && lit.has(to) ? -1 : urgency[state]);
  const crossing = layout.lines.filter((line) => line.top <= bottom && line.bottom >= top);
  const inside = crossing.filter(({ from, to }) => isNear(from) && isNear(to));
  const leaving = crossing.filter(({ from, to }) => isNear(from) !== isNear(to));
  const passing = crossing.filter((line) => rank(line) < 0 && !isNear(line.from) && !isNear(line.to));
  const urgent =
    leaving.length <= maxLeaving ? leaving : leaving.filter((line) => rank(line) < urgency.ready);
  const lines = [...inside, ...urgent, ...passing];
  return {
    placed: layout.placed.filter(({ item: { id } }) => isNear(id) || id === focus),
    bands: layout.bands.filter((band) => band.y <= bottom && band.y + band.height >= top),
    lines: lines.length <= maxLines ? lines : lines.toSorted((a, b) => rank(a) - rank(b)).slice(0, maxLines),
  };
}
