// What a step of the set-up does, and that it still does something: on a terminal in one line that is written again each second, elsewhere
// in a line now and then, without control characters. All of it goes to standard error.

const pauseMs = { terminal: 1_000, elsewhere: 20_000 };

/**
 * No longer than the terminal is wide; 0: a terminal that does not say how wide it is.
 * @param {string} line
 * @param {number | undefined} columns
 */
export function cutLine(line, columns) {
  const width = columns || 80;
  // A line of the full width moves the cursor to the next one in some terminals.
  return line.length < width ? line : `${line.slice(0, width - 2)}\u2026`;
}

/**
 * The text of a progress line, no longer than the terminal is wide.
 * @param {{ title: string, detail?: string | undefined, seconds: number, columns?: number | undefined }} of
 */
export function progressLine({ title, detail, seconds, columns }) {
  return cutLine(`\u203a ${title}: ${detail === undefined ? '' : `${detail}, `}${seconds} s`, columns);
}

/**
 * Shows a step until the returned function is called with how it ended.
 * @param {string} title
 * @param {{ detail?: () => string | undefined, stream?: Stream, now?: () => number }} options
 * @returns {(how: 'done' | 'failed' | 'stopped') => void}
 * @typedef {{ isTTY?: boolean, columns?: number, write(text: string): unknown }} Stream
 */
export function showProgress(
  title,
  { detail = () => undefined, stream = process.stderr, now = Date.now } = {},
) {
  const begun = now();
  const isTerminal = stream.isTTY === true;
  const columns = () => (isTerminal ? stream.columns : Infinity);
  /** @param {string | undefined} text */
  const line = (text) =>
    progressLine({ title, detail: text, seconds: Math.round((now() - begun) / 1000), columns: columns() });
  // Carriage return, and erase to the end of the line.
  const show = () => stream.write(isTerminal ? `\r${line(detail())}\u001b[K` : `${line(detail())}\n`);
  show();
  const timer = globalThis.setInterval(show, isTerminal ? pauseMs.terminal : pauseMs.elsewhere);
  return (how) => {
    globalThis.clearInterval(timer);
    stream.write(isTerminal ? `\r${line(how)}\u001b[K\n` : `${line(how)}\n`);
  };
}

/**
 * Of the output of nx that builds: how many packages are built.
 * @param {string} printed
 */
export function builtSoFar(printed) {
  const total = / for (\d+) projects/.exec(printed)?.[1];
  const done = printed.match(/^> nx run /gm)?.length ?? 0;
  return total === undefined ? undefined : `${done} of ${total} packages`;
}

/**
 * The folders of the packages that npm installs from a lock file on such a machine, without those inside other packages.
 * @param {{ packages: Record<string, { os?: string[], cpu?: string[], libc?: string[], link?: boolean }> }} lock
 * @param {{ platform: string, arch: string }} machine
 */
export function packagesOf(lock, { platform, arch }) {
  const fits = (/** @type {string[] | undefined} */ list, /** @type {string} */ name) =>
    list === undefined ||
    list.includes(name) ||
    (list.every((one) => one.startsWith('!')) && !list.includes(`!${name}`));
  return Object.entries(lock.packages)
    .filter(([path, { os, cpu, libc }]) => {
      const isForeign =
        !fits(os, platform) || !fits(cpu, arch) || (libc !== undefined && !libc.includes('glibc'));
      return path.startsWith('node_modules/') && path.lastIndexOf('node_modules/') === 0 && !isForeign;
    })
    .map(([path]) => path);
}
