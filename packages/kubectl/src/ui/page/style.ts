// Styles as text, which the build writes into one file. Here colours, states and text.
export const css = String.raw;

/** Colours for both schemes; every text has a contrast of 4.5 to its ground. */
const palette = css`
  :root {
    color-scheme: light dark;
    --ground: #fff;
    --panel: #f6f8fa;
    --border: #d1d9e0;
    --text: #1f2328;
    --soft: #59636e;
    --focus: #0969da;
    --ready: #1a7f37;
    --waiting: #8a5d00;
    --refused: #cf222e;
    --unused: #59636e;
    --lit: #ddf4ff;
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --ground: #0d1117;
      --panel: #161b22;
      --border: #3d444d;
      --text: #f0f6fc;
      --soft: #9198a1;
      --focus: #4493f8;
      --ready: #3fb950;
      --waiting: #d29922;
      --refused: #ff7b72;
      --unused: #9198a1;
      --lit: #10294a;
    }
  }
`;

/** Colour and shape: refused lines are dotted and thick, waiting ones dashed, unknown ones dotted, ready ones solid. */
const states = css`
  .ready {
    --state: var(--ready);
  }
  .waiting {
    --state: var(--waiting);
  }
  .refused {
    --state: var(--refused);
  }
  :is(.unknown, .unused) {
    --state: var(--unused);
  }
  .line {
    fill: none;
    stroke: var(--state);
    stroke-width: 1.5;
    opacity: 0.55;
  }
  .line.waiting {
    stroke-dasharray: 7 5;
  }
  .line.refused {
    stroke-dasharray: 2 4;
    stroke-width: 2.5;
  }
  .line.unknown {
    stroke-dasharray: 1 6;
  }
  .line.unused {
    stroke-width: 1;
    opacity: 0.35;
  }
  .mark {
    flex: none;
    width: 16px;
    height: 16px;
    fill: none;
    stroke: var(--state);
    stroke-width: 1.8;
    stroke-linecap: round;
    stroke-linejoin: round;
  }
  .mark .full {
    fill: var(--state);
  }
  .mark .sign {
    stroke: var(--ground);
  }
`;

const text = css`
  body {
    margin: 0;
    background: var(--ground);
    color: var(--text);
    font:
      14px/1.4 system-ui,
      -apple-system,
      'Segoe UI',
      sans-serif;
  }
  h1 {
    margin: 0;
    font-size: 18px;
  }
  h2 {
    margin: 0;
    font-size: 16px;
    overflow-wrap: anywhere;
  }
  h3 {
    margin: 16px 0 4px;
    font-size: 14px;
  }
  p {
    margin: 4px 0;
    overflow-wrap: anywhere;
  }
  .soft {
    color: var(--soft);
  }
  table {
    border-collapse: collapse;
    width: 100%;
  }
  th,
  td {
    padding: 4px 8px;
    border-bottom: 1px solid var(--border);
    text-align: left;
    vertical-align: baseline;
    overflow-wrap: anywhere;
  }
  td .mark,
  li .mark,
  p .mark {
    vertical-align: -3px;
    margin-right: 4px;
  }
`;

export const commonStyle = palette + states + text;
