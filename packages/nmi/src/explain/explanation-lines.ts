import type { Answer } from './answers.ts';
import type { Explanation } from './explain.ts';
import type { Finding, Verdict } from './finding.ts';

const marks: Readonly<Record<Verdict, string>> = { ok: '✓', waiting: '…', problem: '✗', info: '·' };
const indent = ' '.repeat(15);

/** For a terminal: one line for each finding and each answer, under it the way out. */
export function explanationLines({ pod, findings, answers, result }: Explanation): readonly string[] {
  return [`pod ${pod}`, ...[...findings, ...answers.map(findingOf), result].flatMap(linesOf)];
}

function findingOf({ selector, status, text, afterMs, waitsFor }: Answer): Finding {
  const asked = selector === '' ? 'without selector' : selector;
  const after =
    afterMs === undefined
      ? ''
      : ` after ${afterMs / 1000} s without ${waitsFor === 'objects' ? 'what is missing' : 'assignment'}`;
  const verdict = status === 200 ? 'ok' : afterMs === undefined ? 'problem' : 'waiting';
  return { topic: 'answer', verdict, text: `${asked}: ${status}${after}, ${text}` };
}

function linesOf({ topic, verdict, text, remedy }: Finding): string[] {
  return [
    `${marks[verdict]} ${topic.padEnd(12)} ${text}`,
    ...(remedy === undefined ? [] : [`${indent}remedy: ${remedy.text}`]),
    ...(remedy?.command === undefined ? [] : [`${indent}$ ${remedy.command}`]),
  ];
}
