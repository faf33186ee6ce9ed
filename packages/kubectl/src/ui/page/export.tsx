import type { FunctionComponent } from 'preact';
import { renderToString } from 'preact-render-to-string';
import type { Picture } from '../picture.ts';
import { draw, type Drawing } from './derive.ts';
import type { RenderExport } from './document.ts';
import { countPods } from './filter.ts';
import { extraOf } from './item-button.tsx';
import type { Placed } from './layout.ts';
import { Mark, MarkShape } from './mark.tsx';
import { rowsOf } from './rows.ts';
import { exportStyle, svgStyle } from './style.ts';
import { Rows } from './table-view.tsx';
import { wholeView } from './view.ts';
import { cleanText, columnTitles, fullName, states } from './words.ts';

const width = 1_400;
const margin = 16;
const top = 64;
const rowHeight = 28;
/** Of the font, in pixels: text that is longer than its box is cut. */
const characterWidth = 7.5;

/** The picture as a file for a review: HTML with the picture and a table of everything, or the picture alone as SVG. Neither has scripts. */
export const renderExport: RenderExport = (picture, format) =>
  format === 'svg'
    ? // XML forbids these three characters in text, and HTML, for which preact writes, allows them.
      `${renderToString(<Drawn picture={picture} style={svgStyle} />).replaceAll(']]>', ']]&gt;')}\n`
    : `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Pod Identity</title><style>${exportStyle}</style></head>
<body>${renderToString(<Report picture={picture} />)}</body></html>
`;

const Report: FunctionComponent<{ readonly picture: Picture }> = ({ picture }) => (
  <main class="export">
    <h1>Pod Identity</h1>
    <p class="soft">{captionOf(picture)}</p>
    <p>
      {states.map((state) => (
        <span key={state}>
          <Mark state={state} />
          {countPods(picture.things)[state]} {state}{' '}
        </span>
      ))}
    </p>
    {picture.unknown.length > 0 && (
      <>
        <h2>What could not be read</h2>
        <ul>
          {picture.unknown.map((text) => (
            <li key={text}>{cleanText(text)}</li>
          ))}
        </ul>
      </>
    )}
    <Drawn picture={picture} />
    <Rows rows={rowsOf(picture)} nameCell={({ name }) => <bdi>{cleanText(name)}</bdi>} />
  </main>
);

const captionOf = ({ server, namespace, takenAt }: Picture): string =>
  cleanText(
    `${server}, ${namespace === undefined ? 'all namespaces' : `namespace ${namespace}`}, ${takenAt}`,
  );

const Drawn: FunctionComponent<{ readonly picture: Picture; readonly style?: string }> = ({
  picture,
  style,
}) => {
  const drawing = draw(picture, { ...wholeView, columns: 'all' }, width);
  const size = { width: width + 2 * margin, height: drawing.layout.height + top + margin };
  return (
    <svg
      class="picture"
      xmlns="http://www.w3.org/2000/svg"
      role="img"
      aria-label="Which pod may use which identity"
      viewBox={`0 0 ${size.width} ${size.height}`}
      {...size}
    >
      <rect class="ground" width="100%" height="100%" />
      {style !== undefined && (
        <>
          <style>{style}</style>
          <text class="soft" x={margin} y={24}>
            Pod Identity: {captionOf(picture)}
          </text>
        </>
      )}
      <Contents drawing={drawing} />
    </svg>
  );
};

const Contents: FunctionComponent<{ readonly drawing: Drawing }> = ({ drawing: { layout } }) => (
  <g transform={`translate(${margin} ${top})`}>
    {layout.columns.map(({ column, x }) => (
      <text key={column} class="title" x={x} y={-10}>
        {columnTitles[column]}
      </text>
    ))}
    {layout.bands.map(({ namespace, y }) => (
      <text key={namespace} class="soft title" x={0} y={y + 17}>
        {cleanText(namespace)}
      </text>
    ))}
    {layout.lines.map(({ from, to, state, path }) => (
      <path key={`${from}\n${to}`} class={`line ${state}`} d={path} />
    ))}
    {layout.placed.map((placed) => (
      <Box key={placed.item.id} placed={placed} width={layout.columnWidth} />
    ))}
  </g>
);

const Box: FunctionComponent<{ readonly placed: Placed; readonly width: number }> = ({
  placed,
  width: own,
}) => {
  const { item, x, y } = placed;
  const extra = extraOf(item).replace('▸', '×');
  const room = own - 46 - extra.length * characterWidth;
  return (
    <g class={item.state} transform={`translate(${x} ${y})`}>
      <title>{cleanText([fullName(item), item.state, item.about].filter(Boolean).join(': '))}</title>
      <rect class="box" width={own} height={rowHeight} rx={6} />
      <rect class="edge" width={3} height={rowHeight} />
      <g class={`mark ${item.state}`} transform="translate(9 6)">
        <MarkShape state={item.state} />
      </g>
      {/* Clips what is wider than it is long. */}
      <svg x={31} width={room} height={rowHeight}>
        <text y={19}>{cut(cleanText(item.name), room)}</text>
      </svg>
      <text class="soft" x={own - 8} y={19} text-anchor="end">
        {extra}
      </text>
    </g>
  );
};

function cut(text: string, room: number): string {
  const most = Math.floor(room / characterWidth);
  const characters = Array.from(text);
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join('')}…`;
}
