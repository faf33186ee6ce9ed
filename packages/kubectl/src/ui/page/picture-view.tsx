import type { FunctionComponent } from 'preact';
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Drawing } from './derive.ts';
import { wayOf } from './graph.ts';
import { ItemButton } from './item-button.tsx';
import { visible, type Layout, type PlacedLine } from './layout.ts';
import { moveFrom } from './move.ts';
import { cleanText, columnTitles } from './words.ts';

interface Properties {
  readonly drawing: Drawing;
  /** The item whose details are open. */
  readonly current: string;
  readonly open: (id: string) => void;
  readonly resized: (width: number) => void;
}

const margin = 400;
/** Scrolling draws again at each of these pixels only. */
const step = 100;
const titleHeight = 36;

export const PictureView: FunctionComponent<Properties> = ({ drawing, current, open, resized }) => {
  const { layout, graph } = drawing;
  const scroll = useRef<HTMLDivElement>(null);
  const { span, scrolled } = useSpan(scroll, resized);
  const [hovered, setHovered] = useState('');
  const { focus, focused, setFocused, pressed } = useArrows(scroll, drawing);
  const source = [hovered, focused, current].find((id) => layout.byId.has(id));
  const lit = useMemo(() => wayOf(graph, source === undefined ? [] : [source]), [graph, source]);
  return (
    <div
      class="scroll"
      ref={scroll}
      onScroll={scrolled}
      onKeyDown={pressed}
      onMouseOver={({ target }) => setHovered(idAt(target))}
      onMouseLeave={() => setHovered('')}
      onFocusIn={({ target }) => setFocused(idAt(target))}
    >
      <Titles layout={layout} />
      <Canvas
        layout={layout}
        shown={visible(layout, { ...span, lit, focus })}
        {...{ lit, focus, current, open }}
      />
    </div>
  );
};

interface CanvasProperties extends Pick<Properties, 'current' | 'open'> {
  readonly layout: Layout;
  readonly shown: Pick<Layout, 'placed' | 'bands' | 'lines'>;
  readonly lit: ReadonlySet<string>;
  readonly focus: string;
}

const Canvas: FunctionComponent<CanvasProperties> = ({ layout, shown, lit, focus, current, open }) => (
  <div
    class={lit.size > 1 ? 'canvas is-lit' : 'canvas'}
    style={{ width: `${layout.width}px`, height: `${layout.height}px` }}
  >
    {shown.bands.map(({ namespace, y }) => (
      <div class="band" key={namespace} style={{ top: `${y}px` }}>
        <bdi>{cleanText(namespace)}</bdi>
      </div>
    ))}
    <Lines lines={shown.lines} lit={lit} height={layout.height} />
    {shown.placed.map((placed) => (
      <ItemButton
        key={placed.item.id}
        placed={placed}
        width={layout.columnWidth}
        isLit={lit.has(placed.item.id)}
        isCurrent={placed.item.id === current}
        isStop={placed.item.id === focus}
        open={open}
      />
    ))}
  </div>
);

interface Scroll {
  readonly current: HTMLElement | null;
}

/** Which part of the picture is in view, with a margin. */
function useSpan(scroll: Scroll, resized: (width: number) => void) {
  const [{ top, height }, setSpan] = useState({ top: 0, height: 1_000 });
  useSize(scroll, (width, newHeight) => {
    resized(width);
    setSpan((before) => ({ ...before, height: newHeight }));
  });
  const scrolled = (): void => {
    const next = Math.floor((scroll.current?.scrollTop ?? 0) / step) * step;
    if (next !== top) setSpan((before) => ({ ...before, top: next }));
  };
  return { span: { top: top - margin, bottom: top + height + margin }, scrolled };
}

/** One item is a stop of Tab; the arrow keys move it. What it moves to is drawn first, then gets the focus. */
function useArrows(scroll: Scroll, drawing: Drawing) {
  const { layout } = drawing;
  const [focused, setFocused] = useState('');
  const isMoving = useRef(false);
  const focus = layout.byId.has(focused) ? focused : (layout.placed[0]?.item.id ?? '');
  useLayoutEffect(() => {
    if (!isMoving.current || scroll.current === null) return;
    isMoving.current = false;
    moveFocus(scroll.current, focus);
  });
  const pressed = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const next = moveFrom(focus, event.key, drawing);
    if (next === undefined) return;
    event.preventDefault();
    if (next === focus) return;
    isMoving.current = true;
    setFocused(next);
  };
  return { focus, focused, setFocused, pressed };
}

function useSize(element: Scroll, sized: (width: number, height: number) => void): void {
  useLayoutEffect(() => {
    if (element.current === null) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) sized(Math.floor(entry.contentRect.width), entry.contentRect.height);
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
}

const idAt = (target: EventTarget | null): string =>
  target instanceof Element ? (target.closest<HTMLElement>('[data-id]')?.dataset['id'] ?? '') : '';

/** The titles of the columns hide the top of what scrolls below them. */
function moveFocus(scroll: HTMLElement, id: string): void {
  const element = scroll.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"]`);
  if (element === null) return;
  element.focus({ preventScroll: true });
  const [own, outer] = [element.getBoundingClientRect(), scroll.getBoundingClientRect()];
  const above = own.top - outer.top - titleHeight;
  const below = own.bottom - outer.bottom + 8;
  if (above < 0) scroll.scrollTop += above;
  else if (below > 0) scroll.scrollTop += below;
  const [before, behind] = [own.left - outer.left - 8, own.right - outer.right + 8];
  if (before < 0) scroll.scrollLeft += before;
  else if (behind > 0) scroll.scrollLeft += behind;
}

const Titles: FunctionComponent<{ readonly layout: Layout }> = ({
  layout: { width, columns, columnWidth },
}) => (
  <div class="titles" style={{ width: `${width}px` }}>
    {columns.map(({ column, x }) => (
      <span key={column} style={{ left: `${x}px`, width: `${columnWidth}px` }}>
        {columnTitles[column]}
      </span>
    ))}
  </div>
);

interface LinesProperties {
  readonly lines: readonly PlacedLine[];
  readonly lit: ReadonlySet<string>;
  readonly height: number;
}

const Lines: FunctionComponent<LinesProperties> = ({ lines, lit, height }) => (
  <svg class="lines" width="100%" height={height} aria-hidden="true">
    {lines.map(({ from, to, state, path }) => (
      <path
        key={`${from}\n${to}`}
        class={`line ${state}${lit.has(from) && lit.has(to) ? ' lit' : ''}`}
        d={path}
      />
    ))}
  </svg>
);
