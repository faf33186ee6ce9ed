import type { Remedy } from './remedy.ts';

export type Topic =
  | 'original'
  | 'pod'
  | 'label'
  | 'node'
  | 'binding'
  | 'namespace'
  | 'identity'
  | 'permission'
  | 'host'
  | 'record'
  | 'result';

/** `ok`: as it should be. `waiting`: will be, without anybody's help. `problem`: needs somebody. `info`: neither. */
export type Verdict = 'ok' | 'waiting' | 'problem' | 'info';

/** One thing that was looked at. */
export interface Finding {
  readonly topic: Topic;
  readonly verdict: Verdict;
  readonly text: string;
  /** Azure's own words. */
  readonly quote?: string;
  readonly remedy?: Remedy;
}

export function ok(topic: Topic, text: string): Finding {
  return { topic, verdict: 'ok', text };
}

export function waiting(topic: Topic, text: string): Finding {
  return { topic, verdict: 'waiting', text };
}

export function problem(topic: Topic, text: string, remedy?: Remedy): Finding {
  return { topic, verdict: 'problem', text, ...(remedy !== undefined && { remedy }) };
}

export function info(topic: Topic, text: string): Finding {
  return { topic, verdict: 'info', text };
}
