// The demo's first steps as a picture for README.md: SVG, so that text stays text and a change is seen in a diff.

/** The width of the terminal. */
export const columns = 100;
const [charWidth, lineHeight, margin] = [8.43, 19, 16];
const colours = { ground: '#1e1e1e', text: '#d4d4d4', title: '#ffffff', number: '#4fc1ff', dim: '#9a9a9a' };

/** What differs from run to run is taken out: the time before a step, milliseconds, counts of calls. */
export const withoutTimes = (lines: readonly string[]): string[] =>
  lines.map((line) => line.replace(/^ *\d+\.\d s|\d+ ms$|(?<=^ +Calls: ).*/, ''));

/** Of lines without times: up to the step before this one. */
export function pictureOf(lines: readonly string[], endsBefore: number): string {
  const end = lines.findIndex((line) => line.trimStart().startsWith(`${endsBefore}. `));
  const shown = ['$ npm start', '', ...lines.slice(0, end).map((line) => line.trimEnd())];
  while (shown.at(-1) === '') shown.pop();
  const [width, height] = [columns * charWidth, shown.length * lineHeight].map(
    (one) => Math.ceil(one) + 2 * margin,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="What npm start prints">`,
    `<rect width="100%" height="100%" rx="8" fill="${colours.ground}"/>`,
    `<g font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="${colours.text}">`,
    ...shown.flatMap((line, index) => {
      const y = margin + (index + 1) * lineHeight - 5;
      return line === '' ? [] : [`<text x="${margin}" y="${y}">${coloured(line)}</text>`];
    }),
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

function coloured(line: string): string {
  const [, number, title] = /^ *(\d+\.) (.*)$/.exec(line) ?? [];
  if (number !== undefined && title !== undefined)
    return `${part(colours.number, number)} ${part(colours.title, title, ' font-weight="bold"')}`;
  return line.startsWith('$') ? part(colours.dim, line) : escaped(line.replace(/^ {6}/, ''));
}

const part = (colour: string, text: string, more = ''): string =>
  `<tspan fill="${colour}"${more}>${escaped(text)}</tspan>`;

/** Of several spaces SVG shows one, unless they do not break. */
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll(' ', '\u00A0');
