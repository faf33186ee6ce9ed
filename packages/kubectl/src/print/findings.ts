import { styleText } from 'node:util';
import { printable } from '@pod-identity/kit/core';
import { findingLines, type Finding } from '@pod-identity/policy';

const colours = { '✓': 'green', '…': 'yellow', '✗': 'red' } as const;
const isMark = (text: string): text is keyof typeof colours => Object.hasOwn(colours, text);

/** Policy's lines of findings; their marks in colour. They may go to a terminal as they are. */
export function findingText(
  subject: string,
  findings: readonly Finding[],
  { colour }: { readonly colour: boolean },
): readonly string[] {
  return findingLines(subject, findings).map((line) => {
    const [mark, rest] = [line.slice(0, 1), line.slice(1)];
    const text = printable(rest);
    if (!isMark(mark)) return printable(mark) + text;
    // The program decided about colour: standard output of this process is not asked again.
    return (colour ? styleText(colours[mark], mark, { validateStream: false }) : mark) + text;
  });
}
