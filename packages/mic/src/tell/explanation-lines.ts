import type { Explanation } from './explain.ts';
import type { Finding, Verdict } from './finding.ts';

const marks: Readonly<Record<Verdict, string>> = { ok: '✓', waiting: '…', problem: '✗', info: '·' };
const indent = ' '.repeat(15);

/** For a terminal: one line for each finding, under it Azure's words and the way out. */
export function explanationLines({ pod, findings, result }: Explanation): readonly string[] {
  return [`pod ${pod}`, ...[...findings, result].flatMap(linesOf)];
}

function linesOf({ topic, verdict, text, quote, remedy }: Finding): string[] {
  return [
    `${marks[verdict]} ${topic.padEnd(12)} ${text}`,
    ...(quote === undefined || quote === '' ? [] : [`${indent}Azure said: ${quote}`]),
    ...(remedy === undefined ? [] : [`${indent}remedy: ${remedy.text}`]),
    ...(remedy?.command === undefined ? [] : [`${indent}$ ${remedy.command}`]),
  ];
}
