import { findingLines, type Finding } from '@pod-identity/policy';
import type { Answer } from './answers.ts';
import type { Explanation } from './explain.ts';

/** For a terminal: one line for each finding and answer, followed by the remedy. */
export function explanationLines({ pod, findings, answers, result }: Explanation): readonly string[] {
  return findingLines(pod, [...findings, ...answers.map(findingOf), result]);
}

function findingOf({ selector, status, text, afterMs }: Answer): Finding {
  const asked = selector === '' ? 'without selector' : selector;
  const after = afterMs === undefined ? '' : ` after ${afterMs / 1000} s without what is missing`;
  const verdict = status === 200 ? 'ok' : afterMs === undefined ? 'problem' : 'waiting';
  return { topic: 'answer', verdict, text: `${asked}: ${status}${after}, ${text}` };
}
