import type { Column, Picture } from '../picture.ts';
import { fold, groupId, keepColumns, type Folded } from './fold.ts';
import { graphOf, type Graph } from './graph.ts';
import { layOut, type Layout, type Measures } from './layout.ts';
import type { View } from './view.ts';
import { columns } from './words.ts';

export interface Drawing {
  readonly folded: Folded;
  readonly graph: Graph;
  readonly layout: Layout;
}

const few: readonly Column[] = ['pod', 'identity'];
/** In pixels: a telephone, and half of a small screen. */
const narrow = 700;

/** Five columns that are narrower are no use: the picture scrolls sideways. */
const leastForAll = 860;

/** `width`: of the window that shows it, in pixels. */
export function draw(picture: Pick<Picture, 'things' | 'lines'>, view: View, width: number): Drawing {
  const isFew = view.columns === 'few' || (view.columns === undefined && width < narrow);
  const shown = isFew ? few : columns;
  const folded = keepColumns(fold(picture, view.open), shown);
  return { folded, graph: graphOf(folded.lines), layout: layOut(folded, shown, measuresOf(width, isFew)) };
}

function measuresOf(width: number, isFew: boolean): Measures {
  const [all, columnGap] = isFew ? [width, width / 7] : [Math.max(width, leastForAll), width / 22];
  const gap = Math.max(36, Math.floor(columnGap));
  return { width: all, columnGap: gap, rowHeight: 28, rowPitch: 34, bandTitle: 26, bandGap: 10 };
}

/** The item in the picture that stands for a thing: itself, or the group that it is folded into. */
export const itemIdOf = ({ itemOf }: Folded, id: string): string => itemOf.get(id) ?? id;

export const isGroup = (id: string): boolean => id.startsWith(groupId(''));
