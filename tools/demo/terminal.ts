// The demo's lines: no longer than the terminal is wide, and coloured where there is one.
import { styleText } from 'node:util';
import type { Narrator } from './story.ts';
import { wrap } from './wrap.ts';

type Format = 'bold' | 'green' | 'cyan' | 'dim' | 'red';

export interface Terminal extends Narrator {
  say(text: string, format?: Format): void;
  /** Lines to copy, which are not broken. */
  command(...lines: readonly string[]): void;
  /** From the first column. */
  print(text: string, format?: Format): void;
}

export const paint = (format: Format, text: string): string => styleText(format, text);

/** As wide as the terminal, else as COLUMNS says. What goes to a file or another program has whole lines. */
const width = (): number => {
  const { columns } = process.stdout as { columns?: number };
  return columns ?? (Number(process.env['COLUMNS']) || Infinity);
};

export function createTerminal(): Terminal {
  const begun = performance.now();
  const lines = (text: string, format?: Format) => {
    for (const line of wrap(text, width())) console.log(format && line !== '' ? paint(format, line) : line);
  };
  return {
    step: (number, title) => {
      const seconds = ((performance.now() - begun) / 1000).toFixed(1).padStart(5);
      const [first = '', ...rest] = wrap(`            ${title}`, width());
      console.log(
        `\n${paint('dim', `${seconds} s`)}  ${paint('cyan', `${number}.`)} ${paint('bold', first.trimStart())}`,
      );
      for (const line of rest) console.log(paint('bold', line));
    },
    say: (text, format) => lines(`         ${text}`, format),
    command: (...commands) => {
      for (const line of commands) console.log(`    ${line}`);
    },
    print: lines,
  };
}
